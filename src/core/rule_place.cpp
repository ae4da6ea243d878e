// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_place.hpp"

#include <algorithm>

namespace multilink {
namespace {

constexpr std::uint32_t kLocalTable = 255;

bool looks_up_own_addresses(const Rule& rule) {
  return rule.table == kLocalTable;
}

bool is_of_others(const Rule& rule, Family family, const RoutingNumbers& numbers) {
  return rule.family == family && rule.protocol != numbers.protocol;
}

/// Whether each packet it selects must have a bit that says nothing about uplinks.
bool asks_for_a_foreign_mark(const Rule& rule, std::uint32_t own_mask) {
  return rule.mark && (rule.mark->value & rule.mark->mask & ~own_mask) != 0;
}

/// Whether it asks for packets to a network (not half the world), from a device they arrive by (not this host's own), of a
/// tunnel or of a VRF.
bool is_narrow(const Rule& rule) {
  constexpr int kShortestOfNetworks = 8;
  return rule.of_tunnel_or_vrf || (rule.to && rule.to->length >= kShortestOfNetworks) ||
         (rule.iif && *rule.iif != "lo");
}

/// The lowest priority at which ours are behind the rule for the host's own addresses.
std::uint32_t first_place(const KernelState& state, Family family) {
  for (const auto& rule : state.rules) {
    if (rule.family == family && looks_up_own_addresses(rule)) return rule.priority;
  }
  return 0;
}

}  // namespace

bool decides_for(const OwnPackets& own, const Rule& foreign) {
  if (looks_up_own_addresses(foreign)) return false;
  if (foreign.inverted) return true;
  if (is_narrow(foreign) || foreign.uids || asks_for_a_foreign_mark(foreign, own.mark_mask)) return false;
  if (foreign.oif && !own.devices.contains(*foreign.oif)) return false;
  return !foreign.from ||
         std::any_of(own.addresses.begin(), own.addresses.end(),
                     [&](const IpAddress& address) { return foreign.from->contains(address); });
}

RulePlace place_rules(const OwnPackets& own, const KernelState& state, Family family,
                      const RoutingNumbers& numbers) {
  const Rule* first = nullptr;
  for (const auto& rule : state.rules) {
    if (is_of_others(rule, family, numbers) && decides_for(own, rule) &&
        (first == nullptr || rule.priority < first->priority)) {
      first = &rule;
    }
  }
  if (first == nullptr || first->priority >= numbers.rule_base + kRuleBlock) return {numbers.rule_base, {}};
  const std::uint32_t room = first->priority / kRuleBlock * kRuleBlock;  // blocks that end before it end here
  if (room < first_place(state, family) + kRuleBlock) return {numbers.rule_base, *first};
  return {room - kRuleBlock, {}};
}

}  // namespace multilink
