// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_plan.hpp"

#include <gmock/gmock.h>

#include "multilink/core/text.hpp"
#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace route_plan_test {

using fakes::address;
using fakes::default_via;
using fakes::prefix;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using RoutePlan = RoutePlanTest;

TEST_F(RoutePlan, WhatIsOwnedInAnOrdinaryCase) {
  settle();
  EXPECT_THAT(
      fakes::owned_lines(kernel_),
      ElementsAre("ip route prepend 192.0.2.0/24 dev eth0 table 7001 proto 109 scope link src 192.0.2.2",
                  "ip route prepend 198.51.100.0/24 dev eth1 table 7002 proto 109 scope link "
                  "src 198.51.100.2",
                  "ip route prepend default via 192.0.2.1 dev eth0 proto 109 metric 3",
                  "ip route prepend default via 192.0.2.1 dev eth0 table 7001 proto 109",
                  "ip route prepend default via 198.51.100.1 dev eth1 table 7002 proto 109",
                  "ip rule add pref 1010 oif eth0 lookup 7001 protocol 109",
                  "ip rule add pref 1010 oif eth1 lookup 7002 protocol 109",
                  "ip rule add pref 1020 fwmark 0x1000000/0x3f000000 lookup 7001 suppress_prefixlength 0 "
                  "protocol 109",
                  "ip rule add pref 1020 fwmark 0x2000000/0x3f000000 lookup 7002 suppress_prefixlength 0 "
                  "protocol 109",
                  "ip rule add pref 1021 from 192.0.2.2 lookup 7001 suppress_prefixlength 0 protocol 109",
                  "ip rule add pref 1021 from 198.51.100.2 lookup 7002 suppress_prefixlength 0 "
                  "protocol 109",
                  "ip rule add pref 1030 fwmark 0x1000000/0x3f000000 lookup main suppress_prefixlength 3 "
                  "protocol 109",
                  "ip rule add pref 1030 fwmark 0x2000000/0x3f000000 lookup main suppress_prefixlength 3 "
                  "protocol 109",
                  "ip rule add pref 1031 from 192.0.2.2 lookup main suppress_prefixlength 3 protocol 109",
                  "ip rule add pref 1031 from 198.51.100.2 lookup main suppress_prefixlength 3 "
                  "protocol 109",
                  "ip rule add pref 1040 fwmark 0x1000000/0x3f000000 lookup 7001 protocol 109",
                  "ip rule add pref 1040 fwmark 0x2000000/0x3f000000 lookup 7002 protocol 109",
                  "ip rule add pref 1041 from 192.0.2.2 lookup 7001 protocol 109",
                  "ip rule add pref 1041 from 198.51.100.2 lookup 7002 protocol 109",
                  "ip rule add pref 1050 fwmark 0x1000000/0x3f000000 unreachable protocol 109",
                  "ip rule add pref 1050 fwmark 0x2000000/0x3f000000 unreachable protocol 109",
                  "ip rule add pref 1051 from 192.0.2.2 unreachable protocol 109",
                  "ip rule add pref 1051 from 198.51.100.2 unreachable protocol 109"));
}

TEST_F(RoutePlan, PacketsGoWhereTheyShould) {
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  EXPECT_EQ(carrier_to("10.0.0.7"), "lan");
  EXPECT_EQ(carrier_from("198.51.100.2", kInternet), "eth1");
  EXPECT_EQ(carrier_from("198.51.100.2", "10.0.0.7"), "lan");
  EXPECT_EQ(kernel_.lookup({.destination = address(kInternet), .oif = "eth1"})->gateway,
            address("198.51.100.1"));
  health_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
}

