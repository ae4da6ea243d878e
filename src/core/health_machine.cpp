// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/health_machine.hpp"

#include <algorithm>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string seconds(Duration span) {
  return cat(format_decimal(std::chrono::duration<double>(span).count(), 3), " s");
}

std::string percent(double ratio) {
  return cat(format_decimal(ratio * 100, 2), " %");
}

std::string milliseconds(Duration span) {
  return cat(format_decimal(std::chrono::duration<double, std::milli>(span).count(), 1), " ms");
}

std::string damped(Duration wait, std::string_view has) {
  return wait == Duration::zero() ? "" : cat(", and ", has, " been for ", seconds(wait), " (flap damping)");
}

std::string loss_over(const LossWindow& window) {
  return cat("loss ", format_decimal(window.loss() * 100, 1), " % (", window.lost(), " of ", window.probes(),
             window.probes() == 1 ? " probe" : " probes", ") over ", seconds(window.length()));
}

}  // namespace

// The first row that fits decides, then the table is looked at again until none does. (Every entry into
// `down` or `unknown` begins fresh windows, so that this ends.)
// clang-format off
const std::array<HealthMachine::Row, 13> HealthMachine::kTable{{
    // from                 to                    when
    {std::nullopt,          HealthState::down,    &HealthMachine::is_barred},
    {std::nullopt,          HealthState::unknown, &HealthMachine::reports_stopped},
    {HealthState::unknown,  HealthState::down,    &HealthMachine::first_answer_after_an_outage},
    {HealthState::unknown,  HealthState::up,      &HealthMachine::first_answer},
    {HealthState::unknown,  HealthState::down,    &HealthMachine::no_first_answer_for_evict_after},
    {HealthState::up,       HealthState::suspect, &HealthMachine::dead_by_the_test},
    {HealthState::up,       HealthState::suspect, &HealthMachine::silent_for_long},
    {HealthState::up,       HealthState::down,    &HealthMachine::loss_above_loss_down},
    {HealthState::up,       HealthState::down,    &HealthMachine::rtt_above_latency_down},
    {HealthState::up,       HealthState::down,    &HealthMachine::jitter_above_jitter_down},
    {HealthState::suspect,  HealthState::up,      &HealthMachine::alive_by_the_test},
    {HealthState::suspect,  HealthState::down,    &HealthMachine::silent_for_evict_after},
    {HealthState::down,     HealthState::up,      &HealthMachine::clean_for_up_after},
}};
// clang-format on

HealthMachine::HealthMachine(const UplinkConfig& uplink, Family family)
    : config_(uplink), family_(family), window_(uplink.loss_window), recovery_(uplink.up_after) {
  reason_ = nothing_heard();
}

void HealthMachine::observe(const ProbeRecord& probe) {
  if (std::ranges::find(config_.targets, probe.target) == config_.targets.end()) return;
  advance(heard_at(probe));
  settled_ = probe.settled();
  listen(probe);
  apply_rules();
  settled_.reset();
}

void HealthMachine::observe_all(std::vector<ProbeRecord> probes) {
  std::ranges::stable_sort(probes, {}, &HealthMachine::heard_at);
  for (const auto& probe : probes) observe(probe);
}

void HealthMachine::advance(MonoTime now) {
  let_pass(now);
  apply_rules();
}

void HealthMachine::let_pass(MonoTime now) {
  if (memory_ && now >= memory_->entered) remember();
  now_ = std::max(now_, now);
}

void HealthMachine::remember() {
  const auto memory = *std::exchange(memory_, std::nullopt);
  now_ = std::max(now_, memory.entered);
  if (memory.state == HealthState::suspect || memory.state == HealthState::down) {
    if (state_ != memory.state) enter(memory.state, {memory.entered, memory.entered, memory.reason});
    was_out_ = true;
  }
  penalty_.restore(memory.forgiven, now_);
}

void HealthMachine::report_fact(LinkFact fact, MonoTime now) {
  let_pass(now);
  const auto before = bar();
  fact_ = fact;
  if (fact != LinkFact::ok) report_ = now_;
  explain_bar_change(before);
  apply_rules();
}

void HealthMachine::excuse_silence(MonoTime now) {
  if (report_) report_ = std::max(*report_, now);
}

