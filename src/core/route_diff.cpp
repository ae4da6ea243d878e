// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_diff.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "multilink/core/rule_selectors.hpp"

namespace multilink {
namespace {

// With a thousand uplinks there are thousands of rules and routes: each is looked up, none is searched for.

/// Orders what pointers point at.
struct ByValue {
  template <class Item>
  bool operator()(const Item* a, const Item* b) const {
    return *a < *b;
  }
};

/// The routes of a kernel by what they compete for: one table, destination and metric.
class Competitors {
 public:
  explicit Competitors(const std::vector<Route>& routes) {
    for (const auto& route : routes) places_[place_of(route)].push_back(&route);
  }

  /// Whether the route is present, and before every foreign one that competes with it.
  bool are_led_by(const Route& wanted) const {
    const auto found = places_.find(place_of(wanted));
    if (found == places_.end()) return false;
    for (const Route* route : found->second) {
      if (*route == wanted) return true;
      if (route->protocol != wanted.protocol) return false;
    }
    return false;
  }

 private:
  using Place = std::tuple<std::uint32_t, IpPrefix, std::uint32_t>;
  static Place place_of(const Route& route) { return {route.table, route.destination, route.metric}; }

  std::map<Place, std::vector<const Route*>> places_;  ///< in the kernel's order
};

/// The positions of rules in a list; of doubles that of the first.
class Positions {
 public:
  explicit Positions(const std::vector<Rule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) positions_.emplace(&rules[i], i);
  }

  std::optional<std::size_t> of(const Rule& rule) const {
    const auto found = positions_.find(&rule);
    return found == positions_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<const Rule*, std::size_t, ByValue> positions_;
};

/// For each wanted rule whether it is there, but not behind one that selects the same packets and is wanted before it.
std::vector<bool> find_too_early(const std::vector<Rule>& wanted, const Positions& actual) {
  constexpr auto kNowhere = std::numeric_limits<std::size_t>::max();
  std::map<Rule, std::size_t> last;  // the position, in the kernel, of the hindmost so far
  std::vector<bool> out;
  out.reserve(wanted.size());
  for (const auto& rule : wanted) {
    const auto position = actual.of(rule).value_or(kNowhere);
    const auto [hindmost, is_first] = last.try_emplace(selection_of(rule), position);
    out.push_back(position != kNowhere && !is_first && hindmost->second > position);
    hindmost->second = std::max(hindmost->second, position);
  }
  return out;
}

/// The owned members of `present` that are not in `wanted`, and the doubles of those that are.
template <class Item>
std::vector<Item> superfluous(const std::vector<Item>& present, const std::vector<Item>& wanted,
                              const RoutingNumbers& numbers) {
  std::multiset<const Item*, ByValue> keep;
  for (const auto& item : wanted) keep.insert(&item);
  std::vector<Item> out;
  for (const auto& item : present) {
    if (item.protocol != numbers.protocol) continue;
    const auto kept = keep.find(&item);
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
  const Competitors competitors(actual.routes);
  for (const auto& route : wanted.routes) {
    if (!competitors.are_led_by(route)) out.emplace_back(PrependRoute{route});
  }
  const Positions positions(actual.rules);
  const auto too_early = find_too_early(wanted.rules, positions);
  for (std::size_t i = 0; i < wanted.rules.size(); ++i) {
    const auto& rule = wanted.rules[i];
    if (too_early[i]) out.emplace_back(DeleteRule{rule});
    if (too_early[i] || !positions.of(rule)) out.emplace_back(AddRule{rule});
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