TEST_F(RoutePlan, TheAddressOfADeadUplinkHoldsNothingOnItWhileAnotherCarries) {
  for (const auto dead : {HealthState::suspect, HealthState::down}) {
    settle();
    const auto before = fakes::owned_lines(kernel_);
    EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth0");
    health_["eth0"] = dead;
    settle();
    EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth1");
    EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("from 192.0.2.2"))));
    EXPECT_THAT(fakes::owned_lines(kernel_), Contains(HasSubstr("from 198.51.100.2")));
    EXPECT_EQ(kernel_.carrier_of({.destination = address(kInternet), .oif = "eth0"}), "eth0") << "probes";
    EXPECT_EQ(carrier_pinned(1, kInternet, "192.0.2.2"), "eth0") << "what may live still";
    EXPECT_EQ(carrier_from("192.0.2.2", "10.0.0.7"), "lan");
    health_["eth0"] = HealthState::unknown;
    settle();
    EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth1") << "not knowing changes nothing";
    gave_way_.reset();
    settle();
    EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth1") << "nor does a restart";
    health_["eth0"] = HealthState::up;
    settle();
    EXPECT_EQ(fakes::owned_lines(kernel_), before);
  }
}

TEST_F(RoutePlan, OfABackupTheSame) {
  settle();
  health_["eth1"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_from("198.51.100.2", kInternet), "eth0");
}

TEST_F(RoutePlan, WithNothingElseUsableItsAddressHoldsWhatItHeld) {
  settle();
  const auto before = fakes::owned_lines(kernel_);
  health_ = {{"eth0", HealthState::down}, {"eth1", HealthState::down}};
  settle();
  EXPECT_EQ(fakes::owned_lines(kernel_), before);
  health_["eth1"] = HealthState::unknown;
  settle();
  EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth0") << "eth1 carries, but perhaps nothing";
}

TEST_F(RoutePlan, AnAddressOnTwoUplinksIsHeldByTheOneThatIsUp) {
  kernel_.add_address("eth1", "192.0.2.2/32");
  health_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth1");
  EXPECT_THAT(fakes::owned_lines(kernel_), Contains(HasSubstr("pref 1041 from 192.0.2.2 lookup 7002")));
}

TEST_F(RoutePlan, WhatIsPinnedLeavesByItsUplinkWhateverCarries) {
  for (const auto health : {HealthState::up, HealthState::down}) {
    health_["eth0"] = health;
    settle();
    for (const auto* source : {"10.0.0.7", "192.0.2.2", "198.51.100.2"}) {
      EXPECT_EQ(carrier_pinned(1, kInternet, source), "eth0");
      EXPECT_EQ(carrier_pinned(2, kInternet, source), "eth1");
      EXPECT_EQ(carrier_pinned(2, "10.0.0.7", source), "lan") << "what comes back to a client";
    }
    EXPECT_EQ(carrier_pinned(2, "198.51.100.9", "10.0.0.7"), "eth1");
    EXPECT_EQ(carrier_pinned(3, kInternet, "10.0.0.7"), in_force()) << "a mark of no uplink";
    EXPECT_EQ(carrier_pinned(63, kInternet, "10.0.0.7"), in_force()) << "that of probes";
  }
}

TEST_F(RoutePlan, WhatIsPinnedNeverLeaksToAnotherUplink) {
  settle();
  kernel_.set_admin_up("eth1", false);
  EXPECT_EQ(carrier_pinned(2, kInternet, "10.0.0.7"), "") << "also before anybody reacts";
  settle();
  EXPECT_EQ(carrier_pinned(2, kInternet, "10.0.0.7"), "");
  EXPECT_EQ(carrier_pinned(2, "10.0.0.7", "198.51.100.2"), "lan");
  EXPECT_EQ(carrier_pinned(1, kInternet, "10.0.0.7"), "eth0");
}

TEST_F(RoutePlan, MarksHaveTheirRulesAlsoWithoutADeviceAnAddressOrAGateway) {
  config_.uplinks.push_back(fakes::uplink("usb0", 3));
  settle();
  for (const auto* priority : {"1020", "1030", "1040", "1050"}) {
    EXPECT_THAT(fakes::owned_lines(kernel_),
                Contains(HasSubstr(cat("pref ", priority, " fwmark 0x3000000/0x3f000000"))));
  }
}

TEST_F(RoutePlan, TheMarksAreThoseOfTheMask) {
  config_.suite.mark_mask = 0x00000f00;
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_), Contains(HasSubstr("pref 1040 fwmark 0x200/0xf00 lookup 7002")));
}

