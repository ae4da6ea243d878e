// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <variant>

#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// One change to the kernel's routing. There is no "remove and add": a change is an add (or replace) and,
/// after it, the removal of what it supersedes.

/// Puts the route in front of others of the same destination and metric (NLM_F_CREATE alone, "ip route
/// prepend"): those of others are preceded, never replaced.
struct PrependRoute {
  Route route;
  bool operator==(const PrependRoute&) const = default;
};
/// Adds the route or replaces the one of the same table, destination and metric (NLM_F_CREATE |
/// NLM_F_REPLACE): only for tables that are ours alone.
struct ReplaceRoute {
  Route route;
  bool operator==(const ReplaceRoute&) const = default;
};
/// Removes exactly this route: protocol, metric and next hops must match.
struct DeleteRoute {
  Route route;
  bool operator==(const DeleteRoute&) const = default;
};
struct AddRule {
  Rule rule;
  bool operator==(const AddRule&) const = default;
};
/// Puts the rule behind all others of its priority, also when it is there already: then it is there twice, and
/// DeleteRule takes the one in front.
struct AppendRule {
  Rule rule;
  bool operator==(const AppendRule&) const = default;
};
struct DeleteRule {
  Rule rule;
  bool operator==(const DeleteRule&) const = default;
};

using RouteOperation = std::variant<PrependRoute, ReplaceRoute, DeleteRoute, AddRule, AppendRule, DeleteRule>;

/// In the words of iproute2, for logs and `routed --plan`: "ip route prepend default via 192.0.2.1 dev eth0
/// …". `state` names the devices.
std::string to_string(const RouteOperation& operation, const KernelState& state);

/// "default via 192.0.2.1 dev eth0 table 7001 proto 109"
std::string route_words(const Route& route, const KernelState& state);
/// "1010: oif eth0 lookup 7001 protocol 109"
std::string rule_words(const Rule& rule);

}  // namespace multilink
