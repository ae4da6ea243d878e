// SPDX-License-Identifier: GPL-2.0-or-later
// What RouteService tells of what it has done.
#include <algorithm>
#include <utility>

#include "multilink/core/active_uplinks.hpp"
#include "multilink/core/default_place.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/route_service.hpp"

namespace multilink {
namespace {

/// Where the flows of an order go: a return is one of certain policies, or of all else.
std::string goals_of(const EvictionOrder& order, const RoutingRecord::PerFamily& now) {
  std::set<std::string> goals;
  if (order.only_of.empty() || order.only_of.contains("")) goals.insert(names_of(now.active));
  for (const auto& policy : order.only_of) {
    const auto uplink = now.policies.find(policy);
    if (uplink != now.policies.end()) goals.insert(uplink->second);
  }
  return join(std::vector<std::string>(goals.begin(), goals.end()), ", ");
}

}  // namespace

void RouteService::note_actives(Family family, const Step& step, Actives actives, RoutingRecord& record) {
  auto& now = record.families[family];
  const Actives before = std::exchange(now.active, std::move(actives));
  if (names_of(before) == names_of(now.active)) return;
  const auto event = make_event(family, step, before, now.active);
  now.since = event.at;
  now.event = event.id;
  now.decided_to_kernel = event.took;
  now.chain = event.chain;
  ports_.log.transition(
      cat("IPv", to_string(family), " moves from ", event.from, " to ", event.to, ": ", event.reason), event);
  reporter_.add_event(event);
}

std::map<std::string, std::string> RouteService::policies_in(const KernelState& state, Family family,
                                                             const Step& step) const {
  std::map<std::string, std::string> out;
  for (const auto& [policy, uplinks] :
       policies_in_force(config_, state, step.facts, step.decision.policy_indices, numbers_)) {
    const auto device = uplinks.find(family);
    if (device == uplinks.end()) continue;
    const auto uplink = std::find_if(config_.uplinks.begin(), config_.uplinks.end(),
                                     [&](const UplinkConfig& each) { return each.device == device->second; });
    out[policy] = uplink == config_.uplinks.end() ? "" : uplink->name;
  }
  return out;
}

void RouteService::note_policies(Family family, const Step& step, const KernelState& after,
                                 RoutingRecord& record) {
  auto& now = record.families[family];
  const auto before = adopted_ ? now.policies : policies_in(step.before, family, step);
  now.policies = policies_in(after, family, step);
  const auto as_actives = [](const std::string& uplink) {
    return uplink.empty() ? Actives{} : Actives{{uplink, "", std::nullopt, 1}};
  };
  for (const auto& [policy, uplink] : now.policies) {
    const auto earlier = before.find(policy);
    if (earlier == before.end() || earlier->second == uplink) continue;
    auto event = make_event(family, step, as_actives(earlier->second), as_actives(uplink));
    event.kind = "policy";
    event.reason = cat("policy ", policy, ": ", event.reason);
    ports_.log.transition(cat("IPv", to_string(family), " of policy ", policy, " moves from ", event.from,
                              " to ", event.to, ": ", event.reason),
                          event);
    reporter_.add_event(std::move(event));
  }
}

EventRecord RouteService::make_event(Family family, const Step& step, const Actives& from,
                                     const Actives& to) const {
  const Now now = ports_.scheduler.now();
  const auto led = step.led.find(family);
  const MonoTime done = led == step.led.end() ? now.mono : led->second;
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
  event.took = done - step.noticed.mono;
  event.decided = reason.decided;
  if (event.decided && *event.decided <= done) event.chain = done - *event.decided;
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
    party.drained = order_of(uplink) == AdminMode::drained;
    party.undrained = undrained_.contains(uplink.name);
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
  ports_.log.warning(cat("IPv", to_string(family),
                         ": no uplink that is enabled can carry; the default route over the disabled ones is "
                         "withdrawn, and the host's own default routes count. 'enabled = yes', or "
                         "'multilinkctl enable' where that has disabled it, brings it back"));
}

void RouteService::note_moved(const EvictionOrder& order, const MovedFlows& moved) {
  const Now now = ports_.scheduler.now();
  RoutingRecord record = reporter_.record();
  EventRecord event;
  event.id = record.families[order.family].event;
  if (event.id.empty()) event.id = EventRecord::make_id(boot_, now.mono);
  event.at = now.wall;
  event.source = "routed";
  event.kind = "flows";
  event.uplink = order.uplink;
  event.family = order.family;
  event.from = order.uplink;
  event.to = goals_of(order, record.families[order.family]);
  event.reason = cat(to_string(order.cause), ": ", to_string(moved));
  event.took = moved.took;
  reporter_.add_event(event);
  reporter_.write_events();
}

std::vector<DrillUplink> RouteService::drill_uplinks(const Step& step, const KernelState& after) const {
  std::vector<DrillUplink> out;
  for (std::size_t i = 0; i < config_.uplinks.size(); ++i) {
    const auto& uplink = config_.uplinks[i];
    const Link* link = after.link_at(step.facts[i].link_index);
    DrillUplink one{uplink.name, link == nullptr ? "" : link->name, uplink.enabled, {}};
    for (const Family family : kRoutedFamilies) {
      const bool can_carry = step.facts[i].families.at(family).fact == LinkFact::ok;
      if (can_carry && beliefs_.at(uplink.device).at(family).state() == HealthState::up)
        one.usable.insert(family);
    }
    out.push_back(std::move(one));
  }
  return out;
}

void RouteService::note_drill_event(EventRecord event) {
  reporter_.add_event(std::move(event));
  reporter_.write_events();
}

void RouteService::note_drill() {
  if (!adopted_) return;
  RoutingRecord record = reporter_.record();
  const auto& running = drills_.running();
  record.drill = running ? running->asked.uplink : "";
  record.drill_until = running ? std::optional(running->until) : std::nullopt;
  reporter_.set(record);
}

}  // namespace multilink
