// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/rtt_estimator.hpp"
#include "multilink/core/sequential_test.hpp"
#include "multilink/core/target_watch.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// Is the link of one uplink and family dead? The SequentialTest over every settled probe of the targets that
/// count, with a baseline of its own learning, and the silence as a person would feel it.
///
/// The baseline p0 is the loss of the regular probes in calm times: those that settled since the score last
/// left 0 are held back until it is known what they were part of; if the link was found dead they are thrown
/// away. An estimate that learnt from outages would make each detection slower than the one before.
///
/// Silence lasts from the sending of a probe until any answer to it or to a later one has arrived.
///
/// A probe that waited long for its answer may settle as lost after the link has returned: it is of the outage, and
/// is not evidence of another one.
///
/// A loss that is answered late, and a target that is set aside, are taken out of the evidence as if they had
/// never been in it: the score is worked out anew from the outcomes since it last was 0.
class DeadLinkDetector {
 public:
  /// Regular probes that the baseline goes back: a minute at the default interval.
  static constexpr std::size_t kBaselineProbes = 60;
  /// Outcomes since the score last was 0 that are remembered.
  static constexpr std::size_t kMostEvidence = 512;

  static constexpr Duration kLeastPatience = std::chrono::milliseconds(200);
  static constexpr Duration kMostPatience = std::chrono::seconds(1);
  static constexpr int kTimeoutsOfPatience = 2;

  /// How long an outcome is remembered, so that one shown again changes nothing; older ones are not looked at.
  static constexpr Duration kMemory = std::chrono::minutes(2);

  /// A settled probe, in about the order of settling. Shown again it changes nothing, but that an answer takes back
  /// the loss.
  void observe(const ProbeRecord& probe);
  /// The link is another, or was barred by a fact: evidence and silence so far mean nothing. What was learnt
  /// stays.
  void restart_after(MonoTime time);
  void retain_targets(const std::vector<IpAddress>& targets);

  /// The odds say so, and the silence has lasted long enough: patience() where nobody is known to wait. Users' traffic
  /// that has fallen silent (an urgent probe in the evidence) is reason enough by itself.
  bool says_dead() const { return test_.says_dead() && (is_urgent() || silence() >= patience()); }
  /// Some link stands still for a moment now and then. Twice what an answer may take, as the link has been of late;
  /// within [kLeastPatience, kMostPatience].
  Duration patience() const;
  bool is_calm() const { return test_.is_calm(); }
  std::size_t losses_to_dead() const { return test_.losses_to_dead(); }
  double baseline() const;
  /// The sending of the first probe of the standing silence; none while the last one sent was heard of.
  std::optional<MonoTime> silent_since() const;
  /// The sending of the second: the first may have been lost by itself, while what was sent between the two arrived.
  std::optional<MonoTime> surely_silent_since() const;
  /// So many probes were sent in the standing silence (at most kMostEvidence are counted), over so long a time.
  std::size_t unheard() const { return unheard_.size(); }
  Duration silence() const;
  const TargetWatch& targets() const { return targets_; }

 private:
  struct Evidence {
    std::uint64_t sequence;
    IpAddress target;
    Outcome outcome;
    ProbeKind kind;
  };

  bool is_urgent() const;
  bool is_news(const ProbeRecord& probe);
  bool is_of_past_outage(const ProbeRecord& probe) const;
  void note_silence(const ProbeRecord& probe);
  bool correct(const ProbeRecord& probe);
  void weigh_anew();
  void close_if_calm();

  SequentialTest test_;
  TargetWatch targets_;
  std::deque<Outcome> learnt_;
  std::vector<Evidence> evidence_;       ///< since the score last was 0
  bool was_dead_ = false;                ///< at any time since then
  MonoTime floor_ = MonoTime::min();     ///< probes sent then or earlier are not looked at
  MonoTime returned_ = MonoTime::min();  ///< sending of the answer that ended the last outage
  std::map<std::pair<MonoTime, std::uint64_t>, Outcome>
      seen_;                                 ///< by sending and sequence, of the last kMemory
  MonoTime newest_heard_ = MonoTime::min();  ///< sending of the newest answered probe
  std::set<MonoTime> unheard_;               ///< sendings of lost ones after it
  std::map<IpAddress, RttEstimator> rtts_;   ///< of the targets
};

}  // namespace multilink
