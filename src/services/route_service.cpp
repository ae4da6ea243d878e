// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_service.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/active_uplinks.hpp"
#include "multilink/core/admin_order.hpp"
#include "multilink/core/default_place.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/route_diff.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kInSync = "in_sync";
constexpr std::size_t kMostRemembered = 20'000;  // routes and rules: some 5 MB

/// The family whose packets the operation leads elsewhere, if it makes a default.
std::optional<Family> family_of_new_default(const RouteOperation& operation) {
  const auto* made = std::get_if<PrependRoute>(&operation);
  if (made == nullptr || !made->route.destination.is_default()) return std::nullopt;
  return made->route.destination.address.family();
}

}  // namespace

RouteService::RouteService(RoutePorts ports, Config config, std::string boot, DaemonRecord self,
                           RoutingNumbers numbers)
    : ports_(ports),
      configured_(std::move(config)),
      config_(configured_),
      boot_(std::move(boot)),
      numbers_(numbers),
      reader_(ports_.scheduler, ports_.store, ports_.log, RedisKeys(config_.suite.site), boot_,
              [this](const HealthRecords& records, const Now& noticed) { hear(records, noticed); }),
      reporter_(ports_.scheduler, ports_.store, ports_.log, RedisKeys(config_.suite.site)),
      heartbeat_(ports_.scheduler, ports_.store, RedisKeys(config_.suite.site).daemon("routed"),
                 std::move(self)),
      flows_(ports_.scheduler, ports_.log, ports_.flows,
             {[this] { reconcile(ports_.scheduler.now()); },
              [this](const EvictionOrder& order, const MovedFlows& moved) { note_moved(order, moved); }}),
      drills_(ports_.scheduler, ports_.store, ports_.log, ports_.flows.filter,
              RedisKeys(configured_.suite.site), boot_,
              {[this](EventRecord event) { note_drill_event(std::move(event)); }, [this] { note_drill(); }}),
      host_(ports_.scheduler, ports_.kernel, ports_.host, ports_.log, numbers_, [this] { note_warnings(); }) {
}

/// Without their users the proxy has no parents, which all else does not wait for. Those that run as it is must not leave by
/// any uplink for that: they keep the one that they have, and who has none stays barred.
void RouteService::look_up_parents() {
  auto users = ports_.parents.look_up(config_);
  if (users) {
    parents_ = *std::move(users);
    return;
  }
  ports_.log.error(cat("squid: ", users.error().message, "; until then no parent gets another uplink"));
  std::erase_if(parents_.by_uplink,
                [&](const auto& parent) { return config_.uplink_named(parent.first) == nullptr; });
  parents_.all = ports_.parents.everybody();
}

void RouteService::start() {
  look_up_parents();
  heartbeat_.start(configured_);
  const RedisKeys keys(configured_.suite.site);
  ports_.store.start(
      {keys.status_channel(), keys.admin_channel()},
      {[this] {
         reader_.on_ready();
         reporter_.on_ready();
         drills_.on_ready();
         heartbeat_.beat();
         show_status();
       },
       [this](const Error&) { show_status(); },
       [this, admin = keys.admin_channel()](std::string_view channel, std::string_view payload) {
         channel == admin ? drills_.on_hint() : reader_.on_hint(payload);
       }});
  ports_.kernel.watch([this](const KernelChange&) { reconcile(ports_.scheduler.now()); });
  ports_.leases.watch([this] { reconcile(ports_.scheduler.now()); });
  reconcile(ports_.scheduler.now());
  reader_.set_uplinks(config_);
  drills_.start();
  host_.set_config(config_);
}

void RouteService::reload(const Config& config) {
  config_ = configured_ = config;
  look_up_parents();
  hold_.release();
  policy_holds_.clear();
  policies_.held.clear();
  heartbeat_.set_config(configured_);
  std::erase_if(beliefs_, [&](const auto& belief) {
    return std::none_of(config_.uplinks.begin(), config_.uplinks.end(),
                        [&](const UplinkConfig& uplink) { return uplink.device == belief.first; });
  });
  std::erase_if(health_, [&](const auto& record) {
    const UplinkConfig* uplink = config_.uplink_named(record.first);
    return uplink == nullptr || !speaks_of(record.second, *uplink, boot_);
  });
  obey_orders();
  reconcile(ports_.scheduler.now(), true);
  reader_.set_uplinks(config_);
  host_.set_config(config_);
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
    const AdminMode ordered = order_of(uplink);
    health_[uplink.name] = record->second;
    const bool is_ordered = order_of(uplink) != ordered;
    if (ordered == AdminMode::drained && is_ordered) undrained_.insert(uplink.name);
    changed = changed || is_ordered || answers_of(uplink) != answered;
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
  if (!changed) return;
  obey_orders();
  act_on_memory(noticed);
}

AdminMode RouteService::order_of(const UplinkConfig& uplink) const {
  const auto record = health_.find(uplink.name);
  return record == health_.end() ? AdminMode::none : record->second.admin;
}

