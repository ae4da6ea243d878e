// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/dead_link_detector.hpp"
#include "multilink/core/flap_penalty.hpp"
#include "multilink/core/ip_address.hpp"
#include "multilink/core/loss_window.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// One change of state.
struct Transition {
  HealthState from = HealthState::unknown;
  HealthState to = HealthState::unknown;
  MonoTime at;         ///< since when it is so
  MonoTime cause;      ///< when the probe that decided was sent, or the fact was seen
  std::string reason;  ///< for people, with figures
  /// When the probe that decided was settled, if that is known. None: a fact, a setting or the passing of time decided.
  std::optional<MonoTime> settled;

  bool operator==(const Transition&) const = default;
};

/// The health of one uplink and family: what is heard goes in, the state and the reason for it come out.
/// kTable (health_machine.cpp) is the whole of the rules.
///
/// A probe speaks at its own time, an answer when it arrived (sent + rtt), a loss at its sending; the moment
/// its record is read is never looked at. So a machine that is shown the stored probes of the last minutes
/// comes to the state of one that lived through them, but for what is no longer stored: that an answer that
/// came late counted as lost before, and facts of the past.
///
/// All times are monotonic and of one boot. Time never runs backwards here: an input that is earlier than the
/// last one happens at the time of the last one. No bound on memory is exceeded whatever is shown
/// (LossWindow).
class HealthMachine {
 public:
  /// The window rule is silent below so many probes: 3 losses of 10 are not yet a rate. (The configuration
  /// sees to it that a window can hold them.)
  static constexpr std::size_t kLeastProbes = 20;
  /// More than the longest that pingd waits for an answer (RttEstimator::kMostTimeout), and the time that its report may
  /// take.
  static constexpr Duration kLongestTimeout = std::chrono::seconds(3);
  static constexpr Duration kReportMargin = std::chrono::seconds(1);

  /// Without so many lost probes a silence is not known well enough to cut connections.
  static constexpr std::size_t kLeastUnheard = 10;

  /// So long without standing still, and a link that is not up counts as answering: two bad links must not throw the
  /// traffic to and fro.
  static constexpr Duration kUntilAnswering = std::chrono::seconds(10);
  /// Each time that did not last is held against it, as a `suspect` is against what is up (FlapPenalty): for the wait
  /// that comes of it the link counts as answering only when it has not stood still for this part of that wait. The
  /// traffic of two links that stutter would else move a hundred times an hour, and be no better off.
  static constexpr int kPartOfWait = 8;

  /// `uplink` gives the thresholds.
  HealthMachine(const UplinkConfig& uplink, Family family);
  HealthMachine(const HealthMachine&) = delete;
  HealthMachine& operator=(const HealthMachine&) = delete;

  /// When a settled probe made itself heard, at the earliest.
  static MonoTime heard_at(const ProbeRecord& probe) { return probe.sent + probe.rtt; }

  /// What an earlier process has said last, to be called before anything is shown: when what is shown comes to that
  /// moment, it is so, and the rules go on from there. Facts are not among the stored probes, nor are the
  /// penalties of flap damping. Of `up` and `unknown` the penalty alone counts: the probes tell the rest.
  struct Memory {
    HealthState state = HealthState::unknown;
    MonoTime entered;
    std::string reason;
    std::optional<MonoTime> forgiven;  ///< FlapPenalty::forgiven_at
  };
  void recall(Memory memory) { memory_ = std::move(memory); }

  /// A settled probe of this family, of a configured target (others say nothing), of this boot and not from the future. One that was shown before changes
  /// nothing, unless it was lost then and is answered now.
  void observe(const ProbeRecord& probe);
  /// Many of them, in the order in which they made themselves heard.
  void observe_all(std::vector<ProbeRecord> probes);
  /// pingd says so, now.
  void report_fact(LinkFact fact, MonoTime now);
  /// Time passes. To be called about each second, after what was heard in the meantime has been shown.
  void advance(MonoTime now);
  /// Until now the listener could hear nothing, by its own fault (Redis was away): that silence is not
  /// pingd's.
  void excuse_silence(MonoTime now);
  /// New thresholds are in force; state and windows are kept.
  void configure(const UplinkConfig& uplink, MonoTime now);

