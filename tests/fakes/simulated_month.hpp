// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <random>
#include <vector>

#include "multilink/core/history_recorder.hpp"

namespace multilink::fakes {

/// A link that is simulated for some days: outages of all lengths, losses, round trips with a tail; what a HistoryRecorder
/// makes of it, through the packed form, and the truth, kept with other means.
struct SimulatedLink {
  struct Outage {
    WallTime begin;
    Duration length;
  };
  using Stored = std::map<HistoryTime, HistoryRecord>;

  Stored minutes;
  Stored hours;
  std::vector<Outage> outages;  ///< the time in which it was not usable, in order
  Duration up{};
  Duration suspect{};
  Duration down{};
  std::uint64_t probes = 0;
  std::uint64_t lost = 0;
  Duration rtt_sum{};
  Duration rtt_most{};
  std::vector<Duration> minute_rtts;  ///< mean of each minute that has an answer
  std::vector<double> minute_losses;  ///< of each minute that has a probe

  /// `begin` is on a minute.
  static SimulatedLink run(std::mt19937_64& random, WallTime begin, std::chrono::hours length);
};

/// Does what is to be written, with `stored` in place of Redis.
void store_writes(HistoryRecorder& recorder, bool unfinished, SimulatedLink::Stored& minutes,
                  SimulatedLink::Stored& hours);

}  // namespace multilink::fakes
