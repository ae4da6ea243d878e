// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>

namespace multilink {

using Duration = std::chrono::nanoseconds;

/// CLOCK_MONOTONIC: what every live decision goes by. Comparable between processes of one boot only.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// Milliseconds since the Unix epoch: for people and for scores in Redis, never for a decision.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// One reading of both clocks. A service takes one per event and passes it on, so that everything done for
/// that event agrees on the time.
struct Now {
  MonoTime mono;
  WallTime wall;
};

}  // namespace multilink
