// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/packet_match.hpp"

namespace multilink {

/// What the kernel says of its links, addresses, routes and rules: plain values, as read by one dump or as
/// wanted by a plan. Only what multilink decides by is kept of each.

struct Link {
  unsigned index = 0;
  std::string name;
  std::string mac;  ///< lower-case "aa:bb:…", empty where the device has none
  bool admin_up = false;
  bool carrier = false;         ///< IFF_LOWER_UP
  bool point_to_point = false;  ///< needs no gateway
  bool loopback = false;

  bool operator==(const Link&) const = default;
};

struct LinkAddress {
  unsigned link_index = 0;
  IpPrefix prefix;                ///< with host bits: the address itself and its prefix length
  std::optional<IpAddress> peer;  ///< of a point-to-point address
  bool link_scope = false;        ///< scope link (for IPv6: fe80::/10)
  bool usable = true;             ///< not tentative, not failed DAD, not deprecated
  bool deprecated = false;        ///< valid still, but for connections only that have begun already

  auto operator<=>(const LinkAddress&) const = default;
};

enum class RouteType : std::uint8_t { unicast, unreachable, blackhole, prohibit, throw_route, local, other };

struct NextHop {
  unsigned link_index = 0;
  std::optional<IpAddress> gateway;  ///< none: the destination is on the link
  unsigned weight = 1;               ///< 1..256
  bool onlink = false;               ///< the gateway is taken to be on the link, though no route says so

  auto operator<=>(const NextHop&) const = default;
};

struct Route {
  std::uint32_t table = 0;
  IpPrefix destination;
  std::uint32_t metric = 0;
  std::uint8_t protocol = 0;
  RouteType type = RouteType::unicast;
  bool link_scope = false;          ///< scope link: for routes without a gateway
  std::vector<NextHop> next_hops;   ///< sorted; empty for unreachable and the like
  std::optional<IpAddress> source;  ///< preferred source
  /// MTU, initial window and the like, as the kernel encodes them (RTA_METRICS); empty: none. Only carried over.
  std::string attributes = {};
  int preference =
      0;  ///< IPv6, of its router: -1 low, 0 medium, 1 high (RFC 4191); among those of one metric

  auto operator<=>(const Route&) const = default;
};

/// What a rule selects by is in rule_selectors.hpp; a selector that is not set selects everything.
struct Rule {
  Family family = Family::v4;
  std::uint32_t priority = 0;
  std::uint8_t protocol = 0;  ///< FRA_PROTOCOL: who added it
  std::optional<IpPrefix> from;
  std::optional<IpPrefix> to;
  std::optional<MarkMatch> mark;
  std::optional<std::string> iif;  ///< "lo": what this host itself sends
  std::optional<std::string> oif;
  std::optional<UidRange> uids;
  std::optional<std::uint8_t> ip_protocol;  ///< of the packet: 6 for TCP
  std::optional<PortRange> source_ports;
  std::optional<PortRange> destination_ports;
  bool inverted = false;                         ///< takes what its selectors do not fit
  std::uint32_t table = 0;                       ///< 0 for an action other than lookup
  bool unreachable = false;                      ///< action unreachable instead of a lookup
  std::optional<std::uint32_t> suppress_prefix;  ///< suppress_prefixlength
  /// Set on a rule that matches by something this type does not hold, also where that is the next one: such a rule is
  /// never equal to one of ours.
  bool has_other_selectors = false;
  bool of_tunnel_or_vrf = false;  ///< asks for packets of a tunnel or of a VRF

  auto operator<=>(const Rule&) const = default;
};

/// One consistent dump. `routes` are in the kernel's own order of each table, which for equal destination and
/// metric is the order of preference.
struct KernelState {
  std::vector<Link> links;
  std::vector<LinkAddress> addresses;
  std::vector<Route> routes;
  std::vector<Rule> rules;

  const Link* link_named(std::string_view name) const;
  const Link* link_at(unsigned index) const;

  bool operator==(const KernelState&) const = default;
};

inline constexpr std::uint32_t kMainTable = 254;
inline constexpr std::uint32_t kLocalTable = 255;
inline constexpr std::uint32_t kDefaultTable = 253;

}  // namespace multilink