TEST_F(RoutePlan, ATierSharesByWeight) {
  config_.uplinks = {fakes::uplink("eth0", 1, 3), fakes::uplink("eth1", 1, 1)};
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_),
              Contains("ip route prepend default proto 109 metric 3 nexthop via 192.0.2.1 dev eth0 weight 3 "
                       "nexthop via 198.51.100.1 dev eth1 weight 1"));
  health_["eth0"] = HealthState::suspect;
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_),
              Contains("ip route prepend default via 198.51.100.1 dev eth1 proto 109 metric 3"));
}

TEST_F(RoutePlan, TheTableOfALinkIsWholeAgainAfterACarrierFlapAndAfterAdminDown) {
  settle();
  const auto before = fakes::owned_lines(kernel_);
  kernel_.set_carrier("eth0", false);
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  kernel_.set_carrier("eth0", true);
  settle();
  EXPECT_EQ(fakes::owned_lines(kernel_), before);
  kernel_.set_admin_up("eth0", false);
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  kernel_.set_admin_up("eth0", true);
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "192.0.2.1", "eth0", 100)));
  settle();
  EXPECT_EQ(fakes::owned_lines(kernel_), before);
}

TEST_F(RoutePlan, WithEveryLinkDownTheLanIsReached) {
  settle();
  for (const auto* device : {"eth0", "eth1"}) kernel_.set_admin_up(device, false);
  settle();
  EXPECT_EQ(carrier_to("10.0.0.7"), "lan");
  EXPECT_EQ(carrier_from("192.0.2.2", "10.0.0.7"), "lan");
}

TEST_F(RoutePlan, NothingLeaksToAnotherUplinkThatIsNotUsable) {
  health_["eth0"] = HealthState::down;
  settle();
  kernel_.set_admin_up("eth1", false);
  EXPECT_EQ(carrier_from("198.51.100.2", kInternet), "") << "also before anybody reacts";
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  EXPECT_EQ(carrier_from("198.51.100.2", kInternet), "");
  EXPECT_EQ(carrier_from("198.51.100.2", "10.0.0.7"), "lan");
}

TEST_F(RoutePlan, TwoLinksWithTheSameGatewayAndSubnet) {
  kernel_.add_link("eth2");
  kernel_.add_address("eth2", "192.0.2.3/24");
  config_.uplinks.push_back(fakes::uplink("eth2", 3));
  config_.uplinks[2].gateways[Family::v4] = address("192.0.2.1");
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  for (const auto* destination : {"192.0.2.1", kInternet}) {
    EXPECT_EQ(carrier_from("192.0.2.3", destination), "eth2");
    EXPECT_EQ(carrier_from("192.0.2.2", destination), "eth0");
    EXPECT_EQ(kernel_.carrier_of({.destination = address(destination), .oif = "eth2"}), "eth2");
    EXPECT_EQ(carrier_pinned(3, destination, "10.0.0.7"), "eth2");
    EXPECT_EQ(carrier_pinned(1, destination, "10.0.0.7"), "eth0");
  }
}

TEST_F(RoutePlan, APointToPointLinkNeedsNoGateway) {
  kernel_.add_link("ppp0", true);
  kernel_.add_address("ppp0", "100.64.7.7/32", "100.64.0.1/32");
  config_.uplinks = {fakes::uplink("ppp0", 1), fakes::uplink("eth0", 2)};
  health_["ppp0"] = HealthState::up;
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default dev ppp0 proto 109 scope link metric 3");
  EXPECT_THAT(fakes::owned_lines(kernel_),
              Contains("ip route prepend default dev ppp0 table 7001 proto 109 scope link"));
  EXPECT_EQ(carrier_to(kInternet), "ppp0");
}

TEST_F(RoutePlan, SpecificRoutesThroughAnUplinkAreInItsTable) {
  Route specific = default_via(kernel_, "192.0.2.9", "eth0", 50);
  specific.destination = prefix("172.16.0.0/12");
  ASSERT_TRUE(kernel_.add_route(specific));
  settle();
  EXPECT_THAT(
      fakes::owned_lines(kernel_),
      Contains("ip route prepend 172.16.0.0/12 via 192.0.2.9 dev eth0 table 7001 proto 109 metric 50"));
  ASSERT_TRUE(kernel_.delete_route(specific));
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("172.16.0.0"))));
}