void HealthMachine::configure(const UplinkConfig& uplink, MonoTime now) {
  now_ = std::max(now_, now);
  const auto before = bar();
  const bool had_targets = has_targets();
  config_ = uplink;
  detector_.retain_targets(config_.targets_of(family_));
  window_.set_length(uplink.loss_window);
  recovery_.set_length(uplink.up_after);
  const bool targets_changed = !has_targets() || !had_targets;
  if (state_ == HealthState::unknown && (!report_ || targets_changed)) reason_ = nothing_heard();
  explain_bar_change(before);
  apply_rules();
}

void HealthMachine::listen(const ProbeRecord& probe) {
  heard_ = probe.sent;
  report_ = std::max(report_.value_or(probe.sent), probe.sent);
  detector_.observe(probe);
  if (probe.outcome == Outcome::answered) answered_ = std::max(answered_, probe.sent);
  if (detector_.targets().is_set_aside(probe.target)) {
    window_.forget_target(probe.target);
    recovery_.forget_target(probe.target);
  } else {
    window_.record(probe);
    recovery_.record(probe);
  }
  note_signs_of_life(probe);
  if (state_ != HealthState::unknown || probe.sent <= unknown_from_) return;
  if (probe.outcome == Outcome::answered) {
    answer_ = probe;
  } else {
    unanswered_ = std::min(unanswered_.value_or(probe.sent), probe.sent);
  }
}

/// A lost probe now and then is no reason to begin to watch it anew.
void HealthMachine::note_signs_of_life(const ProbeRecord& probe) {
  if (detector_.says_dead() || is_silent_for_long()) {
    alive_from_.reset();
  } else if (!alive_from_ && probe.outcome == Outcome::answered) {
    alive_from_ = now_;
  }
}

/// With hysteresis: from alive for a while to dead.
void HealthMachine::note_answers() {
  if (!is_out() || bar() || detector_.says_dead() || is_silent_for_long()) {
    if (!std::exchange(answers_, false) || !is_out() || bar()) return;
    stutter_.on_suspect(now_);
    distrust_ = stutter_.extra_wait(now_);
    distrusted_until_ = now_ + distrust_;
  } else if (alive_from_ && answered_ > entered_ && detector_.is_calm()) {
    answers_ = answers_ || has_answered_long_enough();
  }
}

bool HealthMachine::has_answered_long_enough() const {
  const Duration alive = now_ - *alive_from_;
  return alive >= kUntilAnswering && (now_ >= distrusted_until_ || alive >= distrust_ / kPartOfWait);
}

void HealthMachine::apply_rules() {
  const auto fits = [this](const Row& row) -> std::optional<Verdict> {
    if (row.to == state_ || (row.from && *row.from != state_)) return std::nullopt;
    return (this->*row.when)();
  };
  for (auto row = kTable.begin(); row != kTable.end();) {
    const auto verdict = fits(*row);
    if (verdict) enter(row->to, *verdict);
    row = verdict ? kTable.begin() : row + 1;
  }
  note_answers();
}

void HealthMachine::enter(HealthState to, const Verdict& verdict) {
  transitions_.push_back({state_, to, verdict.at, verdict.cause, verdict.reason, settled_});
  switch (to) {
    case HealthState::unknown:
      begin_fresh_windows(verdict.at);
      unknown_from_ = verdict.at;
      fact_.reset();
      break;
    case HealthState::up:
      // What came before the clean time, or the first answer, is of the outage and must not speak again.
      if (state_ == HealthState::down) window_.restart_after(verdict.at - config_.up_after);
      if (state_ == HealthState::unknown) window_.restart_after(verdict.at - Duration(1));
      break;
    case HealthState::suspect:
      penalty_.on_suspect(verdict.at);
      break;
    case HealthState::down:
      if (is_flap()) penalty_.on_down(state_ == HealthState::suspect, verdict.at);
      begin_fresh_windows(verdict.at);
      break;
  }
  answer_.reset();
  unanswered_.reset();
  was_out_ = to == HealthState::unknown && (is_out() || was_out_);
  state_ = to;
  entered_ = now_;
  reason_ = verdict.reason;
}

/// Of what takes the state down: whether the link itself has failed, rather than somebody has changed its settings
/// or it has not been there yet.
bool HealthMachine::is_flap() const {
  if (state_ == HealthState::unknown && was_out_) return false;  // it has been counted
  if (!bar()) return true;
  const bool was_there = state_ == HealthState::up || state_ == HealthState::suspect;
  return config_.enabled && fact_ == LinkFact::no_carrier && was_there;
}

