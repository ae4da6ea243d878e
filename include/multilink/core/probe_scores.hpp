// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "multilink/core/time.hpp"

namespace multilink {

/// Where in a sorted set of probes, which is ordered by the wall clock, those sent after a monotonic time lie,
/// also when the wall clock was set in between.
///
/// Reader and writer are on one host and share both clocks, so a probe sent at monotonic time m has the score
/// m + d, where d was the distance of the two clocks at that time. This class remembers which distances there
/// were and until when, and gives a range of scores for each that was in force since the time asked for: one
/// range in calm times, two for a while after a step, wherever the entries from before the step lie.
class ProbeScores {
 public:
  /// First and last score, in ms since the epoch.
  using Range = std::pair<std::int64_t, std::int64_t>;

  /// Less than this is drift (the clock is slewed, a millisecond was cut) and lies within the ranges' margin.
  static constexpr std::chrono::milliseconds kDrift{200};
  static constexpr std::size_t kMostDistances = 8;

  /// To be called whenever time is read, about each second.
  void note(const Now& now);
  /// Every probe sent in (since, now.mono] has its score in one of the ranges, unless the clock was set twice
  /// between two notes, or more than kMostDistances times since then. `now` must have been noted.
  std::vector<Range> ranges(MonoTime since, const Now& now) const;

 private:
  struct Distance {
    std::int64_t ms = 0;
    MonoTime until;  ///< seen last
  };
  std::deque<Distance> distances_;  // oldest first
};

}  // namespace multilink
