// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

namespace multilink {
namespace {

std::vector<IpPrefix> usable_addresses(Family family, unsigned link_index, const KernelState& state) {
  std::vector<IpPrefix> out;
  for (const auto& address : state.addresses) {
    if (address.link_index == link_index && address.prefix.address.family() == family &&
        !address.link_scope && address.usable) {
      out.push_back(address.prefix);
    }
  }
  return out;
}

std::vector<IpAddress> retired_addresses(Family family, unsigned link_index, const KernelState& state) {
  std::vector<IpAddress> out;
  for (const auto& address : state.addresses) {
    if (address.link_index == link_index && address.prefix.address.family() == family &&
        !address.link_scope && address.deprecated) {
      out.push_back(address.prefix.address);
    }
  }
  return out;
}

/// Whether the device has addresses, but no network: as on many cloud servers.
bool has_only_host_addresses(Family family, unsigned link_index, const KernelState& state) {
  bool any = false;
  for (const auto& address : state.addresses) {
    if (address.link_index != link_index || address.prefix.address.family() != family || address.link_scope)
      continue;
    if (address.peer || address.prefix.length < address.prefix.address.size() * 8) return false;
    any = true;
  }
  return any;
}

/// Who tells of a gateway, the most trusted first.
enum class Origin : std::uint8_t { main, other_table, lease, ours };

struct Candidate {
  Origin origin = Origin::main;
  std::uint32_t metric = 0;
  int preference = 0;
  IpAddress gateway;
  bool onlink = false;
  std::string attributes{};
};

/// Such a route of ours is left where it is when nobody can carry: it tells nothing of the link any more.
bool serves_all(const Route& route, const RoutingNumbers& numbers) {
  return route.table == kMainTable || route.table == numbers.table_base;
}

std::vector<Candidate> default_routes(Family family, const Link& link, const KernelState& state,
                                      const RoutingNumbers& numbers) {
  std::vector<Candidate> out;
  for (const auto& route : state.routes) {
    if (route.type != RouteType::unicast || route.destination != IpPrefix::default_of(family)) continue;
    for (const auto& hop : route.next_hops) {
      if (hop.link_index != link.index || !hop.gateway) continue;
      const bool ours = route.protocol == numbers.protocol;
      if (ours && !hop.onlink && !is_on_link(*hop.gateway, link.index, state)) continue;
      if (ours && is_ipv6_link_local(*hop.gateway) && (link.point_to_point || serves_all(route, numbers))) {
        continue;
      }
      const Origin foreign = route.table == kMainTable ? Origin::main : Origin::other_table;
      out.push_back({ours ? Origin::ours : foreign, route.metric, route.preference, *hop.gateway, hop.onlink,
                     route.attributes});
    }
  }
  return out;
}

bool is_of(const DhcpLease& lease, const Link& link) {
  return lease.link_index == 0 ? lease.device == link.name : lease.link_index == link.index;
}

bool bears(const Link& link, const IpAddress& own, const KernelState& state) {
  return std::any_of(state.addresses.begin(), state.addresses.end(), [&](const LinkAddress& address) {
    return address.link_index == link.index && address.prefix.address == own;
  });
}

std::optional<IpAddress> server_of_lease(Family family, const Link& link, const KernelState& state,
                                         const std::vector<DhcpLease>& leases) {
  std::optional<IpAddress> out;
  for (const auto& lease : leases) {
    const bool counts =
        is_of(lease, link) && lease.address.family() == family && bears(link, lease.address, state);
    if (counts) out = lease.server;
  }
  return out;
}

std::optional<Candidate> gateway_of_lease(Family family, const Link& link, const KernelState& state,
                                          const std::vector<DhcpLease>& leases) {
  std::optional<Candidate> held, reached;
  for (const auto& lease : leases) {
    if (!is_of(lease, link) || !lease.gateway || lease.gateway->family() != family) continue;
    const bool on_link = is_on_link(*lease.gateway, link.index, state);
    const Candidate candidate{Origin::lease, 0, 0, *lease.gateway, !on_link};
    if (bears(link, lease.address, state)) held = candidate;
    if (on_link) reached = candidate;
  }
  return held ? held : reached;
}

/// The most trusted first.
std::vector<Candidate> gateways_told(Family family, const Link& link, const KernelState& state,
                                     const RoutingNumbers& numbers, const std::vector<DhcpLease>& leases) {
  auto out = default_routes(family, link, state, numbers);
  if (auto leased = gateway_of_lease(family, link, state, leases)) out.push_back(*std::move(leased));
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.origin, a.metric, b.preference) < std::tie(b.origin, b.metric, a.preference);
  });
  return out;
}