void HealthMachine::begin_fresh_windows(MonoTime after) {
  window_.restart_after(after);
  recovery_.restart_after(after);
  detector_.restart_after(after);
  alive_from_.reset();
}

std::string HealthMachine::no_address(Family family) {
  return cat("no IPv", to_string(family), " address");
}

std::optional<HealthMachine::Bar> HealthMachine::bar() const {
  if (!config_.enabled) {
    const auto& order = config_.disabled_by;
    return Bar{order.empty() ? "disabled in interfaces.conf" : order, "enabled again"};
  }
  const std::string family = cat("IPv", to_string(family_));
  switch (fact_.value_or(LinkFact::ok)) {
    case LinkFact::ok:
      break;
    case LinkFact::no_device:
      return Bar{"no such device", "the device is back"};
    case LinkFact::admin_down:
      return Bar{"administratively down", "administratively up again"};
    case LinkFact::no_carrier:
      return Bar{"no carrier", "the carrier is back"};
    case LinkFact::no_address:
      return Bar{no_address(family_), cat(family, " address present")};
    case LinkFact::no_gateway:
      return Bar{cat("no ", family, " gateway"), cat(family, " gateway present")};
  }
  return std::nullopt;
}

/// Keeps the reason true while the state stays down.
void HealthMachine::explain_bar_change(const std::optional<Bar>& before) {
  const auto after = bar();
  if (state_ != HealthState::down || (before && after && before->reason == after->reason)) return;
  if (after) {
    reason_ = after->reason;
  } else if (before) {
    begin_fresh_windows(now_);
    report_ = now_;
    entered_ = now_;
    reason_ = cat(before->lifted, "; up after ", seconds(config_.up_after), " of probes with loss below ",
                  percent(config_.loss_up));
  }
}

std::optional<HealthMachine::Verdict> HealthMachine::is_barred() const {
  const auto standing = bar();
  if (!standing) return std::nullopt;
  return Verdict{now_, now_, standing->reason};
}

std::optional<HealthMachine::Verdict> HealthMachine::reports_stopped() const {
  if (!config_.enabled || !report_ || now_ - *report_ <= longest_silence()) return std::nullopt;
  if (!has_targets()) return Verdict{*report_ + longest_silence(), *report_, nothing_heard()};
  return Verdict{*report_ + longest_silence(), *report_,
                 cat("pingd's reports stopped: no probe settled for ", seconds(longest_silence()))};
}

/// It waits out its clean time, like any that was down.
std::optional<HealthMachine::Verdict> HealthMachine::first_answer_after_an_outage() const {
  if (!was_out_ || !first_answer()) return std::nullopt;
  return Verdict{answer_->sent, answer_->sent,
                 cat("it was out when it was last heard of; up after ", seconds(config_.up_after),
                     " of probes with loss below ", percent(config_.loss_up))};
}

std::optional<HealthMachine::Verdict> HealthMachine::first_answer() const {
  if (!answer_ || now_ - answer_->sent > longest_silence()) return std::nullopt;  // it says nothing of now
  const auto rtt = format_decimal(std::chrono::duration<double, std::milli>(answer_->rtt).count(), 1);
  return Verdict{answer_->sent, answer_->sent,
                 cat("first answer: ", answer_->target.to_string(), " in ", rtt, " ms")};
}

std::optional<HealthMachine::Verdict> HealthMachine::no_first_answer_for_evict_after() const {
  if (!unanswered_ || now_ - *unanswered_ < config_.evict_after) return std::nullopt;
  return Verdict{*unanswered_ + config_.evict_after, *unanswered_,
                 cat("no answer from any target for ", seconds(config_.evict_after))};
}

std::optional<HealthMachine::Verdict> HealthMachine::dead_by_the_test() const {
  if (!detector_.says_dead()) return std::nullopt;
  const MonoTime cause = detector_.silent_since().value_or(heard_);
  return Verdict{
      now_, cause,
      cat("probes go unanswered where ", percent(detector_.baseline()), " are lost in calm times")};
}

/// Two thirds of the way to `down`: whatever the odds, nothing has arrived. One lost probe alone may be the last word of a
/// pingd that has died.
bool HealthMachine::is_silent_for_long() const {
  const auto since = detector_.silent_since();
  return since && detector_.unheard() >= 2 && now_ - *since >= config_.evict_after * 2 / 3;
}

