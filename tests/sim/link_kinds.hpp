// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/time.hpp"

namespace multilink::sim {

/// What becomes of a probe sent `at` (since the beginning; never earlier than the last) to the n-th target: its
/// round-trip time, or none: lost. May keep a state; the same seed gives the same link.
using SimulatedLink = std::function<std::optional<Duration>(Duration at, std::size_t target)>;

/// Both ways 20 ms in all, with a little noise (up to 2 ms), each probe lost with probability `loss`.
SimulatedLink random_loss(double loss, std::uint64_t seed, Duration rtt = std::chrono::milliseconds(20));

/// Losses in bursts: E. N. Gilbert (1960) and E. O. Elliott (1963) in continuous time. Good states last `good` and bad
/// ones `bad` on average (exponential); in a bad state a probe is lost with probability `loss`.
SimulatedLink gilbert_elliott(Duration good, Duration bad, double loss, std::uint64_t seed);

/// Everything is lost for the first `lost` of each `period`: a radio that scans its channels.
SimulatedLink periodic_loss(Duration period, Duration lost, std::uint64_t seed);

/// The first target never answers.
SimulatedLink dead_target(SimulatedLink link);

/// The first target answers at most once in `pause`.
SimulatedLink rate_limited_target(SimulatedLink link, Duration pause);

/// A provider that polices its customer's echo requests: a token bucket (RFC 2697's committed part) for all targets
/// together lets `rate` a second pass, and `depth` at once after a rest; it is full at the beginning. What is lost in an
/// outage has passed it.
SimulatedLink policed_path(SimulatedLink link, double rate, double depth);

/// The first target answers sooner or later than the others: after so long.
SimulatedLink other_rtt_of_first_target(SimulatedLink link, Duration rtt);

/// The way back is worse than the way there: `loss_there`, then of what arrived `loss_back`; answers wait behind a
/// queue of up to 200 ms that comes and goes within seconds.
SimulatedLink asymmetric(double loss_there, double loss_back, std::uint64_t seed);

/// At each multiple of `every` the round-trip time begins to climb from 20 to 400 ms within 10 s; after kDriftLasts it
/// falls back at once.
constexpr Duration kDriftLasts = std::chrono::seconds(70);
SimulatedLink drifting_rtt(Duration every, std::uint64_t seed);

/// At each multiple of `every` a buffer fills and holds everything back until kSpikeLasts later.
constexpr Duration kSpikeLasts = std::chrono::seconds(1);
SimulatedLink bufferbloat_spikes(Duration every, std::uint64_t seed);

/// A time in which nothing gets through.
struct Outage {
  Duration from{};
  Duration to{};
};
/// In order, not overlapping.
using Outages = std::vector<Outage>;

/// What is sent in an outage is lost, and so is what an outage meets on its way.
SimulatedLink with_outages(SimulatedLink link, const Outages& outages);

/// An outage of random length in [least, most] after each `pause` or up to half as long again, until `end`.
Outages random_outages(Duration end, Duration pause, Duration least, Duration most, std::uint64_t seed);

}  // namespace multilink::sim