TEST_F(RoutePlan, TheAttributesOfTheirRoutesAreCarriedOver) {
  Route theirs = default_via(kernel_, "192.0.2.1", "eth0", 50);
  theirs.attributes = "mtu";  // opaque
  Route specific = theirs;
  specific.destination = prefix("172.16.0.0/12");
  for (const auto& route : {theirs, specific}) ASSERT_TRUE(kernel_.add_route(route));
  settle();
  const auto with_attributes = [&] {
    const auto state = kernel_.read().value();
    return std::count_if(state.routes.begin(), state.routes.end(), [&](const Route& route) {
      return route.protocol == numbers_.protocol && route.attributes == "mtu";
    });
  };
  EXPECT_EQ(with_attributes(), 3) << "the default, and two in the uplink's table";
  ASSERT_TRUE(kernel_.delete_route(theirs));
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "192.0.2.1", "eth0", 50)));
  settle();
  EXPECT_EQ(with_attributes(), 1) << "the specific one";
}

TEST_F(RoutePlan, AnOnlinkGatewayIsTakenOverAndRemembered) {
  kernel_.add_link("wan");
  kernel_.add_address("wan", "198.18.1.2/32");
  Route learned = default_via(kernel_, "198.18.1.1", "wan", 50);
  learned.next_hops.front().onlink = true;
  Route specific = learned;
  specific.destination = prefix("10.7.0.0/16");
  for (const auto& route : {learned, specific}) ASSERT_TRUE(kernel_.add_route(route));
  config_.uplinks = {fakes::uplink("wan", 1), fakes::uplink("eth1", 2)};
  health_["wan"] = HealthState::up;
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default via 198.18.1.1 dev wan onlink proto 109 metric 3");
  EXPECT_THAT(
      fakes::owned_lines(kernel_),
      testing::IsSupersetOf(
          {"ip route prepend default via 198.18.1.1 dev wan onlink table 7001 proto 109",
           "ip route prepend 10.7.0.0/16 via 198.18.1.1 dev wan onlink table 7001 proto 109 metric 50"}));
  EXPECT_EQ(carrier_from("198.18.1.2", kInternet), "wan");
  ASSERT_TRUE(kernel_.delete_route(learned));
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default via 198.18.1.1 dev wan onlink proto 109 metric 3");
}

TEST_F(RoutePlan, AConfiguredGatewayOfADeviceWithoutANetworkIsOnlink) {
  kernel_.add_link("wan");
  kernel_.add_address("wan", "198.18.1.2/32");
  config_.uplinks = {fakes::uplink("wan", 1), fakes::uplink("eth1", 2)};
  config_.uplinks[0].gateways[Family::v4] = address("198.18.1.1");
  health_["wan"] = HealthState::up;
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default via 198.18.1.1 dev wan onlink proto 109 metric 3");
}

TEST_F(RoutePlan, ANewAddressMovesRulesAndRoutes) {
  settle();
  kernel_.add_address("eth1", "198.51.100.77/24");
  kernel_.remove_address("eth1", "198.51.100.2/24");
  settle();
  EXPECT_EQ(carrier_from("198.51.100.77", kInternet), "eth1");
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("198.51.100.2 "))));
}

TEST_F(RoutePlan, AnAddressOnTwoUplinksBelongsToTheBetterOne) {
  kernel_.add_address("eth1", "192.0.2.2/32");
  settle();
  EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth0");
}

TEST_F(RoutePlan, ADeviceThatIsUnpluggedAndComesBackUnderAnotherIndex) {
  settle();
  kernel_.remove_link("eth0");
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  EXPECT_THAT(fakes::owned_lines(kernel_),
              Contains("ip rule add pref 1010 oif eth0 lookup 7001 protocol 109"))
      << "it keeps the index, also over a restart";
  indices_.clear();
  kernel_.add_link("eth0");
  kernel_.add_address("eth0", "192.0.2.2/24");
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "192.0.2.1", "eth0", 100)));
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  EXPECT_EQ(indices_["eth0"], 1U);
}

