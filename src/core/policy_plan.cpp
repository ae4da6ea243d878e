// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/policy_plan.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "multilink/core/default_place.hpp"
#include "multilink/core/policy_checks.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/policy_rules.hpp"
#include "multilink/core/rule_selectors.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::uint32_t kMetric = 1;                // IPv6 takes 0 for another one
constexpr std::uint32_t kLastMetric = 0xff000000U;  // behind whatever else could be in the table
/// Many more than there may be policies: at a change the old and the new ones are there together.
constexpr unsigned kMostIndices = 999;
static_assert(kMostIndices > 4 * kMostPolicies);

/// The index that a table of policies tells; 0: it is none of theirs.
unsigned index_of(std::uint32_t table, const RoutingNumbers& numbers) {
  const bool theirs = table > numbers.policy_table_base && table <= numbers.policy_table_base + kMostIndices;
  return theirs ? table - numbers.policy_table_base : 0;
}

/// An owned rule that leads to the table of a policy, with the policy's index.
struct PolicyRule {
  const Rule* rule;
  unsigned index;
};

std::vector<PolicyRule> policy_rules_of(const KernelState& state, const RoutingNumbers& numbers) {
  std::vector<PolicyRule> out;
  for (const auto& rule : state.rules) {
    const unsigned index = rule.protocol == numbers.protocol ? index_of(rule.table, numbers) : 0;
    if (index != 0) out.push_back({&rule, index});
  }
  return out;
}

/// The first selectors of the policy, in a family of which it selects anything.
std::optional<Rule> first_selectors(const PolicyConfig& policy) {
  for (const Family family : kRoutedFamilies) {
    const auto all = selectors_of(policy, family);
    if (!all.empty()) return all.front();
  }
  return std::nullopt;
}

Route unreachable_default(Family family, std::uint32_t table, const RoutingNumbers& numbers) {
  Route route;
  route.table = table;
  route.destination = IpPrefix::default_of(family);
  route.metric = kLastMetric;
  route.protocol = numbers.protocol;
  route.type = RouteType::unreachable;
  return route;
}

const Route* default_in(const std::vector<Route>& routes, Family family, std::uint32_t table) {
  const auto found = std::find_if(routes.begin(), routes.end(), [&](const Route& route) {
    return route.table == table && route.destination == IpPrefix::default_of(family) &&
           route.type == RouteType::unicast;
  });
  return found == routes.end() ? nullptr : &*found;
}

/// Lower is more urgent.
int urgency(const Route& route, const RoutingNumbers& numbers) {
  if (route.destination.is_default() && (route.table == kMainTable || route.table == numbers.table_base))
    return 0;
  return index_of(route.table, numbers) != 0 ? 1 : 2;
}

/// The rules of one family.
std::vector<Rule> rules_of(Family family, const std::vector<PlannedPolicy>& policies,
                           const KernelState& state, const RoutingNumbers& numbers) {
  std::vector<Rule> out;
  for (const auto& place : places_before_main(state, family, numbers)) {
    out.push_back(specifics_first(place));
    for (const auto& planned : policies) {
      Rule ours = place;
      ours.table = numbers.policy_table_base + planned.index;
      for (const auto& selectors : selectors_of(*planned.policy, family)) {
        if (auto rule = narrowed(ours, selectors)) out.push_back(*std::move(rule));
      }
    }
  }
  return out;
}

void adopt_indices(const Config& config, const std::vector<PolicyRule>& in_kernel, std::set<unsigned>& taken,
                   PolicyIndices& out) {
  for (const auto& policy : config.policies) {
    const auto selectors = first_selectors(policy);
    if (!selectors) continue;
    for (const auto& [rule, index] : in_kernel) {
      if (!select_alike(*rule, *selectors) || !taken.insert(index).second) continue;
      out[identity_of(policy)] = index;
      break;
    }
  }
}

}  // namespace

std::string identity_of(const PolicyConfig& policy) {
  std::string out = policy.name;
  for (const auto& key : policy_keys()) out += cat('\n', key.name, '=', key.write(policy));
  return out;
}

