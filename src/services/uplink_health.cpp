// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/uplink_health.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using std::chrono::milliseconds;

constexpr double kLossStep = 1000;  // tenths of a percent
constexpr Duration kRttStep = std::chrono::microseconds(100);
constexpr Duration kLongestTook = std::chrono::hours(1);

/// 0 stands for none.
Duration rounded(Duration length) {
  if (length <= Duration{}) return {};
  return std::max(kRttStep, (length + kRttStep / 2) / kRttStep * kRttStep);
}

std::optional<MonoTime> told(MonoTime entered) {
  return entered == MonoTime::min() ? std::nullopt : std::optional(entered);
}

/// That a network without IPv6 has none.
bool is_no_news(Family family, const Transition& transition) {
  return family == Family::v6 && transition.from == HealthState::unknown &&
         transition.to == HealthState::down && transition.reason == HealthMachine::no_address(family);
}

WallTime wall_at(MonoTime time, const Now& now) {
  return now.wall - std::chrono::duration_cast<milliseconds>(now.mono - time);
}

}  // namespace

UplinkHealth::UplinkHealth(const UplinkConfig& uplink, std::string boot, const Now& now)
    : configured_(uplink), config_(uplink), boot_(std::move(boot)) {
  begin(now);
}

void UplinkHealth::begin(const Now& now) {
  families_.clear();
  for (const Family family : kFamilies) {
    families_.emplace(std::piecewise_construct, std::tuple(family), std::tie(config_, family, now.wall));
  }
}

void UplinkHealth::configure(const UplinkConfig& uplink, const Now& now) {
  const bool same_device = uplink.device == config_.device && uplink.mac == config_.mac;
  configured_ = uplink;
  apply_order();
  if (same_device) {
    for (auto& [family, one] : families_) one.machine.configure(config_, now.mono);
  } else {
    begin(now);
    begun_ = now.mono;
  }
}

void UplinkHealth::apply_order() {
  config_ = configured_;
  if (order_.mode != AdminMode::disabled) return;
  if (config_.enabled) config_.disabled_by = to_text(order_);
  config_.enabled = false;
}

void UplinkHealth::begin_under(const std::optional<AdminRecord>& asked, const Now& now) {
  asked_ = asked;
  order_ = asked ? asked->in_force(boot_, now) : AdminOrder{};
  apply_order();
  begin(now);
}

void UplinkHealth::order(const std::optional<AdminRecord>& asked, const Now& now) {
  asked_ = asked;
  keep_order(now);
}

void UplinkHealth::keep_order(const Now& now) {
  auto order = asked_ ? asked_->in_force(boot_, now) : AdminOrder{};
  if (order == order_) return;
  const auto before = std::exchange(order_, std::move(order));
  note_order(before, now);
  apply_order();
  for (auto& [family, one] : families_) one.machine.configure(config_, now.mono);
}

void UplinkHealth::note_order(const AdminOrder& from, const Now& now) {
  EventRecord event;
  event.id = EventRecord::make_id(boot_, now.mono);
  event.at = now.wall;
  event.source = "healthd";
  event.kind = "admin";
  event.uplink = config_.name;
  event.from = word_of(from.mode);
  event.to = word_of(order_.mode);
  const bool is_over = order_.mode == AdminMode::none && asked_ && asked_->mode == from.mode;
  event.reason = is_over ? cat("the time is over for which it was ", to_string(from.mode)) : to_text(order_);
  events_.push_back(std::move(event));
}

Result<void> UplinkHealth::observe(const std::vector<ProbeRecord>& probes, const Now& now) {
  std::map<Family, std::vector<ProbeRecord>> sorted;
  Result<void> outcome;
  for (const auto& probe : probes) {
    if (probe.boot != boot_ || probe.sent <= begun_) continue;
    if (probe.sent > now.mono || std::max(probe.rtt, probe.waited) > now.mono - probe.sent) {
      if (outcome) outcome = fail(cat("'", probe.encode(), "' is from the future"));
      continue;
    }
    sorted[probe.target.family()].push_back(probe);
  }
  for (auto& [family, own] : sorted) {
    auto& one = families_.at(family);
    one.machine.observe_all(own);
    record_probes(one, own, now);
  }
  return outcome;
}

/// Those that the machine listened to.
void UplinkHealth::record_probes(OneFamily& one, const std::vector<ProbeRecord>& probes,
                                 const Now& now) const {
  const auto& targets = one.machine.detector().targets();
  for (const auto& probe : probes) {
    const bool is_configured = std::ranges::find(config_.targets, probe.target) != config_.targets.end();
    if (is_configured && !targets.is_set_aside(probe.target)) one.history.observe(probe, now);
  }
  for (const auto& target : targets.set_aside()) one.history.forget_target(target);
}