TEST_F(RoutePlan, ADisabledUplinkCarriesNothingButItsOwn) {
  config_.uplinks[0].enabled = false;
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  EXPECT_EQ(carrier_from("192.0.2.2", kInternet), "eth0");
}

TEST_F(RoutePlan, ADisabledUplinkStopsToCarryAlsoWhereNobodyElseCan) {
  settle();
  config_.uplinks[0].enabled = false;
  kernel_.set_carrier("eth1", false);
  settle();
  EXPECT_EQ(owned_default(kernel_.read().value(), Family::v4, numbers_), nullptr);
  kernel_.set_carrier("eth1", true);
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default via 198.51.100.1 dev eth1 proto 109 metric 3");
}

TEST_F(RoutePlan, OfATierTheMemberThatIsNotDisabledKeepsTheDefault) {
  config_.uplinks = {fakes::uplink("eth0", 1, 3), fakes::uplink("eth1", 1, 2)};
  settle();
  config_.uplinks[0].enabled = false;
  kernel_.set_carrier("eth1", false);
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default via 198.51.100.1 dev eth1 proto 109 metric 3");
}

TEST_F(RoutePlan, AStandInLeadsToMainWhileTheKernelsRuleIsGone) {
  settle();
  Rule main_rule;
  const auto before = kernel_.read().value();
  for (const auto& rule : before.rules) {
    if (rule.priority == kMainRulePriority && rule.family == Family::v4) main_rule = rule;
  }
  ASSERT_EQ(main_rule.table, kMainTable);
  ASSERT_TRUE(kernel_.delete_rule(main_rule));
  EXPECT_THAT(hops_in_force(kernel_.read().value(), Family::v4, numbers_), IsEmpty());
  settle();
  EXPECT_THAT(hops_in_force(kernel_.read().value(), Family::v4, numbers_), testing::SizeIs(1));
  EXPECT_THAT(warnings_, Contains(HasSubstr("ip rule add pref 32766 lookup main")));
  ASSERT_TRUE(kernel_.add_rule(main_rule));
  settle();
  const auto rules = kernel_.read()->rules;
  EXPECT_EQ(std::count_if(rules.begin(), rules.end(),
                          [](const Rule& rule) {
                            return rule.priority == kMainRulePriority && rule.family == Family::v4;
                          }),
            1);
}

TEST_F(RoutePlan, NothingKnownAddsNoDefault) {
  health_ = {};
  settle();
  EXPECT_THAT(defaults_in_main(), ElementsAre("default via 192.0.2.1 dev eth0 proto 4 metric 100",
                                              "default via 198.51.100.1 dev eth1 proto 4 metric 200"));
  EXPECT_THAT(hops_in_force(kernel_.read().value(), Family::v4, numbers_), IsEmpty());
}

TEST_F(RoutePlan, NobodyCanCarrySoTheDefaultStaysAndLeavesRoom) {
  const Route foreign = default_via(kernel_, "198.51.100.1", "eth1");
  ASSERT_TRUE(kernel_.add_route(foreign));
  settle();
  for (const auto* device : {"eth0", "eth1"}) kernel_.set_carrier(device, false);
  ASSERT_TRUE(kernel_.delete_route(foreign));
  settle();
  EXPECT_EQ(defaults_in_main().front(), "default via 192.0.2.1 dev eth0 proto 109 metric 3");
}

TEST_F(RoutePlan, TheUplinkInForceIsRemovedFromTheConfigurationAndNothingElseCanCarry) {
  settle();
  config_.uplinks.erase(config_.uplinks.begin());
  kernel_.set_carrier("eth1", false);
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0") << "never without a route";
  kernel_.set_carrier("eth1", true);
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("eth0"))));
}

TEST_F(RoutePlan, WhatWasInForceIsRememberedWhenTheKernelForgetsIt) {
  health_ = {{"eth0", HealthState::up}};
  settle();
  health_ = {};
  kernel_.set_admin_up("eth0", false);
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1") << "unknown, but the only one that can carry";
  EXPECT_EQ(defaults_in_main().front(), "default via 198.51.100.1 dev eth1 proto 109 metric 3");
}

}  // namespace route_plan_test
}  // namespace multilink
