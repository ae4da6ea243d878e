// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "multilink/core/dead_link_detector.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// When pingd probes one uplink and family beyond the regular interval: the question "is it dead?", from the
/// miss (or the silence of users' traffic) that raised it to its answer.
///
/// While the question is open a probe leaves every 10 ms if users' traffic has fallen silent, so that it is decided a
/// few round trips after the fault whatever the interval; if it was only a probe that was missed, six within the
/// patience that the answer takes anyway (DeadLinkDetector::patience()), the last of them when it is over, and no more
/// than one every 25 ms. It closes when the test falls to 0 and a probe sent since it was opened has been answered.
/// A probe that is found lost when something sent later has been answered does not open it. A link found dead is probed each 50 ms until 5 s after the opening (most
/// silences of mobile links end by then), then at the regular interval only; the first answer opens the
/// question again, so that a return is noticed as fast as a loss. A question that random loss keeps open for
/// over a second goes on at 100 ms: it is the loss window's then.
///
/// A provider may police echo requests (a token bucket): then asking is what loses the answers. Each burst finds a
/// link that answers now and then and is never calm. So
/// - a link that was found dead, and has answered since, is asked for kDeadFor in all, however often it answers; then
///   regular probes alone make it calm.
/// - where they did make it calm, they alone are sent for kLeastHold, and for twice as long each further time, up to
///   kMostHold. An hour without such a thing ends the doubling.
/// A silence of kStandstill, which no policer makes, ends either.
class Inquiry {
 public:
  static constexpr Duration kBurstSpacing = std::chrono::milliseconds(10);
  static constexpr Duration kCalmSpacing = std::chrono::milliseconds(25);
  static constexpr int kCalmProbes = 6;
  static constexpr Duration kDeadSpacing = std::chrono::milliseconds(50);
  static constexpr Duration kLongSpacing = std::chrono::milliseconds(100);
  static constexpr Duration kBurstFor = std::chrono::seconds(1);
  static constexpr Duration kDeadFor = std::chrono::seconds(5);
  static constexpr Duration kStandstill = std::chrono::seconds(3);
  static constexpr Duration kLeastHold = std::chrono::minutes(5);
  static constexpr Duration kMostHold = std::chrono::hours(1);

  /// Users' traffic has fallen silent: opens the question if it is closed.
  void on_silence(MonoTime now);
  /// A probe has settled, or one that had settled as lost was answered late.
  void on_settled(const ProbeRecord& probe, MonoTime now);
  /// The link cannot be probed (a fact): nothing is asked of it, and what was found so far means nothing.
  void reset(MonoTime now);

  /// When the next probe beyond the regular ones is due (it may be past); nullopt: none is.
  std::optional<MonoTime> next_probe() const;
  void on_burst_probe_sent(MonoTime now);

  bool is_open() const { return opened_.has_value(); }
  /// Of the probes that on_burst_probe_sent() tells of.
  ProbeKind kind() const { return urgent_ ? ProbeKind::urgent : ProbeKind::burst; }
  const DeadLinkDetector& detector() const { return detector_; }
  void retain_targets(const std::vector<IpAddress>& targets) { detector_.retain_targets(targets); }

 private:
  void open(MonoTime now);
  void close();
  void after_loss(MonoTime now);
  void after_answer(const ProbeRecord& probe, MonoTime now);
  void hold(MonoTime now);
  bool is_given_up() const;
  bool is_held(MonoTime now) const { return now < held_until_ && now - heard_ < kStandstill; }
  MonoTime next_calm_probe() const;

  DeadLinkDetector detector_;
  std::optional<MonoTime> opened_;
  std::optional<MonoTime> last_sent_;
  bool urgent_ = false;               ///< users' traffic is silent
  bool answered_since_ = false;       ///< a probe sent since the opening
  bool was_dead_ = false;             ///< at the last settled probe
  bool reopened_ = false;             ///< by an answer of the dead link, which has not been calm since
  MonoTime heard_ = MonoTime::min();  ///< the last answer
  MonoTime held_until_ = MonoTime::min();
  Duration hold_ = kLeastHold;  ///< how long the next one lasts
};

}  // namespace multilink
