// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_service.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/active_uplinks.hpp"
#include "multilink/core/default_place.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/route_diff.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr Duration kRepairWindow = std::chrono::seconds(1);
constexpr std::string_view kInSync = "in_sync";

}  // namespace

RouteService::RouteService(RoutePorts ports, Config config, std::string boot, DaemonRecord self,
                           RoutingNumbers numbers)
    : ports_(ports),
      config_(std::move(config)),
      boot_(std::move(boot)),
      numbers_(numbers),
      reader_(ports_.scheduler, ports_.store, ports_.log, RedisKeys(config_.suite.site),
              [this](const HealthRecords& records, const Now& noticed) { hear(records, noticed); }),
      reporter_(ports_.scheduler, ports_.store, ports_.log, RedisKeys(config_.suite.site)),
      heartbeat_(ports_.scheduler, ports_.store, RedisKeys(config_.suite.site).daemon("routed"),
                 std::move(self)) {}

void RouteService::start() {
  heartbeat_.start(config_);
  ports_.store.start({RedisKeys(config_.suite.site).status_channel()},
                     {[this] {
                        reader_.on_ready();
                        reporter_.on_ready();
                        heartbeat_.beat();
                        show_status();
                      },
                      [this](const Error&) { show_status(); },
                      [this](std::string_view, std::string_view payload) { reader_.on_hint(payload); }});
  ports_.kernel.watch([this](const KernelChange&) { reconcile(ports_.scheduler.now()); });
  ports_.leases.watch([this] { reconcile(ports_.scheduler.now()); });
  reconcile(ports_.scheduler.now());
  reader_.set_uplinks(config_);
}

void RouteService::reload(const Config& config) {
  config_ = config;
  heartbeat_.set_config(config_);
  std::erase_if(beliefs_, [&](const auto& belief) {
    return std::none_of(config_.uplinks.begin(), config_.uplinks.end(),
                        [&](const UplinkConfig& uplink) { return uplink.device == belief.first; });
  });
  std::erase_if(health_, [&](const auto& record) {
    const UplinkConfig* uplink = config_.uplink_named(record.first);
    return uplink == nullptr || !speaks_of(record.second, *uplink, boot_);
  });
  reconcile(ports_.scheduler.now(), true);
  reader_.set_uplinks(config_);
}

void RouteService::stop() {
  heartbeat_.stop();
}

void RouteService::hear(const HealthRecords& records, const Now& noticed) {
  bool changed = false;
  for (const auto& uplink : config_.uplinks) {
    const auto record = records.find(uplink.name);
    if (record == records.end() || !speaks_of(record->second, uplink, boot_)) continue;
    const auto answered = answers_of(uplink);
    health_[uplink.name] = record->second;
    changed = changed || answers_of(uplink) != answered;
    for (const Family family : kRoutedFamilies) {
      const auto said = record->second.families.find(family);
      const auto health = said == record->second.families.end() ? HealthRecord::PerFamily{} : said->second;
      auto& belief = beliefs_[uplink.device][family];
      const HealthState before = belief.state();
      const bool is_news = !belief.event().empty() && belief.event() != health.event;
      belief.hear(health.state, health.event, noticed.mono, uplink.up_after);
      if (belief.state() == before) continue;
      changed = true;
      if (is_news) news_.emplace(uplink.name, family);
    }
  }
  if (changed) reconcile(noticed);
}

std::set<Family> RouteService::answers_of(const UplinkConfig& uplink) const {
  std::set<Family> out;
  const auto record = health_.find(uplink.name);
  if (record == health_.end()) return out;
  for (const auto& [family, health] : record->second.families) {
    if (health.answers) out.insert(family);
  }
  return out;
}

void RouteService::reconcile(const Now& noticed, bool configured) {
  retry_timer_.reset();
  Step step{noticed, configured};
  auto state = ports_.kernel.read();
  if (!state) return note_problem(cat("cannot read the kernel's routes: ", state.error().message));
  step.before = *std::move(state);
  step.facts = observe_uplinks(config_, step.before, numbers_, in_force(ports_.leases.read(), noticed.wall));
  see_facts(step);
  step.decision = decide(step);
  const auto operations = diff_routes(step.before, step.decision.wanted, numbers_);
  if (operations.empty()) {
    decided_ = step.decision.carriers;
    return settle(step, step.before, "");
  }
  const bool decided_anew = step.decision.carriers != decided_;
  if (!configured && adopted_ && !decided_anew && !may_repair(step)) return;
  decided_ = step.decision.carriers;
  const auto problem = apply(operations, step);
  const auto after = ports_.kernel.read();
  if (!after) return note_problem(cat("cannot read back the kernel's routes: ", after.error().message));
  settle(step, *after, problem);
}

