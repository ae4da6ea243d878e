// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/helper_protocol.hpp"

#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {

std::optional<std::string_view> question_id(std::string_view line) {
  constexpr std::size_t kLongestId = 20;  // digits of the greatest 64-bit number
  const auto id = line.substr(0, line.find(' '));
  if (id.empty() || id.size() > kLongestId || id.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return id;
}

std::string helper_answer(std::string_view id, const std::optional<ChosenParents>& chosen) {
  if (!chosen) return cat(id, " OK\n");
  const auto alternative = chosen->alternative ? cat(" alt=", *chosen->alternative) : std::string();
  return cat(id, " OK use=", chosen->use, alternative, '\n');
}

void LineCutter::add(std::string_view bytes) {
  buffer_ += bytes;
}

std::optional<std::string> LineCutter::take() {
  for (;;) {
    const auto end = buffer_.find('\n', seen_);
    if (end == std::string::npos) {
      seen_ = buffer_.size();
      if (is_skipping_ || buffer_.size() > kLongest) {
        is_skipping_ = true;
        buffer_.clear();
        seen_ = 0;
      }
      return std::nullopt;
    }
    auto line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    seen_ = 0;
    if (std::exchange(is_skipping_, false) || line.size() > kLongest) continue;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
}

}  // namespace multilink