void RouteService::obey_orders() {
  config_ = under_orders(configured_, health_);
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

/// A decision does not wait until the kernel has been read: with many uplinks that takes longer than all else. What has
/// changed since it was read last is put right afterwards, by what is read back and by the kernel's notification.
void RouteService::act_on_memory(const Now& noticed) {
  if (!seen_) return reconcile(noticed);
  Step step{noticed};
  step.from_memory = true;
  step.before = *std::exchange(seen_, std::nullopt);
  bring_in_line(std::move(step));
}

void RouteService::reconcile(const Now& noticed, bool configured) {
  retry_timer_.reset();
  Step step{noticed, configured};
  auto state = ports_.kernel.read();
  if (!state) {
    seen_.reset();
    return note_problem(cat("cannot read the kernel's routes: ", state.error().message));
  }
  step.before = *std::move(state);
  bring_in_line(std::move(step));
}

void RouteService::bring_in_line(Step step) {
  observe(step);
  see_facts(step);
  if (!adopted_) adopt_carriers(step);
  step.decision = decide(step);
  decided_warnings_ = step.decision.warnings;
  note_warnings();
  auto operations = diff_routes(step.before, step.decision.wanted, numbers_);
  if (operations.empty() && step.from_memory) return reconcile(step.noticed);
  const bool decided_anew = step.decision.carriers != decided_ || step.decision.giving_way != gave_way_ ||
                            step.decision.policies != decided_policies_;
  if (!operations.empty() && !step.configured && adopted_ && !decided_anew && !may_repair(step, operations)) {
    return;
  }
  decided_ = step.decision.carriers;
  gave_way_ = step.decision.giving_way;
  decided_policies_ = step.decision.policies;
  if (operations.empty()) {
    settle(step, step.before);
    return remember(std::move(step.before));
  }
  std::span<const RouteOperation> rest(operations);
  if (step.configured || !adopted_) {
    const auto first = rest.first(put_steering_first(operations, config_.suite.mark_mask));
    apply(first, step);
    rest = rest.subspan(first.size());
    flows_.part_with(departing_uplinks(step.before, step.decision.indices, numbers_),
                     config_.suite.mark_mask);
    const auto health = believed_health();
    flows_.prepare(flow_view(step, step.before, health));
  }
  apply(rest, step);
  if (step.from_memory && !step.problem.empty()) return reconcile(step.noticed);
  auto after = ports_.kernel.read();
  if (!after) return note_problem(cat("cannot read back the kernel's routes: ", after.error().message));
  settle(step, *after);
  if (!step.from_memory) return remember(*std::move(after));
  Step next{step.noticed};
  next.before = *std::move(after);
  bring_in_line(std::move(next));
}

void RouteService::remember(KernelState state) {
  if (state.routes.size() + state.rules.size() <= kMostRemembered) seen_ = std::move(state);
}

void RouteService::observe(Step& step) {
  step.facts =
      observe_uplinks(config_, step.before, numbers_, in_force(ports_.leases.read(), step.noticed.wall));
  std::optional<MonoTime> again;
  for (std::size_t i = 0; i < config_.uplinks.size(); ++i) {
    const auto& device = config_.uplinks[i].device;
    gateway_memory_.apply(device, step.before, step.facts[i]);
    const auto end = gateways_.apply(device, step.facts[i], step.noticed.mono);
    if (end && (!again || *end < *again)) again = end;
  }
  gateway_timer_.reset();
  if (!again) return;
  gateway_timer_ =
      ports_.scheduler.after(*again - step.noticed.mono, [this] { reconcile(ports_.scheduler.now()); });
}

void RouteService::adopt_carriers(const Step& step) {
  for (const Family family : kRoutedFamilies) {
    const auto present = devices_of_default(family, config_, step.before, step.facts, numbers_);
    if (present) hold_.adopt(config_, family, *present);
  }
  const auto indices = assign_policy_indices(config_, step.before, numbers_, {});
  for (const auto& [policy, uplinks] :
       policies_in_force(config_, step.before, step.facts, indices, numbers_)) {
    for (const auto& [family, device] : uplinks) {
      if (device) policy_holds_[policy].adopt(config_, family, {*device});
    }
  }
}

void RouteService::see_facts(const Step& step) {
  for (std::size_t i = 0; i < config_.uplinks.size(); ++i) {
    for (const Family family : kRoutedFamilies) {
      beliefs_[config_.uplinks[i].device][family].see(step.facts[i].families.at(family).fact,
                                                      step.noticed.mono);
    }
  }
}

std::vector<HealthByFamily> RouteService::believed_health() const {
  std::vector<HealthByFamily> health;
  for (const auto& uplink : config_.uplinks) {
    auto& of_uplink = health.emplace_back();
    const auto answering = answers_of(uplink);
    for (const auto& [family, belief] : beliefs_.at(uplink.device)) {
      of_uplink[family] = {belief.state(), answering.contains(family),
                           order_of(uplink) == AdminMode::drained};
    }
  }
  return health;
}

RouteDecision RouteService::decide(const Step& step) const {
  const auto health = believed_health();
  return decide_routes({config_, step.before, numbers_, indices_, step.facts, health, carried_,
                        gave_way_ ? &*gave_way_ : nullptr, hold_.held(), flows_.letting_go(), policies_,
                        parents_});
}

/// Whether somebody has led our default over other uplinks than were decided on and applied.
bool RouteService::moves_back(const Step& step) const {
  if (!problem_.empty()) return false;
  return std::any_of(step.decision.carriers.begin(), step.decision.carriers.end(), [&](const auto& wanted) {
    const auto present = devices_of_default(wanted.first, config_, step.before, step.facts, numbers_);
    return present && *present != wanted.second;
  });
}

bool RouteService::may_repair(const Step& step, const std::vector<RouteOperation>& operations) {
  const auto refusal = guard_.ask(operations, moves_back(step), step.before, step.noticed.mono);
  if (!refusal) return true;
  if (!refusal->warning.empty()) ports_.log.warning(refusal->warning);
  retry_in(refusal->again_in);
  return false;
}

void RouteService::apply(std::span<const RouteOperation> operations, Step& step) {
  for (const auto& operation : operations) {
    const bool must_wait = std::any_of(
        step.failed.begin(), step.failed.end(),
        [&](const RouteOperation* other) { return must_wait_for(*other, operation, step.decision.wanted); });
    if (must_wait && !clears_the_way(operation, step.before, numbers_)) continue;
    const auto applied = ports_.kernel.apply(operation);
    const auto words = to_string(operation, step.before);
    ports_.log.debug(words);
    if (const auto family = applied ? family_of_new_default(operation) : std::nullopt) {
      step.led[*family] = ports_.scheduler.now().mono;
    }
    if (applied) continue;
    step.failed.push_back(&operation);
    if (step.problem.empty()) step.problem = cat("cannot do '", words, "': ", applied.error().message);
  }
  if (!operations.empty() && repair_log_.admit(step.noticed.mono)) {
    const auto more = operations.size() > 1 ? cat(" and ", operations.size() - 1, " more") : "";
    ports_.log.info(cat("brought the kernel in line: ", to_string(operations.front(), step.before), more));
  }
}

void RouteService::settle(const Step& step, const KernelState& after) {
  indices_ = step.decision.indices;
  policies_.indices = step.decision.policy_indices;
  for (const Family family : kRoutedFamilies) {
    if (auto present = devices_of_default(family, config_, after, step.facts, numbers_)) {
      carried_[family] = *std::move(present);
    } else if (const auto chosen = step.decision.carriers.find(family);
               chosen != step.decision.carriers.end()) {
      carried_[family] = chosen->second;
    }
    if (const auto carriers = carried_.find(family); carriers != carried_.end()) {
      hold_.see(config_, family, carriers->second);
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
    note_policies(family, step, after, record);
  }
  see_policies(after, step);
  record.sync = step.problem.empty() ? kInSync : step.problem;
  record.warnings = warnings_;
  reporter_.set(record);
  keep_flows(step, after);
  drills_.set_uplinks(drill_uplinks(step, after));
  host_.see(after);
  adopted_ = true;
  if (step.problem.empty()) {
    news_.clear();
    undrained_.clear();
  }
  ports_.supervisor.ready();
  note_problem(step.problem);
}

void RouteService::see_policies(const KernelState& state, const Step& step) {
  policies_.uplinks = policies_in_force(config_, state, step.facts, policies_.indices, numbers_);
  std::erase_if(policy_holds_, [&](const auto& hold) { return !policies_.uplinks.contains(hold.first); });
  policies_.held.clear();
  for (const auto& [policy, uplinks] : policies_.uplinks) {
    auto& hold = policy_holds_[policy];
    for (const auto& [family, device] : uplinks) {
      hold.see(config_, family, device ? FailbackHold::Devices{*device} : FailbackHold::Devices{});
    }
    policies_.held[policy] = hold.held();
  }
}

void RouteService::keep_flows(const Step& step, const KernelState& after) {
  const auto health = believed_health();
  flows_.follow(flow_view(step, after, health));
}

FlowView RouteService::flow_view(const Step& step, const KernelState& state,
                                 const std::vector<HealthByFamily>& health) const {
  return {config_,     state,    step.decision.indices,    step.facts,
          health,      carried_, step.decision.giving_way, policies_.uplinks,
          parents_.all};
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

/// Each is logged when it comes up.
void RouteService::note_warnings() {
  auto warnings = decided_warnings_;
  warnings.insert(warnings.end(), host_.warnings().begin(), host_.warnings().end());
  for (const auto& warning : warnings) {
    if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end())
      ports_.log.warning(warning);
  }
  warnings_ = std::move(warnings);
  if (!adopted_) return;
  RoutingRecord record = reporter_.record();
  record.warnings = warnings_;
  reporter_.set(record);
}

void RouteService::retry_in(Duration delay) {
  retry_timer_ = ports_.scheduler.after(delay, [this] { reconcile(ports_.scheduler.now()); });
}

void RouteService::show_status() {
  std::vector<std::string> parts;
  for (const auto& [family, state] : reporter_.record().families) {
    if (family == Family::v6 && state.active.empty() && state.event.empty())
      continue;  // most likely none is used
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