void UplinkHealth::record_state(OneFamily& one, HealthState state, MonoTime at) const {
  if (!config_.enabled) state = HealthState::unknown;
  if (std::exchange(one.recorded, state) != state) one.history.enter(state, at);
}

void UplinkHealth::report_link(const LinkRecord& link, const Now& now) {
  if (link.boot != boot_ || (!config_.mac && link.device != config_.device)) return;
  for (const auto& [family, seen] : link.families) {
    families_.at(family).machine.report_fact(seen.fact, now.mono);
  }
}

void UplinkHealth::excuse_silence(const Now& now) {
  for (auto& [family, one] : families_) one.machine.excuse_silence(now.mono);
}

void UplinkHealth::advance(const Now& now) {
  keep_order(now);
  for (auto& [family, one] : families_) {
    one.machine.advance(now.mono);
    for (const auto& transition : one.machine.take_transitions()) {
      note(family, one, transition, now);
      record_state(one, transition.to, transition.at);
    }
    record_state(one, one.machine.state(), now.mono);
    one.history.advance(now);
  }
}

void UplinkHealth::note(Family family, OneFamily& one, const Transition& transition, const Now& now) {
  one.since = wall_at(transition.at, now);
  one.event = EventRecord::make_id(boot_, transition.cause);
  one.decided = transition.settled;
  if (is_no_news(family, transition)) return;
  const Duration took = now.mono - transition.cause;
  EventRecord event;
  event.id = one.event;
  event.at = now.wall;
  event.source = "healthd";
  event.kind = "health";
  event.uplink = config_.name;
  event.family = family;
  event.from = to_string(transition.from);
  event.to = to_string(transition.to);
  event.reason = transition.reason;
  if (took <= kLongestTook) event.took = took;
  event.decided = one.decided;
  if (one.decided) event.chain = now.mono - *one.decided;
  events_.push_back(std::move(event));
}

void UplinkHealth::recall(const HealthRecord& stored, const Now& now) {
  if (stored.boot != boot_ || stored.device != config_.device) return;
  for (const auto& [family, before] : stored.families) {
    if (!before.entered || *before.entered > now.mono) continue;
    families_.at(family).machine.recall({before.state, *before.entered, before.reason, before.forgiven});
  }
}

void UplinkHealth::adopt(const std::optional<HealthRecord>& stored, const Now& now) {
  if (const AdminMode before = stored ? stored->admin : AdminMode::none; before != order_.mode)
    note_order({before, {}, {}}, now);
  for (auto& [family, one] : families_) {
    one.machine.advance(now.mono);
    const auto replayed = one.machine.take_transitions();
    HealthRecord::PerFamily before;
    if (stored && stored->boot == boot_ && stored->families.contains(family)) {
      before = stored->families.at(family);
    }
    if (before.state == one.machine.state()) {
      if (before.since != WallTime{}) one.since = before.since;
      one.event = before.event;
      one.decided = before.decided;
      continue;
    }
    Transition change =
        replayed.empty() ? Transition{{}, one.machine.state(), now.mono, now.mono, {}, {}} : replayed.back();
    change.from = before.state;
    change.reason = one.machine.reason();
    change.settled.reset();  // found at the start, not decided by it
    const auto told = events_.size();
    note(family, one, change, now);
    if (events_.size() > told) events_.back().took.reset();
  }
}

HealthRecord UplinkHealth::record() const {
  HealthRecord out;
  out.device = config_.device;
  out.precedence = config_.precedence;
  out.weight = config_.weight;
  out.enabled = config_.enabled;
  out.boot = boot_;
  out.admin = order_.mode;
  out.admin_until = order_.until;
  for (const auto& [family, one] : families_) {
    const auto& window = one.machine.window();
    out.families[family] = {one.machine.state(),
                            one.since,
                            one.machine.reason(),
                            one.event,
                            std::round(window.loss() * kLossStep) / kLossStep,
                            static_cast<unsigned>(window.probes()),
                            rounded(window.rtt()),
                            rounded(window.jitter()),
                            one.machine.answers(),
                            std::round(one.machine.detector().baseline() * kLossStep) / kLossStep,
                            one.machine.detector().targets().set_aside(),
                            one.decided,
                            told(one.machine.entered()),
                            one.machine.forgiven_at(),
                            std::chrono::ceil<std::chrono::seconds>(one.machine.damping())};
  }
  return out;
}

HistoryRecorder* UplinkHealth::history(Family family) {
  auto& history = families_.at(family).history;
  return family == Family::v4 || history.has_probes() ? &history : nullptr;
}

bool UplinkHealth::has_losses() const {
  return std::ranges::any_of(families_,
                             [](const auto& entry) { return entry.second.machine.window().lost() > 0; });
}

}  // namespace multilink
