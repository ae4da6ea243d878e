// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/swallowing_rules.hpp"

#include <algorithm>
#include <optional>

#include "multilink/core/default_place.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/rule_selectors.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// wg-quick's form takes all but the tunnel's own packets: "not from all fwmark 0xca6c".
bool takes_all(const Rule& rule) {
  if (rule.has_other_selectors || rule.of_tunnel_or_vrf) return false;
  if (!rule.inverted) return selects_all(rule);
  Rule without = rule;
  without.inverted = false;
  without.mark.reset();
  return rule.mark && rule.mark->value != 0 && selects_all(without);
}

bool leads_to_main(const Rule& rule) {
  return rule.table == kMainTable && !rule.suppress_prefix && takes_all(rule);
}

const Route* default_of(std::uint32_t table, Family family, const KernelState& state) {
  const Route* best = nullptr;
  for (const auto& route : state.routes) {
    const bool counts = route.table == table && route.destination == IpPrefix::default_of(family) &&
                        route.type != RouteType::throw_route;
    if (counts && (best == nullptr || route.metric < best->metric)) best = &route;
  }
  return best;
}

SwallowedBy who_takes(const Route& route, const KernelState& state, const std::vector<unsigned>& uplinks) {
  if (route.type != RouteType::unicast) return SwallowedBy::nobody;
  const bool into_tunnel =
      std::all_of(route.next_hops.begin(), route.next_hops.end(), [&](const NextHop& hop) {
        const Link* link = state.link_at(hop.link_index);
        const bool is_uplink = std::find(uplinks.begin(), uplinks.end(), hop.link_index) != uplinks.end();
        return link != nullptr && link->point_to_point && !is_uplink;
      });
  return into_tunnel ? SwallowedBy::tunnel : SwallowedBy::device;
}

std::optional<SwallowingRule> judge(const Rule& rule, const KernelState& state,
                                    const std::vector<unsigned>& uplinks) {
  if (rule.unreachable) return SwallowingRule{rule, SwallowedBy::nobody, "unreachable"};
  const bool looks_elsewhere = rule.table != 0 && rule.table != kMainTable && rule.table != kLocalTable;
  if (!looks_elsewhere || rule.suppress_prefix) return std::nullopt;
  const Route* route = default_of(rule.table, rule.family, state);
  if (route == nullptr) return std::nullopt;
  return SwallowingRule{rule, who_takes(*route, state, uplinks), route_words(*route, state)};
}

}  // namespace

std::vector<SwallowingRule> swallowing_rules(const KernelState& state, const std::vector<unsigned>& uplinks,
                                             const RoutingNumbers& numbers) {
  std::vector<SwallowingRule> out;
  for (const Family family : kFamilies) {
    std::uint32_t end = kMainRulePriority;
    for (const auto& rule : state.rules) {
      if (rule.family == family && leads_to_main(rule)) end = std::min(end, rule.priority);
    }
    for (const auto& rule : state.rules) {
      if (rule.family != family || rule.protocol == numbers.protocol || rule.priority >= end ||
          !takes_all(rule)) {
        continue;
      }
      if (auto found = judge(rule, state, uplinks)) out.push_back(*std::move(found));
    }
  }
  return out;
}

std::string describe(const SwallowingRule& swallowing) {
  const auto& rule = swallowing.rule;
  const auto ip = cat("IPv", to_string(rule.family));
  const auto what = cat(kOfARule, " (", rule_words(rule), ") takes all ", ip,
                        " packets before the table main, and so before multilink's default");
  const auto remedy = cat("; take it away (ip -", to_string(rule.family), " rule del pref ", rule.priority,
                          ") or narrow it to what is meant by from, iif or fwmark");
  switch (swallowing.by) {
    case SwallowedBy::nobody:
      return cat(what, ": they are refused (", swallowing.way, ")", remedy);
    case SwallowedBy::tunnel:
      return cat(what, ": they go into a tunnel (", swallowing.way,
                 "), whose own packets leave by the uplink in use");
    case SwallowedBy::device:
      break;
  }
  return cat(what, ": they go by \"", swallowing.way, "\" whatever becomes of that line", remedy);
}

}  // namespace multilink
