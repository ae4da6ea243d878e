// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/inside_networks.hpp"

#include <algorithm>

namespace multilink {
namespace {

/// As long as the largest networks that somebody has inside: 10.0.0.0/8 and fc00::/7.
bool is_of_a_network(const IpPrefix& destination) {
  return destination.length >= (destination.address.family() == Family::v4 ? 8 : 7);
}

}  // namespace

void FormerAddresses::see(const KernelState& state, const std::set<unsigned>& uplinks, MonoTime now) {
  std::erase_if(seen_, [&](const auto& entry) { return now - entry.second > kKept; });
  for (const auto& address : state.addresses) {
    if (uplinks.contains(address.link_index) && !address.link_scope) seen_[address.prefix.address] = now;
  }
  while (seen_.size() > kMost) {
    seen_.erase(std::min_element(seen_.begin(), seen_.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
}

std::set<IpAddress> FormerAddresses::addresses() const {
  std::set<IpAddress> out;
  for (const auto& [address, last] : seen_) out.insert(address);
  return out;
}

InsideNetworks::InsideNetworks(const KernelState& state, const std::set<unsigned>& uplinks,
                               const std::set<IpAddress>& former)
    : host_(former) {
  for (const auto& address : state.addresses) host_.insert(address.prefix.address);
  for (const auto& route : state.routes) {
    if (route.table != kMainTable || route.type != RouteType::unicast || route.next_hops.empty() ||
        !is_of_a_network(route.destination)) {
      continue;
    }
    const bool inside = std::none_of(route.next_hops.begin(), route.next_hops.end(),
                                     [&](const NextHop& hop) { return uplinks.contains(hop.link_index); });
    const IpPrefix network = route.destination.network();
    // Of several routes to one network the first counts, unless another one leads to an uplink.
    const unsigned link = inside ? route.next_hops.front().link_index : 0;
    const auto known =
        networks_[network.address.family()][network.length].try_emplace(network.address, link).first;
    if (!inside) known->second = 0;
  }
}

unsigned InsideNetworks::link_towards(const IpAddress& address) const {
  const auto of_family = networks_.find(address.family());
  if (of_family == networks_.end()) return 0;
  for (const auto& [length, networks] : of_family->second) {
    const auto found = networks.find(IpPrefix{address, length}.network().address);
    if (found != networks.end()) return found->second;
  }
  return 0;
}

}  // namespace multilink