PolicyIndices assign_policy_indices(const Config& config, const KernelState& state,
                                    const RoutingNumbers& numbers, const PolicyIndices& known) {
  PolicyIndices out;
  if (config.policies.empty()) return out;
  const auto in_kernel = policy_rules_of(state, numbers);
  std::set<unsigned> taken;
  for (const auto& policy : config.policies) {
    const auto found = known.find(identity_of(policy));
    if (found != known.end() && taken.insert(found->second).second) out.insert(*found);
  }
  if (known.empty()) adopt_indices(config, in_kernel, taken, out);
  for (const auto& [rule, index] : in_kernel) taken.insert(index);
  unsigned lowest = 1;
  for (const auto& policy : config.policies) {
    const auto [place, is_new] = out.try_emplace(identity_of(policy), 0);
    if (!is_new) continue;
    while (!taken.insert(lowest).second) ++lowest;
    place->second = lowest;
  }
  return out;
}

std::optional<std::string> uplink_of(const PolicyUplinks& uplinks, const std::string& policy, Family family) {
  const auto found = uplinks.find(policy);
  if (found == uplinks.end() || !found->second.contains(family)) return std::nullopt;
  return found->second.at(family);
}

PolicyUplinks policies_in_force(const Config& config, const KernelState& state,
                                const std::vector<UplinkFacts>& facts, const PolicyIndices& indices,
                                const RoutingNumbers& numbers) {
  PolicyUplinks out;
  if (config.policies.empty()) return out;
  const auto in_kernel = policy_rules_of(state, numbers);
  for (const auto& policy : config.policies) {
    const auto index = indices.find(identity_of(policy));
    if (index == indices.end()) continue;
    for (const Family family : kRoutedFamilies) {
      const bool leads_there = std::any_of(in_kernel.begin(), in_kernel.end(), [&](const PolicyRule& each) {
        return each.index == index->second && each.rule->family == family;
      });
      if (!leads_there) continue;
      auto& device = out[policy.name][family];
      const Route* route = default_in(state.routes, family, numbers.policy_table_base + index->second);
      if (route == nullptr || route->next_hops.empty()) continue;
      for (std::size_t i = 0; i < config.uplinks.size(); ++i) {
        if (facts[i].link_index == route->next_hops.front().link_index) device = config.uplinks[i].device;
      }
    }
  }
  return out;
}

void add_policies(OwnedState& wanted, const std::vector<PlannedPolicy>& policies, const KernelState& state,
                  const RoutingNumbers& numbers) {
  if (policies.empty()) return;
  std::vector<Route> routes;
  std::vector<Rule> rules;
  for (const Family family : kRoutedFamilies) {
    const auto of_family = rules_of(family, policies, state, numbers);
    if (of_family.empty()) continue;  // a kernel without the family, say
    for (const auto& planned : policies) {
      if (selectors_of(*planned.policy, family).empty()) continue;
      const std::uint32_t table = numbers.policy_table_base + planned.index;
      const auto uplink = planned.uplinks.find(family);
      const Route* by_uplink = uplink == planned.uplinks.end()
                                   ? nullptr
                                   : default_in(wanted.routes, family, numbers.table_base + uplink->second);
      if (by_uplink != nullptr) {
        Route route = *by_uplink;
        route.table = table;
        route.metric = kMetric;
        routes.push_back(std::move(route));
      }
      routes.push_back(unreachable_default(family, table, numbers));
    }
    rules.insert(rules.end(), of_family.begin(), of_family.end());
  }
  wanted.routes.insert(wanted.routes.end(), routes.begin(), routes.end());
  std::stable_sort(wanted.routes.begin(), wanted.routes.end(),
                   [&](const Route& a, const Route& b) { return urgency(a, numbers) < urgency(b, numbers); });
  // What the front has too stands before the policies' already.
  std::erase_if(wanted.rules,
                [&](const Rule& rule) { return std::find(rules.begin(), rules.end(), rule) != rules.end(); });
  wanted.rules.insert(wanted.rules.begin(), rules.begin(), rules.end());
  std::stable_sort(wanted.rules.begin(), wanted.rules.end(),
                   [](const Rule& a, const Rule& b) { return a.priority < b.priority; });
}

}  // namespace multilink
