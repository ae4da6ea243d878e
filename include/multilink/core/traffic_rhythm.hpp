// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "multilink/core/time.hpp"

namespace multilink {

/// Packets counted on a device since it came up (the kernel's 64-bit counters).
struct TrafficCount {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;

  bool operator==(const TrafficCount&) const = default;
};

/// Users' own traffic tells of a dead link sooner than a probe a second: an uplink that was receiving falls
/// silent while it is still sending. This judges one uplink's counters and only ever asks the question, never
/// answers it.
///
/// Silence is judged against the uplink's own recent rhythm: nothing received for longer than 8 of the usual
/// gaps between packets (and at least 25 ms), while packets went out in that time, after at least 10 packets
/// were received in the second before. A sparse flow of questions and answers has gaps as long as its round
/// trip, so the rule covers the RTT without knowing it. A false trigger doubles the time until the next may
/// come, from 250 ms up to 8 s (for so long a failure is noticed by probes alone); twice that without any makes it short
/// again. A one-way flow
/// receives nothing, and so has no rhythm to fall out of.
class TrafficRhythm {
 public:
  static constexpr Duration kLeastSilence = std::chrono::milliseconds(25);
  static constexpr Duration kFirstBackoff = std::chrono::milliseconds(250);
  static constexpr Duration kMostBackoff = std::chrono::seconds(8);

  /// One reading. True: ask now. Counters that went back (the device came anew) begin a new rhythm.
  bool on_reading(const TrafficCount& count, MonoTime now);
  /// What came of the last trigger: the link was alive, so it was false.
  void on_false_trigger(MonoTime now);
  void on_true_trigger() { backoff_ = kFirstBackoff; }

  /// Whether so much was received in the last second that a silence would be judged: worth a reading every few
  /// milliseconds.
  bool is_busy(MonoTime now) const;

 private:
  void learn(std::uint64_t received, MonoTime now);

  std::optional<TrafficCount> last_;
  MonoTime last_reading_;
  MonoTime last_received_;
  double rate_ = 0;  ///< packets received a second, a moving average over about a second
  std::uint64_t sent_in_silence_ = 0;
  bool asked_ = false;                ///< in this silence already
  Duration backoff_ = kFirstBackoff;  ///< after the next false trigger
  MonoTime quiet_until_;
};

}  // namespace multilink
