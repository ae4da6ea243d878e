// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/stuck_routes.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "multilink/core/route_operation.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// Whether all of the prefix is of one network that no provider carries for another.
bool is_private(const IpPrefix& prefix) {
  static const std::array kNetworks{
      IpPrefix::parse("10.0.0.0/8").value(),     IpPrefix::parse("172.16.0.0/12").value(),
      IpPrefix::parse("192.168.0.0/16").value(), IpPrefix::parse("100.64.0.0/10").value(),
      IpPrefix::parse("169.254.0.0/16").value(), IpPrefix::parse("224.0.0.0/4").value(),
      IpPrefix::parse("fc00::/7").value(),       IpPrefix::parse("fe80::/10").value(),
      IpPrefix::parse("ff00::/8").value()};
  return std::any_of(kNetworks.begin(), kNetworks.end(), [&](const IpPrefix& network) {
    return prefix.length >= network.length && network.contains(prefix.address);
  });
}

/// Whether the route leads to what is on the uplink's link: its network, or an address in it.
bool stays_on_link(const Route& route, const Link& link, const KernelState& state) {
  if (is_on_link(route.destination.address, link.index, state)) return true;
  return !link.point_to_point && std::none_of(route.next_hops.begin(), route.next_hops.end(),
                                              [](const NextHop& hop) { return hop.gateway.has_value(); });
}

/// The position of the uplink through which alone the route leads.
std::optional<std::size_t> only_uplink(const Route& route, const std::vector<UplinkFacts>& facts) {
  if (route.next_hops.empty()) return std::nullopt;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const auto leads_there = [&](const NextHop& hop) { return hop.link_index == facts[i].link_index; };
    if (facts[i].link_index != 0 &&
        std::all_of(route.next_hops.begin(), route.next_hops.end(), leads_there)) {
      return i;
    }
  }
  return std::nullopt;
}

bool is_candidate(const Route& route, const RoutingNumbers& numbers) {
  return route.table == kMainTable && route.protocol != numbers.protocol &&
         route.type == RouteType::unicast && !route.destination.is_default() &&
         !is_private(route.destination);
}

}  // namespace

std::vector<std::string> stuck_routes(const Config& config, const KernelState& state,
                                      const std::vector<UplinkFacts>& facts, const RoutingNumbers& numbers) {
  std::vector<std::string> out;
  std::size_t more = 0;
  if (config.uplinks.size() < 2) return out;
  for (const auto& route : state.routes) {
    if (!is_candidate(route, numbers)) continue;
    const auto uplink = only_uplink(route, facts);
    if (!uplink) continue;
    const Link* link = state.link_at(facts[*uplink].link_index);
    if (link == nullptr || stays_on_link(route, *link, state)) continue;
    if (out.size() == kMostStuckRoutes) {
      ++more;
      continue;
    }
    out.push_back(cat("what goes to ", route.destination.to_string(),
                      " does not fail over: a route in main keeps it on ", config.uplinks[*uplink].name,
                      "; if it may go by any uplink: ", to_string(DeleteRoute{route}, state)));
  }
  if (more > 0) out.push_back(cat(more, " more routes in main keep what they lead to on one uplink"));
  return out;
}

}  // namespace multilink
