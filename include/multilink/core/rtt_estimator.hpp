// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "multilink/core/time.hpp"

namespace multilink {

/// How long to wait for an answer from one target, from the round-trip times seen so far: the smoothed RTT
/// and its variation of RFC 6298 (alpha 1/8, beta 1/4, K 4).
///
/// What differs from TCP, and why:
/// - The margin above the smoothed RTT is at least 10 ms (the RFC's granularity G) and the timeout at least
///   20 ms, not 1 s: nothing is sent again, so a timeout that came too early costs no traffic, and the late
///   answer corrects it. The margin covers what a quiet link still does to a packet: scheduling, Wi-Fi
///   retries, a queue that drains.
/// - The timeout does not double after a loss. Doubling keeps retransmissions from feeding a congestion; here
///   it would only make each further loss slower to notice.
/// - Every answer is a sample, also a late one: each probe is sent once and is told apart from all others, so
///   Karn's ambiguity does not exist. A link that has become slower is thus learned from its late answers.
/// - At most 1.2 s: what takes longer is of no use to anybody, and counts as lost until it arrives. With the 3 s that a
///   loaded radio link would ask for, a silence of 3 s would be over before the first loss was known.
class RttEstimator {
 public:
  static constexpr Duration kInitialTimeout = std::chrono::seconds(1);
  static constexpr Duration kLeastMargin = std::chrono::milliseconds(10);
  static constexpr Duration kLeastTimeout = std::chrono::milliseconds(20);
  static constexpr Duration kMostTimeout = std::chrono::milliseconds(1200);

  void add(Duration rtt);  ///< negative ones count as zero
  /// kInitialTimeout before the first sample, then within [kLeastTimeout, kMostTimeout].
  Duration timeout() const;
  std::optional<Duration> smoothed() const;  ///< SRTT; none before the first sample

 private:
  std::optional<Duration> smoothed_;
  Duration variation_{};
};

}  // namespace multilink