void take_configured(const IpAddress& gateway, const Link& link, const KernelState& state,
                     const std::vector<Candidate>& told, UplinkFacts::PerFamily& seen) {
  seen.gateway = gateway;
  const auto same = std::find_if(told.begin(), told.end(), [&](const Candidate& candidate) {
    return candidate.origin < Origin::lease && candidate.gateway == gateway;
  });
  if (same != told.end()) {
    seen.attributes = same->attributes;
    seen.onlink = same->onlink;
  } else {
    seen.onlink = !is_on_link(gateway, link.index, state) &&
                  has_only_host_addresses(gateway.family(), link.index, state);
  }
}

LinkFact judge(const Link& link, const UplinkFacts::PerFamily& seen) {
  if (!link.admin_up) return LinkFact::admin_down;
  if (!link.carrier) return LinkFact::no_carrier;
  if (seen.addresses.empty()) return LinkFact::no_address;
  if (!seen.gateway && !link.point_to_point) return LinkFact::no_gateway;
  return LinkFact::ok;
}

}  // namespace

const Link* find_uplink_link(const UplinkConfig& uplink, const KernelState& state) {
  const Link* named = state.link_named(uplink.device);
  if (!uplink.mac || (named != nullptr && named->mac == *uplink.mac)) return named;
  const auto found = std::find_if(state.links.begin(), state.links.end(),
                                  [&](const Link& link) { return link.mac == *uplink.mac; });
  return found == state.links.end() ? nullptr : &*found;
}

bool is_ipv6_link_local(const IpAddress& address) {
  return address.family() == Family::v6 && address.is_link_local();
}

bool is_on_link(const IpAddress& gateway, unsigned link_index, const KernelState& state) {
  if (is_ipv6_link_local(gateway)) return true;
  return std::any_of(state.addresses.begin(), state.addresses.end(), [&](const LinkAddress& address) {
    return address.link_index == link_index &&
           (address.prefix.contains(gateway) || (address.peer && *address.peer == gateway));
  });
}

std::string device_name(const UplinkConfig& uplink, const UplinkFacts& facts, const KernelState& state) {
  const Link* link = state.link_at(facts.link_index);
  if (link != nullptr) return link->name;
  return uplink.mac ? std::string() : uplink.device;
}

UplinkFacts observe_uplink(const UplinkConfig& uplink, const KernelState& state,
                           const RoutingNumbers& numbers, const std::vector<DhcpLease>& leases) {
  UplinkFacts facts;
  const Link* link = find_uplink_link(uplink, state);
  if (link != nullptr) {
    facts.link_index = link->index;
    facts.carrier = link->carrier;
  }
  for (const Family family : kFamilies) {
    auto& seen = facts.families[family];
    if (link == nullptr) continue;
    seen.addresses = usable_addresses(family, link->index, state);
    seen.retired = retired_addresses(family, link->index, state);
    seen.lease_server = server_of_lease(family, *link, state, leases);
    const auto told = gateways_told(family, *link, state, numbers, leases);
    for (const auto& candidate : told) {
      if (candidate.origin == Origin::main) seen.metrics.push_back(candidate.metric);
    }
    if (const auto configured = uplink.gateways.find(family); configured != uplink.gateways.end()) {
      take_configured(configured->second, *link, state, told, seen);
    } else if (!told.empty()) {
      seen.gateway = told.front().gateway;
      seen.onlink = told.front().onlink;
      seen.attributes = told.front().attributes;
      seen.remembered = told.front().origin == Origin::ours && is_ipv6_link_local(*seen.gateway);
    }
    seen.fact = judge(*link, seen);
  }
  return facts;
}

}  // namespace multilink
