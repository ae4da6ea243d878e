// SPDX-License-Identifier: GPL-2.0-or-later
// What is planned for a host with both families.
#include <algorithm>

#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace route_plan_ipv6_test {

using fakes::address;
using fakes::default_via;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kInternet6 = "2001:db8:ffff::9";

class RoutePlanIpv6 : public RoutePlanTest {
 protected:
  RoutePlanIpv6() {
    fakes::add_ipv6(kernel_);
    health_v6_ = {{"eth0", HealthState::up}, {"eth1", HealthState::up}};
  }

  std::vector<std::string> owned6() {
    auto lines = fakes::owned_lines(kernel_);
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("ip -6 "); });
    return lines;
  }
  std::string in_force6() {
    const auto state = kernel_.read().value();
    const auto hops = hops_in_force(state, Family::v6, numbers_);
    return hops.empty() ? "" : state.link_at(hops.front().link_index)->name;
  }
};

TEST_F(RoutePlanIpv6, WhatIsOwnedInAnOrdinaryCase) {
  settle();
  EXPECT_THAT(
      owned6(),
      ElementsAre(
          "ip -6 route prepend 2001:db8:0:1::/64 dev eth0 table 7001 proto 109 metric 256",
          "ip -6 route prepend 2001:db8:0:2::/64 dev eth1 table 7002 proto 109 metric 256",
          "ip -6 route prepend default via fe80::1 dev eth0 proto 109 metric 3",
          "ip -6 route prepend default via fe80::1 dev eth0 table 7001 proto 109 metric 1024",
          "ip -6 route prepend default via fe80::1 dev eth1 table 7002 proto 109 metric 1024",
          "ip -6 route prepend fe80::/64 dev eth0 table 7001 proto 109 metric 256",
          "ip -6 route prepend fe80::/64 dev eth1 table 7002 proto 109 metric 256",
          "ip -6 rule add pref 1010 oif eth0 lookup 7001 protocol 109",
          "ip -6 rule add pref 1010 oif eth1 lookup 7002 protocol 109",
          "ip -6 rule add pref 1020 fwmark 0x1000000/0x3f000000 lookup 7001 suppress_prefixlength 0 protocol "
          "109",
          "ip -6 rule add pref 1020 fwmark 0x2000000/0x3f000000 lookup 7002 suppress_prefixlength 0 protocol "
          "109",
          "ip -6 rule add pref 1021 from 2001:db8:0:1::2 lookup 7001 suppress_prefixlength 0 protocol 109",
          "ip -6 rule add pref 1021 from 2001:db8:0:2::2 lookup 7002 suppress_prefixlength 0 protocol 109",
          "ip -6 rule add pref 1030 fwmark 0x1000000/0x3f000000 lookup main suppress_prefixlength 6 protocol "
          "109",
          "ip -6 rule add pref 1030 fwmark 0x2000000/0x3f000000 lookup main suppress_prefixlength 6 protocol "
          "109",
          "ip -6 rule add pref 1031 from 2001:db8:0:1::2 lookup main suppress_prefixlength 6 protocol 109",
          "ip -6 rule add pref 1031 from 2001:db8:0:2::2 lookup main suppress_prefixlength 6 protocol 109",
          "ip -6 rule add pref 1040 fwmark 0x1000000/0x3f000000 lookup 7001 protocol 109",
          "ip -6 rule add pref 1040 fwmark 0x2000000/0x3f000000 lookup 7002 protocol 109",
          "ip -6 rule add pref 1041 from 2001:db8:0:1::2 lookup 7001 protocol 109",
          "ip -6 rule add pref 1041 from 2001:db8:0:2::2 lookup 7002 protocol 109",
          "ip -6 rule add pref 1050 fwmark 0x1000000/0x3f000000 unreachable protocol 109",
          "ip -6 rule add pref 1050 fwmark 0x2000000/0x3f000000 unreachable protocol 109",
          "ip -6 rule add pref 1051 from 2001:db8:0:1::2 unreachable protocol 109",
          "ip -6 rule add pref 1051 from 2001:db8:0:2::2 unreachable protocol 109"));
}

TEST_F(RoutePlanIpv6, PacketsGoWhereTheyShouldThoughBothRoutersHaveTheSameAddress) {
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth0");
  EXPECT_EQ(carrier_to("2001:db8:0:10::7"), "lan");
  EXPECT_EQ(carrier_from("2001:db8:0:2::2", kInternet6), "eth1");
  EXPECT_EQ(carrier_from("2001:db8:0:2::2", "2001:db8:0:10::7"), "lan");
  EXPECT_EQ(kernel_.carrier_of({.destination = address(kInternet6), .oif = "eth1"}), "eth1");
  EXPECT_EQ(kernel_.carrier_of({.destination = address("fe80::1"), .oif = "eth1"}), "eth1");
}