void RouteService::see_facts(const Step& step) {
  for (std::size_t i = 0; i < config_.uplinks.size(); ++i) {
    for (const Family family : kRoutedFamilies) {
      beliefs_[config_.uplinks[i].device][family].see(step.facts[i].families.at(family).fact,
                                                      step.noticed.mono);
    }
  }
}

RouteDecision RouteService::decide(const Step& step) const {
  std::vector<HealthByFamily> health;
  for (const auto& uplink : config_.uplinks) {
    auto& of_uplink = health.emplace_back();
    const auto answering = answers_of(uplink);
    for (const auto& [family, belief] : beliefs_.at(uplink.device)) {
      of_uplink[family] = {belief.state(), answering.contains(family)};
    }
  }
  return decide_routes({config_, step.before, numbers_, indices_, step.facts, health, carried_});
}

/// Whether somebody has led our default over other uplinks than were decided on and applied.
bool RouteService::moves_back(const Step& step) const {
  if (!problem_.empty()) return false;
  return std::any_of(step.decision.carriers.begin(), step.decision.carriers.end(), [&](const auto& wanted) {
    const auto present = devices_of_default(wanted.first, config_, step.before, step.facts, numbers_);
    return present && *present != wanted.second;
  });
}

bool RouteService::may_repair(const Step& step) {
  const MonoTime now = step.noticed.mono;
  if (now - repairs_since_ >= kRepairWindow) {
    repairs_since_ = now;
    repairs_ = moves_back_ = 0;
  }
  ++repairs_;
  if (moves_back(step)) ++moves_back_;
  if (repairs_ <= kMostRepairs && moves_back_ <= kMostMovesBack) return true;
  if (fight_log_.admit(now)) {
    ports_.log.warning(cat("another program keeps changing multilink's routes or rules; they are put back ",
                           kMostRepairs, " times a second and no more, a default that was led elsewhere ",
                           kMostMovesBack, " times; 'ip monitor route rule' shows what it does"));
  }
  retry_in(repairs_since_ + kRepairWindow - now);
  return false;
}

std::string RouteService::apply(const std::vector<RouteOperation>& operations, const Step& step) {
  std::vector<const RouteOperation*> failed;
  std::string problem;
  for (const auto& operation : operations) {
    const bool must_wait = std::any_of(failed.begin(), failed.end(), [&](const RouteOperation* other) {
      return must_wait_for(*other, operation, step.decision.wanted);
    });
    if (must_wait && !clears_the_way(operation, step.before, numbers_)) continue;
    const auto applied = ports_.kernel.apply(operation);
    const auto words = to_string(operation, step.before);
    ports_.log.debug(words);
    if (applied) continue;
    failed.push_back(&operation);
    if (problem.empty()) problem = cat("cannot do '", words, "': ", applied.error().message);
  }
  if (repair_log_.admit(step.noticed.mono)) {
    const auto more = operations.size() > 1 ? cat(" and ", operations.size() - 1, " more") : "";
    ports_.log.info(cat("brought the kernel in line: ", to_string(operations.front(), step.before), more));
  }
  return problem;
}

void RouteService::settle(const Step& step, const KernelState& after, const std::string& problem) {
  indices_ = step.decision.indices;
  for (const Family family : kRoutedFamilies) {
    if (auto present = devices_of_default(family, config_, after, step.facts, numbers_)) {
      carried_[family] = *std::move(present);
    } else if (const auto chosen = step.decision.carriers.find(family);
               chosen != step.decision.carriers.end()) {
      carried_[family] = chosen->second;
    }
  }
  RoutingRecord record = reporter_.record();
  for (const Family family : kRoutedFamilies) {
    warn_of_withdrawal(family, step);
    if (!adopted_) {
      record.families[family] = {
          active_uplinks(family, config_, step.before, step.facts, numbers_), step.noticed.wall, "", {}, {}};
    }
    note_actives(family, step, active_uplinks(family, config_, after, step.facts, numbers_), record);
  }
  record.sync = problem.empty() ? kInSync : problem;
  reporter_.set(record);
  adopted_ = true;
  if (problem.empty()) news_.clear();
  ports_.supervisor.ready();
  note_problem(problem);
}

