// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/parent_choice.hpp"

namespace multilink {

/// What Squid and the helper say to each other (external_acl_type with concurrency): lines "<id> <data>" in, "<id> OK
/// key=value…" out. Squid is answered whatever it asks: a question without an answer would wait for ever, and BH
/// ("broken helper") would refuse the user's request.

/// The channel of a question; no value: the line is no question, and nobody waits for an answer.
std::optional<std::string_view> question_id(std::string_view line);

/// "<id> OK use=wan1 alt=wan2\n". Nobody chosen: "<id> OK\n", and Squid goes by what its own configuration says.
std::string helper_answer(std::string_view id, const std::optional<ChosenParents>& chosen);

/// Cuts a stream of bytes into lines. A line that gets longer than kLongest is dropped up to its end.
class LineCutter {
 public:
  static constexpr std::size_t kLongest = 65536;

  void add(std::string_view bytes);
  /// The next whole line, without its end; no value: it has not come yet.
  std::optional<std::string> take();

 private:
  std::string buffer_;
  std::size_t seen_ = 0;      ///< bytes of buffer_ in which there is no end of a line
  bool is_skipping_ = false;  ///< within a line that is too long
};

}  // namespace multilink