TEST_F(RoutePlanIpv6, EachFamilyGoesByItsOwnHealth) {
  health_v6_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth1");
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  health_["eth0"] = HealthState::down;
  health_v6_["eth0"] = HealthState::up;
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth0");
  EXPECT_EQ(carrier_to(kInternet), "eth1");
}

TEST_F(RoutePlanIpv6, TheRoutersDefaultsStayAsTheyAre) {
  const auto before = fakes::foreign_state(kernel_);
  settle();
  health_v6_["eth0"] = HealthState::suspect;
  settle();
  EXPECT_EQ(fakes::foreign_state(kernel_), before);
  for (const auto& operation : diff_routes(kernel_.read().value(), {}, numbers_)) {
    ASSERT_TRUE(kernel_.apply(operation));
  }
  EXPECT_EQ(kernel_.read().value(), before);
}

TEST_F(RoutePlanIpv6, ARetiredAddressKeepsItsRulesUntilItGoes) {
  kernel_.add_address("eth0", "2001:db8:0:1::77/64");
  kernel_.deprecate_address("eth0", "2001:db8:0:1::2/64");
  config_.uplinks[0].precedence = 9;
  settle();
  ASSERT_EQ(carrier_to(kInternet6), "eth1");
  EXPECT_EQ(carrier_from("2001:db8:0:1::2", kInternet6), "eth0")
      << "connections of yesterday's address live on";
  EXPECT_EQ(carrier_from("2001:db8:0:1::77", kInternet6), "eth0");
  kernel_.remove_address("eth0", "2001:db8:0:1::2/64");
  settle();
  EXPECT_THAT(owned6(), Not(Contains(HasSubstr("from 2001:db8:0:1::2 "))));
  EXPECT_THAT(owned6(), Contains(HasSubstr("from 2001:db8:0:1::77 ")));
}

TEST_F(RoutePlanIpv6, WithRetiredAddressesOnlyTheUplinkCarriesNothingNew) {
  kernel_.deprecate_address("eth0", "2001:db8:0:1::2/64");
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth1");
  EXPECT_EQ(kernel_.carrier_of({.destination = address(kInternet6), .mark = 0x01000000}), "eth0")
      << "connections that began there live on";
}

TEST_F(RoutePlanIpv6, WhatTheRouterSaysOfHopLimitAndMtuIsTakenOver) {
  const std::string hop_limit("\x08\x00\x0a\x00\x3d\x00\x00\x00", 8);
  kernel_.advertise_router("eth0", fakes::kRouter, 1800, hop_limit);
  settle();
  EXPECT_THAT(owned6(),
              Contains("ip -6 route prepend default via fe80::1 dev eth0 proto 109 metric 3 hoplimit 61"));
  health_v6_["eth0"] = HealthState::down;
  settle();
  EXPECT_THAT(owned6(), Contains("ip -6 route prepend default via fe80::1 dev eth1 proto 109 metric 3"));
}

TEST_F(RoutePlanIpv6, OfSeveralRoutersThePreferredOneIsTaken) {
  Route other = default_via(kernel_, "fe80::2", "eth0", 512);
  ASSERT_TRUE(kernel_.add_route(other));
  other.next_hops.front().gateway = address("fe80::3");
  other.preference = 1;
  auto state = kernel_.read().value();
  state.routes.push_back(other);
  const auto gateway = [&] {
    return observe_uplink(config_.uplinks[0], state, numbers_, {}).families.at(Family::v6).gateway;
  };
  EXPECT_EQ(gateway(), address("fe80::3"));
  state.routes.back().preference = -1;
  EXPECT_EQ(gateway(), address("fe80::2"));
  state.routes.back().metric = 100;
  EXPECT_EQ(gateway(), address("fe80::3")) << "the metric comes first, as in the kernel";
}

TEST_F(RoutePlanIpv6, WithoutAnAddressNothingIsOwned) {
  fakes::FakeKernel v4_only(scheduler_);
  fakes::add_two_uplinks_and_lan(v4_only);
  const auto state = v4_only.read().value();
  const auto facts = observe_uplinks(config_, state, numbers_, {});
  const std::vector<HealthByFamily> health(2);
  const auto decision = decide_routes({config_, state, numbers_, {}, facts, health, {}});
  for (const auto& rule : decision.wanted.rules) EXPECT_EQ(rule.family, Family::v4);
  for (const auto& route : decision.wanted.routes) EXPECT_EQ(route.destination.address.family(), Family::v4);
}

TEST_F(RoutePlanIpv6, AKernelWithoutIpv6IsAskedForNothing) {
  auto state = kernel_.read().value();
  std::erase_if(state.rules, [](const Rule& rule) { return rule.family == Family::v6; });
  const auto facts = observe_uplinks(config_, state, numbers_, {});
  const std::vector<HealthByFamily> health{{{Family::v6, HealthState::up}}, {}};
  const auto decision = decide_routes({config_, state, numbers_, {}, facts, health, {}});
  for (const auto& rule : decision.wanted.rules) EXPECT_EQ(rule.family, Family::v4);
  for (const auto& route : decision.wanted.routes) EXPECT_EQ(route.destination.address.family(), Family::v4);
}

