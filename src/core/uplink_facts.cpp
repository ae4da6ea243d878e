// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_facts.hpp"

#include <algorithm>
#include <tuple>

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

bool is_ipv6_link_local(const IpAddress& address) {
  return address.family() == Family::v6 && address.is_link_local();
}

/// Whether one of the device's own prefixes holds the gateway. IPv6 gateways are mostly link-local.
bool is_on_link(const IpAddress& gateway, unsigned link_index, const KernelState& state) {
  if (is_ipv6_link_local(gateway)) return true;
  return std::any_of(state.addresses.begin(), state.addresses.end(), [&](const LinkAddress& address) {
    return address.link_index == link_index &&
           (address.prefix.contains(gateway) || (address.peer && *address.peer == gateway));
  });
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

struct Candidate {
  bool ours = false;
  bool other_table = false;
  std::uint32_t metric = 0;
  IpAddress gateway;
  bool onlink = false;
  std::string attributes;
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
      out.push_back(
          {ours, route.table != kMainTable, route.metric, *hop.gateway, hop.onlink, route.attributes});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.ours, a.other_table, a.metric) < std::tie(b.ours, b.other_table, b.metric);
  });
  return out;
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
  if (!uplink.mac) return state.link_named(uplink.device);
  const auto found = std::find_if(state.links.begin(), state.links.end(),
                                  [&](const Link& link) { return link.mac == *uplink.mac; });
  return found == state.links.end() ? nullptr : &*found;
}

UplinkFacts observe_uplink(const UplinkConfig& uplink, const KernelState& state,
                           const RoutingNumbers& numbers) {
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
    const auto defaults = default_routes(family, *link, state, numbers);
    for (const auto& candidate : defaults) {
      if (!candidate.ours && !candidate.other_table) seen.metrics.push_back(candidate.metric);
    }
    const auto configured = uplink.gateways.find(family);
    if (configured != uplink.gateways.end()) {
      seen.gateway = configured->second;
      const auto same = std::find_if(defaults.begin(), defaults.end(), [&](const Candidate& candidate) {
        return !candidate.ours && candidate.gateway == configured->second;
      });
      if (same != defaults.end()) seen.attributes = same->attributes;
      seen.onlink = same != defaults.end() ? same->onlink
                                           : !is_on_link(configured->second, link->index, state) &&
                                                 has_only_host_addresses(family, link->index, state);
    } else if (!defaults.empty()) {
      seen.gateway = defaults.front().gateway;
      seen.onlink = defaults.front().onlink;
      seen.attributes = defaults.front().attributes;
      seen.remembered = defaults.front().ours && is_ipv6_link_local(*seen.gateway);
    }
    seen.fact = judge(*link, seen);
  }
  return facts;
}

}  // namespace multilink
