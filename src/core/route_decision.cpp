// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_decision.hpp"

#include "multilink/core/default_place.hpp"
#include "multilink/core/uplink_choice.hpp"

namespace multilink {
namespace {

BelievedHealth health_of(const HealthByFamily& health, Family family) {
  const auto found = health.find(family);
  return found == health.end() ? BelievedHealth{} : found->second;
}

std::vector<std::size_t> choose(Family family, const RouteInputs& inputs) {
  const auto& uplinks = inputs.config.uplinks;
  auto in_force = devices_of_default(family, inputs.config, inputs.state, inputs.facts, inputs.numbers);
  if (!in_force) {
    const auto carried = inputs.carried.find(family);
    if (carried != inputs.carried.end()) in_force = carried->second;
  }
  std::vector<Contender> contenders;
  for (std::size_t i = 0; i < uplinks.size(); ++i) {
    Contender contender;
    contender.enabled = uplinks[i].enabled;
    contender.fact = inputs.facts[i].families.at(family).fact;
    const auto health = health_of(inputs.health[i], family);
    contender.health = health.state;
    contender.answers = health.answers;
    contender.precedence = uplinks[i].precedence;
    contender.in_force = in_force && in_force->contains(uplinks[i].device);
    contenders.push_back(contender);
  }
  return choose_uplinks(contenders, in_force.has_value());
}

PlannedUplink plan_of(const UplinkConfig& uplink, const UplinkFacts& facts, unsigned index,
                      const KernelState& state) {
  PlannedUplink out;
  out.index = index;
  out.weight = uplink.weight;
  out.enabled = uplink.enabled;
  const Link* link = state.link_at(facts.link_index);
  if (link != nullptr) {
    out.device = link->name;
  } else if (!uplink.mac) {
    out.device = uplink.device;
  }
  out.facts = facts;
  return out;
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
  std::vector<PlannedUplink> planned;
  for (std::size_t i = 0; i < uplinks.size(); ++i) {
    planned.push_back(plan_of(uplinks[i], inputs.facts[i], out.indices.at(uplinks[i].device), inputs.state));
  }
  Carriers carriers;
  for (const Family family : kRoutedFamilies) {
    carriers[family] = choose(family, inputs);
    for (const std::size_t i : carriers[family]) out.carriers[family].insert(uplinks[i].device);
  }
  out.wanted = plan_routes(planned, carriers, inputs.state, inputs.numbers);
  return out;
}

}  // namespace multilink