  HealthState state() const { return state_; }
  /// It is not up, and yet answers: traffic that has no better place to go may. (It waits out its clean time, or loses
  /// too much.)
  bool answers() const { return answers_; }
  const std::string& reason() const { return reason_; }
  /// When the state began, or what barred it ended; MonoTime::min(): it is as it was made.
  MonoTime entered() const { return entered_; }
  std::optional<MonoTime> forgiven_at() const { return penalty_.forgiven_at(); }
  /// The reason of LinkFact::no_address.
  static std::string no_address(Family family);
  /// While it is suspect or down: the clean time that flap damping asks for beyond what is configured.
  Duration damping() const { return is_out() ? penalty_.extra_wait(now_) : Duration{}; }
  const LossWindow& window() const { return window_; }
  const DeadLinkDetector& detector() const { return detector_; }
  /// The changes of state since the last call, oldest first.
  std::vector<Transition> take_transitions() { return std::exchange(transitions_, {}); }

 private:
  struct Verdict {
    MonoTime at;
    MonoTime cause;
    std::string reason;
  };
  struct Row {
    std::optional<HealthState> from;  ///< none: any other than `to`
    HealthState to;
    std::optional<Verdict> (HealthMachine::*when)() const;
  };
  static const std::array<Row, 13> kTable;

  /// What keeps the state down whatever the probes say.
  struct Bar {
    std::string reason;
    std::string lifted;  ///< the words for its end
  };

  std::optional<Verdict> is_barred() const;
  std::optional<Verdict> reports_stopped() const;
  std::optional<Verdict> first_answer_after_an_outage() const;
  std::optional<Verdict> first_answer() const;
  std::optional<Verdict> no_first_answer_for_evict_after() const;
  std::optional<Verdict> dead_by_the_test() const;
  std::optional<Verdict> silent_for_long() const;
  std::optional<Verdict> alive_by_the_test() const;
  std::optional<Verdict> silent_for_evict_after() const;
  std::optional<Verdict> loss_above_loss_down() const;
  std::optional<Verdict> rtt_above_latency_down() const;
  std::optional<Verdict> jitter_above_jitter_down() const;
  std::optional<Verdict> clean_for_up_after() const;

  void let_pass(MonoTime now);
  void remember();
  void listen(const ProbeRecord& probe);
  void apply_rules();
  void enter(HealthState to, const Verdict& verdict);
  void begin_fresh_windows(MonoTime after);
  void note_signs_of_life(const ProbeRecord& probe);
  void note_answers();
  bool has_answered_long_enough() const;
  bool is_out() const { return state_ == HealthState::suspect || state_ == HealthState::down; }
  bool is_recovered() const;
  bool is_flap() const;
  bool has_targets() const;
  std::optional<Bar> bar() const;
  void explain_bar_change(const std::optional<Bar>& before);
  std::string nothing_heard() const;
  Duration longest_silence() const;
  bool is_silent_for_long() const;

  UplinkConfig config_;
  Family family_;
  MonoTime now_ = MonoTime::min();
  std::optional<MonoTime> settled_;  // of the probe that speaks now
  HealthState state_ = HealthState::unknown;
  std::string reason_;
  std::vector<Transition> transitions_;

  DeadLinkDetector detector_;
  FlapPenalty penalty_;
  std::optional<MonoTime> alive_from_;  // it has answered since, without standing still or being found dead
  bool answers_ = false;
  FlapPenalty stutter_;  // of answering that did not last
  Duration distrust_{};  // what came of it the last time,
  MonoTime distrusted_until_ = MonoTime::min();
  LossWindow window_;                    // of loss_window: judges what is up
  LossWindow recovery_;                  // of up_after: judges what is down
  MonoTime heard_;                       // sending of the probe heard last
  MonoTime answered_ = MonoTime::min();  // sending of the newest that was answered
  MonoTime entered_ = MonoTime::min();   // when the state, or the part of it without a bar, began
  std::optional<LinkFact> fact_;
  std::optional<MonoTime> report_;  // newest sending of a settled probe, or sight of a standing fact
  // What the unknown state goes by: of the probes sent after it began, an answer and the first loss.
  MonoTime unknown_from_ = MonoTime::min();
  std::optional<ProbeRecord> answer_;
  std::optional<MonoTime> unanswered_;
  bool was_out_ = false;  // before it was unknown, or by what an earlier process has said
  std::optional<Memory> memory_;
};

}  // namespace multilink
