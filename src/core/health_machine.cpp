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

std::string loss_over(const LossWindow& window) {
  return cat("loss ", format_decimal(window.loss() * 100, 1), " % (", window.lost(), " of ", window.probes(),
             " probes) over ", seconds(window.length()));
}

}  // namespace

// The first row that fits decides, then the table is looked at again until none does. (Every entry into
// `down` or `unknown` begins fresh windows, so that this ends.)
// clang-format off
const std::array<HealthMachine::Row, 6> HealthMachine::kTable{{
    // from                 to                    when
    {std::nullopt,          HealthState::down,    &HealthMachine::is_barred},
    {std::nullopt,          HealthState::unknown, &HealthMachine::reports_stopped},
    {HealthState::unknown,  HealthState::up,      &HealthMachine::first_answer},
    {HealthState::unknown,  HealthState::down,    &HealthMachine::silent_for_evict_after},
    {HealthState::up,       HealthState::down,    &HealthMachine::loss_above_loss_down},
    {HealthState::down,     HealthState::up,      &HealthMachine::clean_for_up_after},
}};
// clang-format on

HealthMachine::HealthMachine(const UplinkConfig& uplink, Family family)
    : config_(uplink), family_(family), window_(uplink.loss_window), recovery_(uplink.up_after) {
  reason_ = nothing_heard();
}

void HealthMachine::observe(const ProbeRecord& probe) {
  advance(heard_at(probe));
  listen(probe);
  apply_rules();
}

void HealthMachine::observe_all(std::vector<ProbeRecord> probes) {
  std::ranges::stable_sort(probes, {}, &HealthMachine::heard_at);
  for (const auto& probe : probes) observe(probe);
}

void HealthMachine::advance(MonoTime now) {
  now_ = std::max(now_, now);
  apply_rules();
}

void HealthMachine::report_fact(LinkFact fact, MonoTime now) {
  now_ = std::max(now_, now);
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
  config_ = uplink;
  window_.set_length(uplink.loss_window);
  recovery_.set_length(uplink.up_after);
  if (state_ == HealthState::unknown && !report_) reason_ = nothing_heard();
  explain_bar_change(before);
  apply_rules();
}

void HealthMachine::listen(const ProbeRecord& probe) {
  heard_ = probe.sent;
  report_ = std::max(report_.value_or(probe.sent), probe.sent);
  window_.record(probe);
  recovery_.record(probe);
  if (state_ != HealthState::unknown || probe.sent <= unknown_from_) return;
  if (probe.outcome == Outcome::answered) {
    answer_ = probe;
  } else {
    unanswered_ = std::min(unanswered_.value_or(probe.sent), probe.sent);
  }
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
}

void HealthMachine::enter(HealthState to, const Verdict& verdict) {
  transitions_.push_back({state_, to, verdict.at, verdict.cause, verdict.reason});
  switch (to) {
    case HealthState::unknown:
      begin_fresh_windows(verdict.at);
      unknown_from_ = verdict.at;
      fact_.reset();
      break;
    case HealthState::up:
      // What came before the clean time, or the first answer, is of the outage and must not speak again.
      window_.restart_after(state_ == HealthState::down ? verdict.at - config_.up_after
                                                        : verdict.at - Duration(1));
      break;
    case HealthState::suspect:
    case HealthState::down:
      begin_fresh_windows(verdict.at);
      break;
  }
  answer_.reset();
  unanswered_.reset();
  state_ = to;
  reason_ = verdict.reason;
}

void HealthMachine::begin_fresh_windows(MonoTime after) {
  window_.restart_after(after);
  recovery_.restart_after(after);
}

std::optional<HealthMachine::Bar> HealthMachine::bar() const {
  if (!config_.enabled) return Bar{"disabled in interfaces.conf", "enabled again"};
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
      return Bar{cat("no ", family, " address"), cat(family, " address present")};
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
  return Verdict{*report_ + longest_silence(), *report_,
                 cat("pingd's reports stopped: no probe settled for ", seconds(longest_silence()))};
}

std::optional<HealthMachine::Verdict> HealthMachine::first_answer() const {
  if (!answer_ || now_ - answer_->sent > longest_silence()) return std::nullopt;  // it says nothing of now
  const auto rtt = format_decimal(std::chrono::duration<double, std::milli>(answer_->rtt).count(), 1);
  return Verdict{answer_->sent, answer_->sent,
                 cat("first answer: ", answer_->target.to_string(), " in ", rtt, " ms")};
}

std::optional<HealthMachine::Verdict> HealthMachine::silent_for_evict_after() const {
  if (!unanswered_ || now_ - *unanswered_ < config_.evict_after) return std::nullopt;
  return Verdict{*unanswered_ + config_.evict_after, *unanswered_,
                 cat("no answer from any target for ", seconds(config_.evict_after))};
}

std::optional<HealthMachine::Verdict> HealthMachine::loss_above_loss_down() const {
  if (window_.probes() < kLeastProbes || !window_.loss_is_above(config_.loss_down)) return std::nullopt;
  return Verdict{*window_.newest(), heard_,
                 cat(loss_over(window_), " exceeds loss_down ", percent(config_.loss_down))};
}

std::optional<HealthMachine::Verdict> HealthMachine::clean_for_up_after() const {
  if (bar() || !recovery_.is_full() || !recovery_.loss_is_below(config_.loss_up)) return std::nullopt;
  return Verdict{*recovery_.newest(), heard_,
                 cat(loss_over(recovery_), " is below loss_up ", percent(config_.loss_up))};
}

std::string HealthMachine::nothing_heard() const {
  if (config_.targets_of(family_).empty()) return cat("no IPv", to_string(family_), " target is configured");
  return "no probe has settled yet";
}

/// While pingd lives, a probe sent an interval and a timeout ago has settled; one interval more is for the
/// jitter of sending.
Duration HealthMachine::longest_silence() const {
  return 2 * config_.probe_interval + kLongestTimeout + kReportMargin;
}

}  // namespace multilink
