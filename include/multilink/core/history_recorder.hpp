// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "multilink/core/history_place.hpp"
#include "multilink/core/history_record.hpp"
#include "multilink/core/loss_window.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// Successive records to be written, all in one hour.
struct HistoryWrite {
  HistoryStep step = HistoryStep::minute;
  HistoryTime begin;
  std::vector<HistoryRecord> records;  ///< at least one
};

/// Makes the history of one uplink and family: what is seen goes in, the minutes and hours to be stored come out.
///
/// A state counts for as long as the monotonic clock says, in the minutes that the wall clock shows; a probe counts in
/// the minute in which it was sent. So a step of the wall clock lengthens no outage: minutes that it skips stay empty,
/// minutes that it shows twice hold their first 60 seconds. A pause of more than kMostGap between two readings of the
/// clocks (sleep, or Redis was away) is unknown.
///
/// The hour is the sum of its minutes. What is stored of an hour (by an earlier process, or before a step of the clock)
/// is to be shown before anything of that hour is written: each piece then adds to the other.
class HistoryRecorder {
 public:
  static constexpr Duration kMostGap = std::chrono::seconds(10);
  /// By then the probes of a minute that is over have settled, as a rule.
  static constexpr Duration kSettling = std::chrono::seconds(5);
  /// So long after its end a minute still takes answers that come late (as long as ProbeLedger remembers).
  static constexpr auto kOpen = std::chrono::minutes(2);
  /// Bounds what waits for a Redis that is away.
  static constexpr std::size_t kMostHours = 4;

  /// The state is another since `at`. Before the first call it is unknown.
  void enter(HealthState state, MonoTime at);
  /// A settled probe, in any order and however often; an answer takes back an earlier loss. Only regular ones count.
  void observe(const ProbeRecord& probe, const Now& now);
  /// What was measured with this target says nothing about the link.
  void forget_target(const IpAddress& target);
  /// Time has passed: to be called about each second while it is known that the state is what it was.
  void advance(const Now& now);

  /// The hours of which take_up() wants to know what is stored.
  std::vector<HistoryTime> unknown_hours() const;
  /// `minutes`: the 60 of an hour as they are stored; those that are not, empty. Once for each unknown hour.
  void take_up(HistoryTime hour, std::span<const HistoryRecord> minutes);

  bool has_probes() const { return has_probes_; }
  /// What has changed since the last call and is over and settled, or `unfinished` as well; with the hours that it
  /// belongs to. Nothing of unknown hours.
  std::vector<HistoryWrite> take_writes(bool unfinished);
  /// What was to be written may not have been: all that it still has is to be written again.
  void forget_writes();

 private:
  /// What a minute that is not yet over is made of.
  struct Open {
    std::array<Duration, 3> spent{};  // up, suspect, down
    LossWindow probes{std::chrono::minutes(5)};
    std::map<IpAddress, Duration> most;  // the greatest round trip to each target
  };
  struct Minute {
    HistoryRecord stored;  // by others, or when it was open before
    HistoryRecord seen;
    std::unique_ptr<Open> open;
    bool is_dirty = false;
  };
  struct Hour {
    std::array<Minute, 60> minutes;
    bool is_known = false;
  };

  static HistoryRecord seen_of(const Minute& minute);
  static HistoryRecord record_of(const Minute& minute);
  Minute& minute_at(HistoryTime time);
  Open& opened(HistoryTime time);
  void spend(HealthState state, WallTime from, WallTime to);
  void close_old(WallTime now);
  void forget_old_hours(WallTime now);

  std::optional<Now> last_;
  HealthState state_ = HealthState::unknown;
  std::vector<std::pair<MonoTime, HealthState>> changes_;  // since last_
  std::map<HistoryTime, Hour> hours_;
  std::set<HistoryTime> open_;
  bool has_probes_ = false;
};

}  // namespace multilink
