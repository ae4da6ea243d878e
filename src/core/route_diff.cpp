// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_diff.hpp"

#include <algorithm>
#include <iterator>

#include "multilink/core/rule_selectors.hpp"

namespace multilink {
namespace {

/// Present, and before every foreign route that competes with it.
bool is_in_place(const Route& wanted, const KernelState& actual) {
  for (const auto& route : actual.routes) {
    if (route == wanted) return true;
    if (route.table == wanted.table && route.destination == wanted.destination &&
        route.metric == wanted.metric && route.protocol != wanted.protocol) {
      return false;
    }
  }
  return false;
}

/// Whether the rule is there, but not behind one that selects the same packets and is wanted before it.
bool is_too_early(const Rule& rule, const std::vector<Rule>& wanted, const std::vector<Rule>& actual) {
  const auto place = std::find(actual.begin(), actual.end(), rule);
  if (place == actual.end()) return false;
  return std::any_of(wanted.begin(), std::find(wanted.begin(), wanted.end(), rule), [&](const Rule& before) {
    return before.priority == rule.priority && select_alike(before, rule) &&
           std::find(actual.begin(), place, before) == place;
  });
}

/// The owned members of `present` that are not in `wanted`, and the doubles of those that are.
template <class Item>
std::vector<Item> superfluous(const std::vector<Item>& present, const std::vector<Item>& wanted,
                              const RoutingNumbers& numbers) {
  std::vector<Item> keep = wanted;
  std::vector<Item> out;
  for (const auto& item : present) {
    if (item.protocol != numbers.protocol) continue;
    const auto kept = std::find(keep.begin(), keep.end(), item);
    if (kept == keep.end()) {
      out.push_back(item);
    } else {
      keep.erase(kept);
    }
  }
  return out;
}

}  // namespace

std::vector<RouteOperation> diff_routes(const KernelState& actual, const OwnedState& wanted,
                                        const RoutingNumbers& numbers) {
  std::vector<RouteOperation> out;
  for (const auto& route : wanted.routes) {
    if (!is_in_place(route, actual)) out.emplace_back(PrependRoute{route});
  }
  for (const auto& rule : wanted.rules) {
    const bool too_early = is_too_early(rule, wanted.rules, actual.rules);
    if (too_early) out.emplace_back(DeleteRule{rule});
    if (too_early || std::find(actual.rules.begin(), actual.rules.end(), rule) == actual.rules.end()) {
      out.emplace_back(AddRule{rule});
    }
  }
  auto rules = superfluous(actual.rules, wanted.rules, numbers);
  std::reverse(rules.begin(), rules.end());
  std::stable_sort(rules.begin(), rules.end(),
                   [](const Rule& a, const Rule& b) { return a.priority > b.priority; });
  std::transform(rules.begin(), rules.end(), std::back_inserter(out),
                 [](const Rule& rule) { return DeleteRule{rule}; });
  auto routes = superfluous(actual.routes, wanted.routes, numbers);
  std::reverse(routes.begin(), routes.end());
  std::stable_partition(routes.begin(), routes.end(), [](const Route& route) {
    return route.table != kMainTable || !route.destination.is_default();
  });
  std::transform(routes.begin(), routes.end(), std::back_inserter(out),
                 [](const Route& route) { return DeleteRoute{route}; });
  return out;
}

namespace {

bool has_carrier(const Route& route, const KernelState& state) {
  return std::any_of(route.next_hops.begin(), route.next_hops.end(), [&](const NextHop& hop) {
    const Link* link = state.link_at(hop.link_index);
    return link != nullptr && link->carrier;
  });
}

/// Whether the rule serves packets that end in the default of `table`, and what is on the way has been looked up
/// before it. (What is bound to a device needs its rule in any case.)
bool ends_in(std::uint32_t table, const Rule& rule, const OwnedState& wanted) {
  if (rule.suppress_prefix || rule.oif) return false;
  return rule.table == table || std::any_of(wanted.rules.begin(), wanted.rules.end(), [&](const Rule& other) {
           return other.table == table && !other.suppress_prefix && !other.oif && (rule.from || rule.mark) &&
                  other.from == rule.from && other.mark == rule.mark;
         });
}

}  // namespace

bool supersedes(const RouteOperation& addition, const RouteOperation& removal) {
  const auto* added = std::get_if<PrependRoute>(&addition);
  const auto* removed = std::get_if<DeleteRoute>(&removal);
  return added != nullptr && removed != nullptr && added->route.table == removed->route.table &&
         added->route.destination == removed->route.destination;
}

bool must_wait_for(const RouteOperation& failed, const RouteOperation& later, const OwnedState& wanted) {
  if (supersedes(failed, later)) return true;
  const auto* route = std::get_if<PrependRoute>(&failed);
  const auto* rule = std::get_if<AddRule>(&later);
  return route != nullptr && rule != nullptr && route->route.table != kMainTable &&
         route->route.destination.is_default() && ends_in(route->route.table, rule->rule, wanted);
}

bool clears_the_way(const RouteOperation& removal, const KernelState& state, const RoutingNumbers& numbers) {
  const auto* removed = std::get_if<DeleteRoute>(&removal);
  if (removed == nullptr || !removed->route.destination.is_default() || has_carrier(removed->route, state) ||
      (removed->route.table != kMainTable && removed->route.table != numbers.table_base)) {
    return false;
  }
  return std::any_of(state.routes.begin(), state.routes.end(), [&](const Route& route) {
    return route.table == kMainTable && route.destination == removed->route.destination &&
           route.protocol != numbers.protocol && has_carrier(route, state);
  });
}

}  // namespace multilink