std::optional<HealthMachine::Verdict> HealthMachine::silent_for_long() const {
  if (!is_silent_for_long()) return std::nullopt;
  return Verdict{now_, *detector_.silent_since(),
                 cat("no answer from any target for ", seconds(config_.evict_after * 2 / 3))};
}

std::optional<HealthMachine::Verdict> HealthMachine::alive_by_the_test() const {
  if (!alive_from_ || !detector_.is_calm() || is_silent_for_long()) return std::nullopt;
  const Duration wait = penalty_.extra_wait(now_);
  if (now_ - *alive_from_ < wait) return std::nullopt;
  return Verdict{now_, heard_, cat("probes are answered again", damped(wait, "have"))};
}

std::optional<HealthMachine::Verdict> HealthMachine::silent_for_evict_after() const {
  const auto since = detector_.surely_silent_since();
  if (!since || now_ - *since < config_.evict_after || detector_.unheard() < kLeastUnheard)
    return std::nullopt;
  return Verdict{*since + config_.evict_after, *detector_.silent_since(),
                 cat("no answer from any target for ", seconds(config_.evict_after))};
}

std::optional<HealthMachine::Verdict> HealthMachine::loss_above_loss_down() const {
  if (window_.probes() < kLeastProbes || !window_.loss_is_significantly_above(config_.loss_down))
    return std::nullopt;
  return Verdict{
      *window_.newest(), heard_,
      cat(loss_over(window_), " exceeds loss_down ", percent(config_.loss_down), " by more than chance")};
}

std::optional<HealthMachine::Verdict> HealthMachine::rtt_above_latency_down() const {
  if (!config_.latency_down || window_.probes() < kLeastProbes || window_.rtt() <= *config_.latency_down) {
    return std::nullopt;
  }
  return Verdict{*window_.newest(), heard_,
                 cat("mean RTT ", milliseconds(window_.rtt()), " over ", seconds(window_.length()),
                     " exceeds latency_down ", milliseconds(*config_.latency_down))};
}

std::optional<HealthMachine::Verdict> HealthMachine::jitter_above_jitter_down() const {
  if (!config_.jitter_down || window_.probes() < kLeastProbes || window_.jitter() <= *config_.jitter_down) {
    return std::nullopt;
  }
  return Verdict{*window_.newest(), heard_,
                 cat("jitter ", milliseconds(window_.jitter()), " over ", seconds(window_.length()),
                     " exceeds jitter_down ", milliseconds(*config_.jitter_down))};
}

/// The recovery window is full and everything in it is good: less loss than loss_up, and RTT and jitter a fifth below
/// their thresholds, where there are any.
bool HealthMachine::is_recovered() const {
  const auto is_low = [](Duration value, const std::optional<Duration>& most) {
    return !most || value <= *most * 4 / 5;
  };
  return recovery_.is_full() && recovery_.loss_is_below(config_.loss_up) &&
         is_low(recovery_.rtt(), config_.latency_down) && is_low(recovery_.jitter(), config_.jitter_down);
}

std::optional<HealthMachine::Verdict> HealthMachine::clean_for_up_after() const {
  if (bar() || !alive_from_ || !is_recovered()) return std::nullopt;
  const Duration wait = penalty_.extra_wait(now_);
  // What an earlier process called down may have had a bar since, of which there is no record.
  const bool must_last = wait > Duration{} || was_out_;
  if (must_last && now_ - *alive_from_ < config_.up_after + wait) return std::nullopt;
  return Verdict{
      *recovery_.newest(), heard_,
      cat(loss_over(recovery_), " is below loss_up ", percent(config_.loss_up), damped(wait, "has"))};
}

bool HealthMachine::has_targets() const {
  return !config_.targets_of(family_).empty();
}

std::string HealthMachine::nothing_heard() const {
  if (!has_targets()) return cat("no IPv", to_string(family_), " target is configured");
  return "no probe has settled yet";
}

/// While pingd lives, a probe sent an interval and a timeout ago has settled; one interval more is for the
/// jitter of sending.
Duration HealthMachine::longest_silence() const {
  return 2 * config_.probe_interval + kLongestTimeout + kReportMargin;
}

}  // namespace multilink
