// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_diff.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "multilink/core/rule_order.hpp"

namespace multilink {
namespace {

// With a thousand uplinks there are thousands of rules and routes: each is looked up, none is searched for.

/// The routes of a kernel by what they compete for: one table, destination and metric.
class Competitors {
 public:
  explicit Competitors(const std::vector<Route>& routes) {
    routes_.reserve(routes.size());
    for (const auto& route : routes) routes_.push_back(&route);
    std::stable_sort(routes_.begin(), routes_.end(), before);  // in the kernel's order within a place
  }

  /// Whether the route is present, and before every foreign one that competes with it.
  bool are_led_by(const Route& wanted) const {
    const auto [first, last] = std::equal_range(routes_.begin(), routes_.end(), &wanted, before);
    for (const Route* route : std::span(first, last)) {
      if (*route == wanted) return true;
      if (route->protocol != wanted.protocol) return false;
    }
    return false;
  }

 private:
  static bool before(const Route* a, const Route* b) {
    return std::tie(a->table, a->destination, a->metric) < std::tie(b->table, b->destination, b->metric);
  }

  std::vector<const Route*> routes_;
};

/// Items by value. Of equal ones the first comes first.
template <class Item>
class Sorted {
 public:
  explicit Sorted(const std::vector<Item>& items) {
    entries_.reserve(items.size());
    for (const auto& item : items) entries_.push_back({&item, true});
    std::stable_sort(entries_.begin(), entries_.end(), before);
  }

  /// Whether there was one more that is equal.
  bool take(const Item& item) {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), Entry{&item, true}, before);
    for (auto entry = found; entry != entries_.end() && *entry->item == item; ++entry) {
      if (std::exchange(entry->is_left, false)) return true;
    }
    return false;
  }

 private:
  struct Entry {
    const Item* item;
    bool is_left;
  };
  static bool before(const Entry& a, const Entry& b) { return *a.item < *b.item; }

  std::vector<Entry> entries_;
};

/// The owned members of `present` that are not in `wanted`, and the doubles of those that are.
template <class Item>
std::vector<Item> superfluous(const std::vector<Item>& present, const std::vector<Item>& wanted,
                              const RoutingNumbers& numbers) {
  Sorted<Item> keep(wanted);
  std::vector<Item> out;
  for (const auto& item : present) {
    if (item.protocol == numbers.protocol && !keep.take(item)) out.push_back(item);
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
  const auto stands = compare_rules(wanted.rules, actual.rules);
  std::vector<Rule> staying;
  for (std::size_t i = 0; i < stands.size(); ++i) {
    const Rule& rule = wanted.rules[i];
    if (stands[i] == RuleStand::missing) out.emplace_back(AddRule{rule});
    if (stands[i] == RuleStand::too_early) out.emplace_back(AppendRule{rule});
    if (stands[i] == RuleStand::right) staying.push_back(rule);
  }
  auto rules = superfluous(actual.rules, staying, numbers);
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

/// The rule that the operation puts there.
const Rule* rule_added(const RouteOperation& operation) {
  if (const auto* add = std::get_if<AddRule>(&operation)) return &add->rule;
  const auto* append = std::get_if<AppendRule>(&operation);
  return append == nullptr ? nullptr : &append->rule;
}

bool has_carrier(const Route& route, const KernelState& state) {
  return std::any_of(route.next_hops.begin(), route.next_hops.end(), [&](const NextHop& hop) {
    const Link* link = state.link_at(hop.link_index);
    return link != nullptr && link->carrier;
  });
}

/// Whether the lookup ends in that table in any case, as in those of policies.
bool has_end(std::uint32_t table, const OwnedState& wanted) {
  return std::any_of(wanted.routes.begin(), wanted.routes.end(), [&](const Route& route) {
    return route.table == table && route.type == RouteType::unreachable;
  });
}

/// Whether the rule serves packets that end in the default of `table`, and what is on the way has been looked up
/// before it. (What is bound to a device needs its rule in any case, and a parent of the proxy even more.)
bool ends_in(std::uint32_t table, const Rule& rule, const OwnedState& wanted) {
  if (rule.suppress_prefix || rule.oif || rule.uids) return false;
  return rule.table == table || std::any_of(wanted.rules.begin(), wanted.rules.end(), [&](const Rule& other) {
           return other.table == table && !other.suppress_prefix && !other.oif && (rule.from || rule.mark) &&
                  other.from == rule.from && other.mark == rule.mark;
         });
}

}  // namespace

std::size_t put_steering_first(std::vector<RouteOperation>& operations, std::uint32_t mark_mask) {
  bool is_another = false;
  std::set<std::uint32_t> tables;
  for (const auto& operation : operations) {
    const auto* removal = std::get_if<DeleteRule>(&operation);
    is_another |= removal != nullptr && removal->rule.mark && removal->rule.mark->mask != mark_mask;
    const auto* added = rule_added(operation);
    if (added != nullptr && added->mark && added->mark->mask == mark_mask) tables.insert(added->table);
  }
  if (!is_another) return 0;
  const auto rest = std::stable_partition(operations.begin(), operations.end(), [&](const auto& operation) {
    if (const auto* added = rule_added(operation)) return added->mark && added->mark->mask == mark_mask;
    const auto* route = std::get_if<PrependRoute>(&operation);
    return route != nullptr && route->route.table != kMainTable && tables.contains(route->route.table);
  });
  return static_cast<std::size_t>(rest - operations.begin());
}

bool supersedes(const RouteOperation& addition, const RouteOperation& removal) {
  const auto* added = std::get_if<PrependRoute>(&addition);
  const auto* removed = std::get_if<DeleteRoute>(&removal);
  return added != nullptr && removed != nullptr && added->route.table == removed->route.table &&
         added->route.destination == removed->route.destination;
}

bool must_wait_for(const RouteOperation& failed, const RouteOperation& later, const OwnedState& wanted) {
  if (supersedes(failed, later)) return true;
  const auto* appended = std::get_if<AppendRule>(&failed);
  const auto* removed = std::get_if<DeleteRule>(&later);
  if (appended != nullptr && removed != nullptr) return appended->rule == removed->rule;
  const auto* route = std::get_if<PrependRoute>(&failed);
  const auto* rule = std::get_if<AddRule>(&later);
  return route != nullptr && rule != nullptr && route->route.table != kMainTable &&
         route->route.destination.is_default() && !has_end(route->route.table, wanted) &&
         ends_in(route->route.table, rule->rule, wanted);
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
