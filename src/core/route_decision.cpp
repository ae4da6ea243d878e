// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_decision.hpp"

#include <algorithm>
#include <iterator>

#include "multilink/core/default_place.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/policy_rules.hpp"
#include "multilink/core/stuck_routes.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_choice.hpp"

namespace multilink {

namespace {

BelievedHealth health_of(const HealthByFamily& health, Family family) {
  const auto found = health.find(family);
  return found == health.end() ? BelievedHealth{} : found->second;
}

/// After a start: an earlier run has left rules for the uplink, and none for any address it has.
bool gave_way_in_rules(std::size_t i, Family family, const RouteInputs& inputs) {
  const auto& facts = inputs.facts[i];
  const auto& addresses = facts.families.at(family).addresses;
  const Link* link = inputs.state.link_at(facts.link_index);
  if (link == nullptr || addresses.empty()) return false;
  bool has_rules = false;
  for (const auto& rule : inputs.state.rules) {
    if (rule.family != family || rule.protocol != inputs.numbers.protocol) continue;
    has_rules = has_rules || rule.oif == link->name;
    if (rule.from && std::any_of(addresses.begin(), addresses.end(),
                                 [&](const IpPrefix& own) { return own.address == rule.from->address; })) {
      return false;
    }
  }
  return has_rules;
}

bool gave_way(std::size_t i, Family family, const RouteInputs& inputs) {
  if (inputs.gave_way == nullptr) return gave_way_in_rules(i, family, inputs);
  const auto found = inputs.gave_way->find(family);
  return found != inputs.gave_way->end() && found->second.contains(inputs.config.uplinks[i].device);
}

bool lets_go(unsigned index, Family family, const RouteInputs& inputs) {
  const auto found = inputs.letting_go.find(family);
  return found != inputs.letting_go.end() && found->second.contains(index);
}

/// The uplinks in one family.
struct Field {
  std::vector<Contender> contenders;  ///< in the order of the uplinks
  bool default_in_force = false;      ///< there is an owned default, or the last one is remembered
};

Field contenders_of(Family family, const RouteInputs& inputs) {
  const auto& uplinks = inputs.config.uplinks;
  auto in_force = devices_of_default(family, inputs.config, inputs.state, inputs.facts, inputs.numbers);
  if (!in_force) {
    const auto carried = inputs.carried.find(family);
    if (carried != inputs.carried.end()) in_force = carried->second;
  }
  Field out;
  out.default_in_force = in_force.has_value();
  for (std::size_t i = 0; i < uplinks.size(); ++i) {
    Contender contender;
    contender.enabled = uplinks[i].enabled;
    contender.fact = inputs.facts[i].families.at(family).fact;
    const auto health = health_of(inputs.health[i], family);
    contender.health = health.state;
    contender.answers = health.answers;
    contender.drained = health.drained;
    contender.precedence = uplinks[i].precedence;
    contender.in_force = in_force && in_force->contains(uplinks[i].device);
    contender.gave_way = gave_way(i, family, inputs);
    const auto held = inputs.held.find(family);
    contender.waits = held != inputs.held.end() && held->second.contains(uplinks[i].device);
    out.contenders.push_back(contender);
  }
  return out;
}

/// The uplinks of the policy's list, in its order.
std::vector<std::size_t> positions_of(const PolicyConfig& policy, const Config& config) {
  std::vector<std::size_t> out;
  for (const auto& name : policy.use) {
    const auto found = std::find_if(config.uplinks.begin(), config.uplinks.end(),
                                    [&](const UplinkConfig& uplink) { return uplink.name == name; });
    if (found != config.uplinks.end())
      out.push_back(static_cast<std::size_t>(found - config.uplinks.begin()));
  }
  return out;
}

bool is_held(const PolicyMemory& memory, const std::string& policy, Family family,
             const std::string& device) {
  const auto held = memory.held.find(policy);
  if (held == memory.held.end()) return false;
  const auto devices = held->second.find(family);
  return devices != held->second.end() && devices->second.contains(device);
}

/// Which uplink carries each policy's traffic of a family, by the position of the policy.
std::vector<std::optional<std::size_t>> choose_for_policies(Family family, const Field& field,
                                                            const PolicyUplinks& in_force,
                                                            const RouteInputs& inputs) {
  std::vector<std::optional<std::size_t>> out;
  for (const auto& policy : inputs.config.policies) {
    auto before = uplink_of(in_force, policy.name, family);
    if (!before) before = uplink_of(inputs.policies.uplinks, policy.name, family);
    const auto positions = positions_of(policy, inputs.config);
    std::vector<Contender> list;
    for (const std::size_t i : positions) {
      const auto& device = inputs.config.uplinks[i].device;
      list.push_back(field.contenders[i]);
      list.back().in_force = before == device;
      list.back().waits = is_held(inputs.policies, policy.name, family, device);
    }
    const auto chosen = choose_for_policy(list);
    out.push_back(chosen ? std::optional(positions[*chosen]) : std::nullopt);
  }
  return out;
}

PlannedUplink plan_of(const UplinkConfig& uplink, const UplinkFacts& facts, unsigned index,
                      const PacketMarks& marks, const KernelState& state) {
  PlannedUplink out;
  out.index = index;
  out.mark = marks.match(index);
  out.weight = uplink.weight;
  out.enabled = uplink.enabled;
  out.device = device_name(uplink, facts, state);
  out.facts = facts;
  return out;
}

std::string words_of_obstacle(const Rule& rule) {
  return cat("IPv", to_string(rule.family), ": the rule of others with priority ", rule.priority,
             " goes before multilink's, which cannot be put before it: what belongs to an uplink (an answer "
             "to who came "
             "in through it) may leave elsewhere; give that rule a priority between 1100 and 32765");
}

}  // namespace

std::vector<UplinkFacts> observe_uplinks(const Config& config, const KernelState& state,
                                         const RoutingNumbers& numbers,
                                         const std::vector<DhcpLease>& leases) {
  std::vector<UplinkFacts> out;
  for (const auto& uplink : config.uplinks) out.push_back(observe_uplink(uplink, state, numbers, leases));
  return out;
}

std::optional<std::set<std::string>> devices_of_default(Family family, const Config& config,
                                                        const KernelState& state,
                                                        const std::vector<UplinkFacts>& facts,
                                                        const RoutingNumbers& numbers) {
  const Route* owned = owned_default(state, family, numbers);
  if (owned == nullptr) return std::nullopt;
  std::set<std::string> out;
  for (std::size_t i = 0; i < config.uplinks.size(); ++i) {
    for (const auto& hop : owned->next_hops) {
      if (hop.link_index == facts[i].link_index) out.insert(config.uplinks[i].device);
    }
  }
  return out;
}

RouteDecision decide_routes(const RouteInputs& inputs) {
  const auto& uplinks = inputs.config.uplinks;
  RouteDecision out;
  out.indices = assign_indices(inputs.config, inputs.state, inputs.numbers, inputs.known);
  const PacketMarks marks(inputs.config.suite.mark_mask);
  std::vector<PlannedUplink> planned;
  for (std::size_t i = 0; i < uplinks.size(); ++i) {
    planned.push_back(
        plan_of(uplinks[i], inputs.facts[i], out.indices.at(uplinks[i].device), marks, inputs.state));
    const auto parent = inputs.parents.by_uplink.find(uplinks[i].name);
    if (parent != inputs.parents.by_uplink.end()) planned.back().parent = parent->second;
  }
  out.policy_indices =
      assign_policy_indices(inputs.config, inputs.state, inputs.numbers, inputs.policies.indices);
  const auto policies_before =
      policies_in_force(inputs.config, inputs.state, inputs.facts, out.policy_indices, inputs.numbers);
  std::vector<PlannedPolicy> policies;
  for (const auto& policy : inputs.config.policies) {
    policies.push_back({&policy, out.policy_indices.at(identity_of(policy))});
  }
  Carriers carriers;
  for (const Family family : kRoutedFamilies) {
    const Field field = contenders_of(family, inputs);
    const auto chosen_for = choose_for_policies(family, field, policies_before, inputs);
    for (std::size_t k = 0; k < policies.size(); ++k) {
      if (selectors_of(*policies[k].policy, family).empty()) continue;
      auto& device = out.policies[policies[k].policy->name][family];
      if (!chosen_for[k]) continue;
      device = uplinks[*chosen_for[k]].device;
      policies[k].uplinks[family] = out.indices.at(*device);
    }
    carriers[family] = choose_uplinks(field.contenders, field.default_in_force);
    std::vector<Contender> chosen;
    for (const std::size_t i : carriers[family]) {
      out.carriers[family].insert(uplinks[i].device);
      chosen.push_back(field.contenders[i]);
    }
    for (std::size_t i = 0; i < uplinks.size(); ++i) {
      Contender contender = field.contenders[i];
      const bool carries = std::ranges::find(carriers[family], i) != carriers[family].end();
      contender.lets_go = !carries && lets_go(out.indices.at(uplinks[i].device), family, inputs);
      if (!gives_way(contender, chosen)) continue;
      planned[i].gives_way.insert(family);
      out.giving_way[family].insert(uplinks[i].device);
    }
  }
  for (const Family family : kRoutedFamilies) {
    const auto place = place_rules(packets_of(planned), inputs.state, family, inputs.numbers);
    if (place.obstacle) out.warnings.push_back(words_of_obstacle(*place.obstacle));
    const bool has_rules =
        std::ranges::any_of(inputs.state.rules, [&](const Rule& rule) { return rule.family == family; });
    if (has_rules && stand_in_for_main(inputs.state, family, inputs.numbers)) {
      const std::string_view ip = family == Family::v4 ? "ip" : "ip -6";
      out.warnings.push_back(cat("the kernel's rule that leads IPv", to_string(family),
                                 " packets to the table main is gone; one of "
                                 "multilink's stands in for it: ",
                                 ip, " rule add pref ", kMainRulePriority, " lookup main"));
    }
  }
  auto stuck = stuck_routes(inputs.config, inputs.state, inputs.facts, inputs.numbers);
  std::ranges::move(stuck, std::back_inserter(out.warnings));
  out.wanted = plan_routes(planned, carriers, inputs.state, inputs.numbers, inputs.parents.all);
  add_policies(out.wanted, policies, inputs.state, inputs.numbers);
  return out;
}

}  // namespace multilink
