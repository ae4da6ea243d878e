// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/policy_flows.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/policy_rules.hpp"
#include "multilink/core/route_lookup.hpp"

namespace multilink {
namespace {

constexpr auto kUnknownDevice = "?";  // of a network that multilink does not read of: no policy's

}  // namespace

PolicyFlows::PolicyFlows(const Config& config, const KernelState& state, const PolicyUplinks& goes_by) {
  if (config.policies.empty()) return;
  for (const auto& link : state.links) links_[link.index] = link.name;
  for (const auto& policy : config.policies) {
    Policy own{policy.name, policy.mark.has_value(), {}, {}};
    by_device_ = by_device_ || !policy.iif.empty();
    for (const Family family : kRoutedFamilies) {
      own.selectors[family] = selectors_of(policy, family);
      for (auto& rule : own.selectors[family]) rule.mark.reset();
    }
    for (const auto& uplink : config.uplinks) {
      const auto uplinks = goes_by.find(policy.name);
      if (uplinks == goes_by.end()) break;
      for (const auto& [family, device] : uplinks->second) {
        if (device == uplink.device) own.goes_by[family] = uplink.name;
      }
    }
    policies_.push_back(std::move(own));
  }
}

std::vector<const PolicyFlows::Policy*> PolicyFlows::candidates(const Connection& connection,
                                                                const InsideNetworks& inside) const {
  std::vector<const Policy*> out;
  if (policies_.empty()) return out;
  Flow first{.destination = connection.reply.source, .from = connection.original.source};
  first.ip_protocol = connection.protocol;
  if (has_ports(connection.protocol)) {
    first.source_port = connection.original.source_port;
    first.destination_port = connection.reply.source_port;
  }
  if (by_device_ && !inside.is_host(connection.original.source)) {
    const auto link = links_.find(inside.link_towards(connection.original.source));
    first.iif = link == links_.end() ? kUnknownDevice : link->second;
  }
  for (const auto& policy : policies_) {
    const auto& selectors = policy.selectors.at(connection.family());
    if (std::none_of(selectors.begin(), selectors.end(),
                     [&](const Rule& rule) { return selects(rule, first); })) {
      continue;
    }
    out.push_back(&policy);
    if (!policy.by_mark) break;
  }
  return out;
}

std::optional<std::string_view> PolicyFlows::policy_of(const Connection& connection,
                                                       const InsideNetworks& inside) const {
  const auto found = candidates(connection, inside);
  if (found.empty()) return "";
  if (found.front()->by_mark) return std::nullopt;
  return found.front()->name;
}

bool PolicyFlows::may_stay(const Connection& connection, const InsideNetworks& inside,
                           std::string_view uplink) const {
  const auto found = candidates(connection, inside);
  return std::any_of(found.begin(), found.end(), [&](const Policy* policy) {
    const auto now = policy->goes_by.find(connection.family());
    return now != policy->goes_by.end() && now->second == uplink;
  });
}

bool PolicyFlows::is_about(const EvictionOrder& order, const Connection& connection,
                           const InsideNetworks& inside) const {
  if (order.only_of.empty()) return !may_stay(connection, inside, order.uplink);
  const auto policy = policy_of(connection, inside);
  return policy && order.only_of.contains(std::string(*policy));
}

}  // namespace multilink
