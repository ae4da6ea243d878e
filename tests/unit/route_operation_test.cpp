// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_operation.hpp"

#include <gtest/gtest.h>

#include "fakes/routing_samples.hpp"

namespace multilink {
namespace route_operation_test {

using fakes::address;
using fakes::prefix;

KernelState state() {
  KernelState out;
  for (const auto& [index, name] : {std::pair(2U, "eth0"), std::pair(3U, "ppp0")}) {
    Link link;
    link.index = index;
    link.name = name;
    out.links.push_back(link);
  }
  return out;
}

Route default_route() {
  Route route;
  route.table = kMainTable;
  route.protocol = 109;
  route.metric = 1;
  route.next_hops = {{2, address("192.0.2.1"), 1}};
  return route;
}

TEST(RouteOperationWords, OneNextHop) {
  EXPECT_EQ(to_string(PrependRoute{default_route()}, state()),
            "ip route prepend default via 192.0.2.1 dev eth0 proto 109 metric 1");
}

TEST(RouteOperationWords, SeveralNextHops) {
  Route route = default_route();
  route.metric = 0;
  route.next_hops = {{2, address("192.0.2.1"), 3}, {3, std::nullopt, 1}};
  EXPECT_EQ(
      to_string(DeleteRoute{route}, state()),
      "ip route del default proto 109 nexthop via 192.0.2.1 dev eth0 weight 3 nexthop dev ppp0 weight 1");
}

TEST(RouteOperationWords, OnlinkGateways) {
  Route route = default_route();
  route.next_hops.front().onlink = true;
  EXPECT_EQ(to_string(PrependRoute{route}, state()),
            "ip route prepend default via 192.0.2.1 dev eth0 onlink proto 109 metric 1");
  route.next_hops.push_back({3, address("198.51.100.1"), 2, true});
  EXPECT_EQ(to_string(PrependRoute{route}, state()),
            "ip route prepend default proto 109 metric 1 nexthop via 192.0.2.1 dev eth0 onlink weight 1 "
            "nexthop via 198.51.100.1 dev ppp0 onlink weight 2");
}

TEST(RouteOperationWords, ConnectedRouteInATable) {
  Route route = default_route();
  route.table = 7001;
  route.destination = prefix("192.0.2.0/24");
  route.metric = 0;
  route.link_scope = true;
  route.next_hops = {{2, std::nullopt, 1}};
  route.source = address("192.0.2.2");
  EXPECT_EQ(to_string(ReplaceRoute{route}, state()),
            "ip route replace 192.0.2.0/24 dev eth0 table 7001 proto 109 scope link src 192.0.2.2");
}

TEST(RouteOperationWords, SixAndUnknownDevice) {
  Route route = default_route();
  route.destination = IpPrefix::default_of(Family::v6);
  route.next_hops = {{9, address("fe80::1"), 1}};
  EXPECT_EQ(to_string(PrependRoute{route}, state()),
            "ip -6 route prepend default via fe80::1 dev if9 proto 109 metric 1");
  route.type = RouteType::unreachable;
  route.next_hops.clear();
  EXPECT_EQ(to_string(DeleteRoute{route}, state()), "ip -6 route del unreachable default proto 109 metric 1");
}

TEST(RouteOperationWords, Rules) {
  Rule rule;
  rule.priority = 1021;
  rule.protocol = 109;
  rule.from = prefix("192.0.2.2/32");
  rule.table = 7001;
  rule.suppress_prefix = 0;
  EXPECT_EQ(to_string(AddRule{rule}, {}),
            "ip rule add pref 1021 from 192.0.2.2 lookup 7001 suppress_prefixlength 0 protocol 109");
  rule.suppress_prefix.reset();
  rule.table = 0;
  rule.unreachable = true;
  EXPECT_EQ(to_string(DeleteRule{rule}, {}), "ip rule del pref 1021 from 192.0.2.2 unreachable protocol 109");
  rule = {};
  rule.family = Family::v6;
  rule.priority = 1000;
  rule.protocol = 109;
  rule.mark = MarkMatch{0x1000000, 0x3f000000};
  rule.oif = "eth0";
  rule.uids = UidRange{64000, 64001};
  rule.table = kMainTable;
  EXPECT_EQ(to_string(AddRule{rule}, {}),
            "ip -6 rule add pref 1000 fwmark 0x1000000/0x3f000000 oif eth0 uidrange 64000-64001 lookup main "
            "protocol 109");
  rule = {};
  rule.priority = 32765;
  rule.protocol = 109;
  rule.to = prefix("198.51.100.0/24");
  rule.iif = "lan0";
  rule.ip_protocol = 17;
  rule.source_ports = PortRange{1024, 65535};
  rule.destination_ports = PortRange{5060, 5060};
  rule.table = 6001;
  EXPECT_EQ(to_string(AddRule{rule}, {}),
            "ip rule add pref 32765 to 198.51.100.0/24 iif lan0 ipproto udp sport 1024-65535 dport 5060 "
            "lookup 6001 protocol 109");
  rule.inverted = true;
  rule.ip_protocol = 47;
  rule.source_ports = rule.destination_ports = std::nullopt;
  EXPECT_EQ(to_string(AddRule{rule}, {}),
            "ip rule add pref 32765 not to 198.51.100.0/24 iif lan0 ipproto 47 lookup 6001 protocol 109");
}

}  // namespace route_operation_test
}  // namespace multilink
