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
/// Silence is judged against the uplink's own recent rhythm: nothing received for longer than 2.5 of the usual
/// gaps between packets (and at least 30 ms), while packets went out in that time, after at least 10 packets
/// were received in the second before. A sparse flow of questions and answers has gaps as long as its round
/// trip, so the rule covers the RTT without knowing it.
///
/// Each reading wakes the daemon, so they are kPause apart; a reading with fewer packets than the rhythm lets
/// expect is followed by a second look. Their number tells how long before it the silence may have begun: by as
/// much as the missing ones take, less 2.5 gaps, or less 4 times what readings usually differ by where traffic is
/// that uneven. Only what is missing beyond that counts as silence, and the second look must find nothing at all.
///
/// Traffic that is uneven by itself (a page is read, somebody listens, a server thinks) is learnt from false triggers:
/// a silence that turned out to be none is usual here, and only half as much again is asked about; that is halved each
/// 30 s. So where silences come in all lengths it asks about three times a minute, and else at once. After a false trigger
/// 250 ms pass until the next may come. A one-way flow receives nothing, and so has no rhythm to fall out of.
class TrafficRhythm {
 public:
  static constexpr Duration kPause = std::chrono::milliseconds(50);
  static constexpr Duration kLeastSilence = std::chrono::milliseconds(30);
  static constexpr Duration kSecondLook = std::chrono::milliseconds(10);  ///< at the earliest
  static constexpr Duration kBackoff = std::chrono::milliseconds(250);
  static constexpr Duration kHalfLife = std::chrono::seconds(30);
  /// A probe a second notices it before.
  static constexpr Duration kMostUsual = std::chrono::seconds(2);

  /// One reading, at any time. True: ask now. Counters that went back (the device came anew) begin a new rhythm.
  bool on_reading(const TrafficCount& count, MonoTime now);
  /// As if there had been no reading yet.
  void begin_anew();
  /// What came of the last trigger: the link was alive, so it was false.
  void on_false_trigger(MonoTime now);
  void on_true_trigger() { usual_ = {}; }

  /// When a reading may next tell something; none where so little was received in the last second that no silence
  /// would be judged.
  std::optional<MonoTime> next_reading(MonoTime now) const;

 private:
  Duration learn(std::uint64_t received, Duration elapsed);
  Duration longest_gap(MonoTime now) const;
  Duration usual_silence(MonoTime now) const;
  bool has_rhythm() const;

  static constexpr double kUnknown = std::chrono::duration<double>(kPause).count();

  std::optional<TrafficCount> last_;
  MonoTime last_received_;  ///< the last reading that found something
  MonoTime silent_since_;   ///< at the latest; before last_received_ where packets were missing
  MonoTime next_;           ///< reading
  double rate_ = 0;         ///< packets received a second, a moving average over about a second
  double unevenness_ =
      kUnknown;  ///< seconds by which a reading's packets are usually early or late, likewise
  std::uint64_t sent_in_silence_ = 0;
  bool asked_ = false;  ///< in this silence already
  Duration doubted_{};  ///< the silence that was asked about last
  Duration usual_{};    ///< silences so long were false,
  MonoTime usual_as_of_;
  MonoTime quiet_until_;
};

}  // namespace multilink
