// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {

/// Lines in on standard input, answers out on standard output, without ever blocking the loop: what Squid does not take yet
/// waits here.
class HelperStream {
 public:
  using Answer = std::function<std::optional<std::string>(std::string_view line)>;

  /// `loop` outlives this. Calls `on_end` from the loop when the input is over, or nobody reads the answers any more.
  HelperStream(EventLoop& loop, Answer answer, std::function<void()> on_end);
  ~HelperStream();

  void start();  ///< call once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
