// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "multilink/core/records.hpp"

namespace multilink {

inline constexpr MonoTime kBegin{std::chrono::hours(100)};

inline MonoTime at(double seconds) {
  return kBegin + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// A settled regular probe to 192.0.2.1, sent `seconds` after kBegin.
inline ProbeRecord probe_at(double seconds, Outcome outcome, Duration rtt = std::chrono::milliseconds(20)) {
  ProbeRecord probe;
  probe.boot = "0123abcd";
  probe.sequence = static_cast<std::uint64_t>(seconds * 1000);
  probe.outcome = outcome;
  probe.rtt = outcome == Outcome::answered ? rtt : Duration::zero();
  probe.sent = at(seconds);
  probe.target = IpAddress::from_v4({192, 0, 2, 1});
  return probe;
}
inline ProbeRecord answered(double seconds, Duration rtt = std::chrono::milliseconds(20)) {
  return probe_at(seconds, Outcome::answered, rtt);
}
inline ProbeRecord lost(double seconds) {
  return probe_at(seconds, Outcome::lost);
}

}  // namespace multilink
