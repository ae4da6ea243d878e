// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "multilink/core/time.hpp"

namespace multilink {

/// Lets one event a period through, the first at once, and counts the others: so that whoever can send us
/// packets cannot fill the log with them.
class RateLimit {
 public:
  explicit RateLimit(Duration period) : period_(period) {}

  /// Whether this event may pass: then how many were held back since the one before.
  std::optional<std::uint64_t> admit(MonoTime now) {
    if (last_ && now < *last_ + period_) {
      ++held_back_;
      return std::nullopt;
    }
    last_ = now;
    return std::exchange(held_back_, 0);
  }

 private:
  Duration period_;
  std::optional<MonoTime> last_;
  std::uint64_t held_back_ = 0;
};

}  // namespace multilink