/// Logs a problem once, however often it comes, and sees to it that it is tried again.
void RouteService::note_problem(const std::string& problem) {
  if (problem != problem_) {
    if (!problem.empty()) ports_.log.error(cat(problem, "; it is tried again"));
    if (problem.empty()) ports_.log.info("the kernel has what it should have again");
    problem_ = problem;
  }
  if (problem.empty()) {
    retry_delay_ = kFirstRetry;
  } else {
    retry_in(retry_delay_);
    retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
  }
  show_status();
}

void RouteService::note_actives(Family family, const Step& step, Actives actives, RoutingRecord& record) {
  auto& now = record.families[family];
  const Actives before = std::exchange(now.active, std::move(actives));
  if (names_of(before) == names_of(now.active)) return;
  const auto event = make_event(family, step, before, now.active);
  now.since = event.at;
  now.event = event.id;
  now.decided_to_kernel = event.took;
  now.chain = event.chain;
  ports_.log.info(
      cat("IPv", to_string(family), " moves from ", event.from, " to ", event.to, ": ", event.reason));
  reporter_.add_event(event);
}

EventRecord RouteService::make_event(Family family, const Step& step, const Actives& from,
                                     const Actives& to) const {
  const Now now = ports_.scheduler.now();
  SwitchReason reason;
  if (step.configured) {
    reason.text = "the configuration has changed";
  } else {
    reason = explain_switch(parties(family, step, from, to));
  }
  EventRecord event;
  event.id = reason.event.empty() ? EventRecord::make_id(boot_, step.noticed.mono) : reason.event;
  event.at = now.wall;
  event.source = "routed";
  event.kind = "route";
  event.uplink = to.size() == 1 ? to.front().uplink : "";
  event.family = family;
  event.from = names_of(from);
  event.to = names_of(to);
  event.reason = reason.text.empty() ? "the kernel's routes were changed" : reason.text;
  event.took = now.mono - step.noticed.mono;
  event.decided = reason.decided;
  if (event.decided && *event.decided <= now.mono) event.chain = now.mono - *event.decided;
  return event;
}

std::vector<SwitchParty> RouteService::parties(Family family, const Step& step, const Actives& from,
                                               const Actives& to) const {
  std::vector<SwitchParty> out;
  for (std::size_t i = 0; i < config_.uplinks.size(); ++i) {
    const auto& uplink = config_.uplinks[i];
    SwitchParty party;
    party.uplink = uplink.name;
    party.carried = contains_uplink(from, uplink.name);
    party.carries = contains_uplink(to, uplink.name);
    party.fact = step.facts[i].families.at(family).fact;
    party.health = beliefs_.at(uplink.device).at(family).state();
    const auto record = health_.find(uplink.name);
    if (record != health_.end() && record->second.families.contains(family)) {
      const auto& said = record->second.families.at(family);
      party.health_reason = said.reason;
      party.health_event = said.event;
      if (news_.contains({uplink.name, family})) party.decided = said.decided;
    }
    out.push_back(std::move(party));
  }
  return out;
}

/// The plan gives up a default only where disabled uplinks alone are left.
void RouteService::warn_of_withdrawal(Family family, const Step& step) const {
  const auto is_main_default = [&](const Route& route) {
    return route.table == kMainTable && route.destination == IpPrefix::default_of(family);
  };
  const auto& wanted = step.decision.wanted.routes;
  if (owned_default(step.before, family, numbers_) == nullptr ||
      std::any_of(wanted.begin(), wanted.end(), is_main_default)) {
    return;
  }
  ports_.log.warning(
      cat("IPv", to_string(family),
          ": no uplink that is enabled can carry; the default route over the disabled ones is "
          "withdrawn, and the host's own default routes count. 'enabled = yes' brings it back"));
}

void RouteService::retry_in(Duration delay) {
  retry_timer_ = ports_.scheduler.after(delay, [this] { reconcile(ports_.scheduler.now()); });
}

void RouteService::show_status() {
  std::vector<std::string> parts;
  for (const auto& [family, state] : reporter_.record().families) {
    parts.push_back(cat("IPv", to_string(family), " through ", names_of(state.active)));
  }
  if (!problem_.empty()) parts.push_back(problem_);
  if (!ports_.store.is_ready()) parts.emplace_back("waiting for Redis");
  auto status = join(parts, "; ");
  if (status == status_) return;
  status_ = std::move(status);
  ports_.supervisor.status(status_);
}

}  // namespace multilink
