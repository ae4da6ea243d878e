// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/default_place.hpp"

#include <algorithm>

#include "multilink/core/rule_selectors.hpp"

namespace multilink {
namespace {

/// The first of the lowest metric among the defaults of a table that `which` accepts.
template <class Which>
const Route* first_default(const KernelState& state, Family family, std::uint32_t table, Which which) {
  const Route* best = nullptr;
  for (const auto& route : state.routes) {
    if (route.table != table || route.destination != IpPrefix::default_of(family) || !which(route)) continue;
    if (best == nullptr || route.metric < best->metric) best = &route;
  }
  return best;
}

const Route* foreign_default(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  return first_default(state, family, kMainTable,
                       [&](const Route& route) { return route.protocol != numbers.protocol; });
}

bool leads_to(const Route& route, const std::vector<NextHop>& hops) {
  return route.type == RouteType::unicast && route.next_hops == hops;
}

bool ends_the_lookup(const Route& route) {
  return route.type == RouteType::unreachable || route.type == RouteType::blackhole ||
         route.type == RouteType::prohibit;
}

std::uint32_t resting_metric(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  const auto is_taken = [&](std::uint32_t metric) {
    return first_default(state, family, kMainTable, [&](const Route& route) {
             return route.protocol != numbers.protocol && route.metric == metric;
           }) != nullptr;
  };
  const Route* owned = owned_default(state, family, numbers);
  std::uint32_t metric = numbers.default_metric;
  if (owned != nullptr && owned->metric > metric && !is_taken(owned->metric)) return owned->metric;
  while (is_taken(metric)) ++metric;
  return metric;
}

/// IPv6 knows no order within a metric, and takes metric 0 for another one.
std::uint32_t free_metric_before(const Route& foreign, std::uint32_t otherwise) {
  return foreign.metric > 1 ? foreign.metric - 1 : otherwise;
}

/// The default of the front where it is on: null where it has none, or no rule leads all packets there.
const Route* front_in_force(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  const bool leads_there = std::any_of(state.rules.begin(), state.rules.end(), [&](const Rule& rule) {
    return rule.protocol == numbers.protocol && rule.family == family && rule.table == numbers.table_base &&
           selects_all(rule);
  });
  if (!leads_there) return nullptr;
  return first_default(state, family, numbers.table_base,
                       [&](const Route& route) { return route.protocol == numbers.protocol; });
}

bool looks_up_all_of_main(const Rule& rule) {
  return rule.table == kMainTable && !rule.suppress_prefix && !rule.has_other_selectors && !rule.inverted &&
         rule.priority > 0;
}

bool leads_all_to_main(const Rule& rule, Family family) {
  return rule.family == family && looks_up_all_of_main(rule) && selects_all(rule);
}

}  // namespace

const Route* leading_default(const KernelState& state, Family family) {
  return first_default(state, family, kMainTable, [](const Route&) { return true; });
}

const Route* owned_default(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  return first_default(state, family, kMainTable,
                       [&](const Route& route) { return route.protocol == numbers.protocol; });
}

const Route* present_default(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  const Route* front = front_in_force(state, family, numbers);
  return front != nullptr ? front : owned_default(state, family, numbers);
}

std::vector<NextHop> hops_in_force(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  const Route* leading = leading_default(state, family);
  const bool ended = leading != nullptr && ends_the_lookup(*leading);
  const Route* front = front_in_force(state, family, numbers);
  if (front != nullptr && !ended) return front->next_hops;
  const Route* owned = owned_default(state, family, numbers);
  const bool is_looked_up =
      std::ranges::any_of(state.rules, [&](const Rule& rule) { return leads_all_to_main(rule, family); });
  if (owned == nullptr || !is_looked_up) return {};
  return leading == owned || leads_to(*leading, owned->next_hops) ? owned->next_hops : std::vector<NextHop>{};
}

std::optional<Rule> stand_in_for_main(const KernelState& state, Family family,
                                      const RoutingNumbers& numbers) {
  const bool is_there = std::ranges::any_of(state.rules, [&](const Rule& rule) {
    return rule.protocol != numbers.protocol && leads_all_to_main(rule, family);
  });
  if (is_there) return std::nullopt;
  Rule rule;
  rule.family = family;
  rule.priority = kMainRulePriority;
  rule.protocol = numbers.protocol;
  rule.table = kMainTable;
  return rule;
}

DefaultPlace place_default(const std::vector<NextHop>& hops, const KernelState& state, Family family,
                           const RoutingNumbers& numbers) {
  DefaultPlace out;
  out.metric = resting_metric(state, family, numbers);
  const Route* foreign = foreign_default(state, family, numbers);
  if (foreign == nullptr || foreign->metric > out.metric) {
    const Route* front = front_in_force(state, family, numbers);
    out.front = front != nullptr && front->next_hops == hops;
  } else if (ends_the_lookup(*foreign)) {
    out.metric = family == Family::v4 ? foreign->metric : free_metric_before(*foreign, out.metric);
  } else {
    out.front = !leads_to(*foreign, hops);
  }
  return out;
}

std::vector<Rule> places_before_main(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  std::vector<Rule> out;
  for (const auto& foreign : state.rules) {
    if (foreign.family != family || foreign.protocol == numbers.protocol || !looks_up_all_of_main(foreign))
      continue;
    Rule place = selection_of(foreign);
    place.priority = foreign.priority - 1;
    place.protocol = numbers.protocol;
    if (std::find(out.begin(), out.end(), place) == out.end()) out.push_back(std::move(place));
  }
  return out;
}

Rule specifics_first(Rule place) {
  if (selects_all(place)) {
    const IpAddress nowhere = IpPrefix::default_of(place.family).address;
    place.to = IpPrefix{nowhere, static_cast<std::uint8_t>(nowhere.size() * 8)};
    place.inverted = true;
  }
  place.table = kMainTable;
  place.suppress_prefix = 0;
  return place;
}

std::vector<Rule> front_rules(const KernelState& state, Family family, const RoutingNumbers& numbers) {
  std::vector<Rule> out;
  for (const auto& place : places_before_main(state, family, numbers)) {
    out.push_back(specifics_first(place));
    out.push_back(place);
    out.back().table = numbers.table_base;
  }
  return out;
}

}  // namespace multilink
