// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_route_parse.hpp"

#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "multilink/adapters/netlink_attributes.hpp"

namespace multilink {
namespace {

using Rules = NetlinkAttributes::Rules;

constexpr AttributeRule kNumber{4, 4, false};

/// Routing protocols whose daemons may fill `main` with every prefix of the Internet.
bool is_routing_protocol(unsigned protocol) {
  constexpr unsigned kAll[] = {RTPROT_GATED, RTPROT_MRT,  RTPROT_ZEBRA, RTPROT_BIRD,  RTPROT_DNROUTED,
                               RTPROT_XORP,  RTPROT_NTK,  RTPROT_BABEL, RTPROT_OPENR, RTPROT_BGP,
                               RTPROT_ISIS,  RTPROT_OSPF, RTPROT_RIP,   RTPROT_EIGRP, RTPROT_MROUTED};
  return std::find(std::begin(kAll), std::end(kAll), protocol) != std::end(kAll);
}

/// Not a cached one, and not for some packets only that the destination does not tell.
bool is_ordinary(const rtmsg& header) {
  return (header.rtm_flags & RTM_F_CLONED) == 0 && header.rtm_tos == 0 && header.rtm_src_len == 0;
}

/// Decided from the fixed header alone: on a host with a million routes this is the cost of nearly all.
bool is_wanted(const rtmsg& header, const RoutingNumbers& numbers) {
  if (!is_ordinary(header) || header.rtm_table == RT_TABLE_LOCAL) return false;
  if (header.rtm_type == RTN_BROADCAST || header.rtm_type == RTN_ANYCAST || header.rtm_type == RTN_MULTICAST)
    return false;
  if (header.rtm_dst_len == 0 || header.rtm_protocol == numbers.protocol) return true;
  return header.rtm_table == RT_TABLE_MAIN && !is_routing_protocol(header.rtm_protocol);
}

RouteType route_type_of(unsigned type) {
  switch (type) {
    case RTN_UNICAST:
      return RouteType::unicast;
    case RTN_UNREACHABLE:
      return RouteType::unreachable;
    case RTN_BLACKHOLE:
      return RouteType::blackhole;
    case RTN_PROHIBIT:
      return RouteType::prohibit;
    case RTN_THROW:
      return RouteType::throw_route;
    case RTN_LOCAL:
      return RouteType::local;
    default:
      return RouteType::other;
  }
}

/// What is reserved counts as medium (RFC 4191, 2.2).
int preference_of(unsigned pref) {
  return pref == ICMPV6_ROUTER_PREF_HIGH ? 1 : pref == ICMPV6_ROUTER_PREF_LOW ? -1 : 0;
}

constexpr Rules kRouteRules = [] {
  Rules rules{};
  rules[RTA_TABLE] = rules[RTA_PRIORITY] = rules[RTA_OIF] = kNumber;
  rules[RTA_VIA] = {sizeof(std::uint16_t), 64, false};
  rules[RTA_PREF] = {1, 1, false};
  return rules;
}();

/// False: there is a gateway, but it is no address.
bool read_gateway(const NetlinkAttributes& attributes, Family family, NextHop& hop) {
  if (attributes.has(RTA_GATEWAY)) {
    hop.gateway = attributes.address(RTA_GATEWAY, family);
    return hop.gateway.has_value();
  }
  if (attributes.has(RTA_VIA)) {
    const auto via_family = family_of_af(attributes.value<std::uint16_t>(RTA_VIA));
    if (!via_family) return false;
    hop.gateway = address_of_bytes(attributes.bytes(RTA_VIA).subspan(sizeof(std::uint16_t)), *via_family);
    return hop.gateway.has_value();
  }
  return true;
}

std::optional<std::vector<NextHop>> read_hop_list(std::span<const std::byte> list, Family family) {
  std::vector<NextHop> hops;
  while (!list.empty()) {
    rtnexthop entry{};
    if (list.size() < sizeof entry) return std::nullopt;
    std::memcpy(&entry, list.data(), sizeof entry);
    if (entry.rtnh_len < sizeof entry || entry.rtnh_len > list.size()) return std::nullopt;
    const auto inner = list.subspan(sizeof entry, entry.rtnh_len - sizeof entry);
    const auto attributes = NetlinkAttributes::of_bytes(inner, kRouteRules);
    NextHop hop;
    hop.link_index = static_cast<unsigned>(entry.rtnh_ifindex);
    hop.weight = entry.rtnh_hops + 1U;
    hop.onlink = (entry.rtnh_flags & RTNH_F_ONLINK) != 0;
    if (!attributes || !read_gateway(*attributes, family, hop)) return std::nullopt;
    hops.push_back(hop);
    const std::size_t alignment = RTNH_ALIGNTO;
    const std::size_t aligned = (entry.rtnh_len + alignment - 1) / alignment * alignment;
    list = list.subspan(std::min(aligned, list.size()));
  }
  std::sort(hops.begin(), hops.end());
  return hops;
}

bool carries_nothing(RouteType type) {
  return type == RouteType::unreachable || type == RouteType::blackhole || type == RouteType::prohibit ||
         type == RouteType::throw_route;
}

/// The next hops of a route that has any. One made of nexthop objects (RTA_NH_ID) carries the same
/// attributes.
std::optional<std::vector<NextHop>> read_hops(const NetlinkAttributes& attributes, const Route& route,
                                              unsigned flags) {
  const Family family = route.destination.address.family();
  if (carries_nothing(route.type)) return std::vector<NextHop>{};
  if (attributes.has(RTA_MULTIPATH)) return read_hop_list(attributes.bytes(RTA_MULTIPATH), family);
  if (!attributes.has(RTA_OIF)) return std::vector<NextHop>{};
  NextHop hop;
  hop.link_index = attributes.value<std::uint32_t>(RTA_OIF);
  hop.onlink = (flags & RTNH_F_ONLINK) != 0;
  if (!read_gateway(attributes, family, hop)) return std::nullopt;
  return std::vector<NextHop>{hop};
}

Parsed parse_body(const nlmsghdr& message, const rtmsg& header, KernelState& state) {
  const auto family = family_of_af(header.rtm_family);
  if (!family) return Parsed::ignored;
  const auto attributes = NetlinkAttributes::of_message(message, sizeof header, kRouteRules);
  if (!attributes || header.rtm_dst_len > IpPrefix::default_of(*family).address.size() * 8)
    return Parsed::malformed;
  Route route;
  route.table = attributes->value_or<std::uint32_t>(RTA_TABLE, header.rtm_table);
  route.destination = IpPrefix::default_of(*family);
  route.destination.length = header.rtm_dst_len;
  if (attributes->has(RTA_DST)) {
    const auto destination = attributes->address(RTA_DST, *family);
    if (!destination) return Parsed::malformed;
    route.destination.address = *destination;
  } else if (header.rtm_dst_len != 0) {
    return Parsed::malformed;
  }
  route.metric = attributes->value_or<std::uint32_t>(RTA_PRIORITY, 0);
  route.protocol = header.rtm_protocol;
  route.type = route_type_of(header.rtm_type);
  auto hops = read_hops(*attributes, route, header.rtm_flags);
  if (!hops) return Parsed::malformed;
  route.next_hops = std::move(*hops);
  route.link_scope = header.rtm_scope == RT_SCOPE_LINK;
  if (attributes->has(RTA_PREFSRC)) {
    route.source = attributes->address(RTA_PREFSRC, *family);
    if (!route.source) return Parsed::malformed;
  }
  if (attributes->has(RTA_METRICS)) {
    const auto bytes = attributes->bytes(RTA_METRICS);
    route.attributes.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  route.preference = preference_of(attributes->value_or<std::uint8_t>(RTA_PREF, ICMPV6_ROUTER_PREF_MEDIUM));
  state.routes.push_back(std::move(route));
  return Parsed::taken;
}

}  // namespace

Parsed parse_route(const nlmsghdr& message, const RoutingNumbers& numbers, KernelState& state) {
  const auto header = header_of<rtmsg>(message);
  if (!header) return Parsed::malformed;
  return is_wanted(*header, numbers) ? parse_body(message, *header, state) : Parsed::ignored;
}

Parsed parse_route_about(const nlmsghdr& message, const IpAddress& destination, KernelState& state) {
  const auto header = header_of<rtmsg>(message);
  if (!header) return Parsed::malformed;
  const Parsed parsed = is_ordinary(*header) ? parse_body(message, *header, state) : Parsed::ignored;
  if (parsed != Parsed::taken || state.routes.back().destination.contains(destination)) return parsed;
  state.routes.pop_back();
  return Parsed::ignored;
}

}  // namespace multilink
