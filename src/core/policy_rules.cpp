// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/policy_rules.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/ip_protocol.hpp"

namespace multilink {
namespace {

/// Each rule once for every item of a list that fits the family; all of them as they are where the list is empty.
template <class Item, class Set>
void multiply(std::vector<Rule>& rules, const std::vector<Item>& items, Set set) {
  if (items.empty()) return;
  std::vector<Rule> out;
  for (const auto& rule : rules) {
    for (const auto& item : items) {
      Rule one = rule;
      if (set(one, item) && std::find(out.begin(), out.end(), one) == out.end())
        out.push_back(std::move(one));
    }
  }
  rules = std::move(out);
}

}  // namespace

std::vector<Rule> selectors_of(const PolicyConfig& policy, Family family) {
  Rule first;
  first.family = family;
  first.mark = policy.mark;
  std::vector<Rule> rules{first};
  multiply(rules, policy.from, [&](Rule& rule, const IpPrefix& prefix) {
    rule.from = prefix;
    return prefix.address.family() == family;
  });
  multiply(rules, policy.to, [&](Rule& rule, const IpPrefix& prefix) {
    rule.to = prefix;
    return prefix.address.family() == family;
  });
  multiply(rules, policy.iif, [](Rule& rule, const std::string& device) {
    rule.iif = device;
    return true;
  });
  multiply(rules, policy.protocols, [&](Rule& rule, std::uint8_t protocol) {
    rule.ip_protocol =
        protocol == ip_protocol::kIcmp && family == Family::v6 ? ip_protocol::kIcmpv6 : protocol;
    return true;
  });
  multiply(rules, policy.ports, [](Rule& rule, const PortRange& ports) {
    rule.destination_ports = ports;
    return true;
  });
  return rules;
}

}  // namespace multilink