TEST_F(RoutePlanIpv6, ATierSharesByWeight) {
  config_.uplinks[0].weight = 3;
  config_.uplinks[1].precedence = 1;
  settle();
  const auto route = kernel_.lookup_route({.destination = address(kInternet6)});
  ASSERT_TRUE(route);
  ASSERT_EQ(route->next_hops.size(), 2U);
  EXPECT_EQ(route->next_hops[0].weight, 3U);
  EXPECT_EQ(route->next_hops[1].weight, 1U);
}

/// A device without a gateway, as PPP gives one, in one tier with eth0. The kernel takes no IPv6 route over both.
class RoutePlanIpv6Tier : public RoutePlanIpv6 {
 protected:
  RoutePlanIpv6Tier() {
    kernel_.add_link("ppp0", true);
    kernel_.add_address("ppp0", "2001:db8:0:3::1/128");
    health_v6_["ppp0"] = HealthState::up;
  }
};

TEST_F(RoutePlanIpv6Tier, ADeviceWithoutAGatewayIsLeftOutBehindOthers) {
  config_.uplinks = {fakes::uplink("eth0", 1, 5), fakes::uplink("ppp0", 1), fakes::uplink("eth1", 1)};
  settle();
  const auto route = kernel_.lookup_route({.destination = address(kInternet6)});
  ASSERT_TRUE(route);
  ASSERT_EQ(route->next_hops.size(), 2U);
  for (const auto& hop : route->next_hops) EXPECT_TRUE(hop.gateway);
}

TEST_F(RoutePlanIpv6Tier, ADeviceWithoutAGatewayCarriesAloneWhereItIsFirst) {
  config_.uplinks = {fakes::uplink("ppp0", 1, 5), fakes::uplink("eth0", 1)};
  settle();
  const auto route = kernel_.lookup_route({.destination = address(kInternet6)});
  ASSERT_TRUE(route);
  EXPECT_THAT(route->next_hops, ElementsAre(NextHop{kernel_.link("ppp0").index, std::nullopt, 1}));
}

TEST_F(RoutePlanIpv6, AForeignDefaultBeforeOursIsPassed) {
  for (const std::uint32_t metric : {1U, 2U, 3U}) {
    Route foreign = default_via(kernel_, fakes::kRouter, "eth1", metric);
    const auto added = kernel_.add_route(foreign);
    if (!added) {
      // Of our metric when we are there already: the kernel refuses it, as it refuses ours beside theirs.
      EXPECT_EQ(metric, 3U);
      continue;
    }
    settle();
    EXPECT_EQ(carrier_to(kInternet6), "eth0") << metric;
    EXPECT_EQ(in_force6(), "eth0") << metric;
    EXPECT_EQ(carrier_to("2001:db8:0:10::7"), "lan") << metric;
    ASSERT_TRUE(kernel_.delete_route(foreign));
    settle();
  }
}

TEST_F(RoutePlanIpv6, OursGivesWayToAForeignDefaultOfItsMetric) {
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, fakes::kRouter, "eth1", 3)));
  settle();
  EXPECT_EQ(in_force6(), "eth0");
  EXPECT_EQ(carrier_to(kInternet6), "eth0");
}

TEST_F(RoutePlanIpv6, AKillSwitchIsPrecededByAMetric) {
  Route kill_switch = default_via(kernel_, fakes::kRouter, "eth0", 2);
  kill_switch.type = RouteType::unreachable;
  kill_switch.next_hops.clear();
  ASSERT_TRUE(kernel_.add_route(kill_switch));
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth0");
  EXPECT_EQ(in_force6(), "eth0");
  health_v6_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth1");
  ASSERT_TRUE(kernel_.delete_route(kill_switch));
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth1");
}

TEST_F(RoutePlanIpv6, BehindAKillSwitchThatNothingPrecedesNobodyIsSaidToCarry) {
  Route kill_switch = default_via(kernel_, fakes::kRouter, "eth0", 1);
  kill_switch.type = RouteType::unreachable;
  kill_switch.next_hops.clear();
  ASSERT_TRUE(kernel_.add_route(kill_switch));
  settle();
  EXPECT_EQ(in_force6(), "");
  ASSERT_TRUE(kernel_.delete_route(kill_switch));
  settle();
  EXPECT_EQ(in_force6(), "eth0");
}

TEST_F(RoutePlanIpv6, WithAllDownTheLastOneKeepsTheTraffic) {
  settle();
  health_v6_ = {{"eth0", HealthState::down}, {"eth1", HealthState::down}};
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth0");
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  kernel_.advertise_router("eth1", fakes::kRouter, 0);
  settle();
  EXPECT_EQ(carrier_to(kInternet6), "eth0") << "never no route";
}

}  // namespace route_plan_ipv6_test
}  // namespace multilink
