// SPDX-License-Identifier: GPL-2.0-or-later
// Our default among those of others, and the front that brings it before them.
#include "multilink/core/default_place.hpp"

#include <algorithm>

#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace default_place_test {

using fakes::address;
using fakes::default_via;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using DefaultPlaceTest = RoutePlanTest;

TEST_F(DefaultPlaceTest, AForeignMetricZeroDefaultIsPassedAndLeftToItsOwner) {
  Route foreign = default_via(kernel_, "198.51.100.1", "eth1");
  ASSERT_TRUE(kernel_.add_route(foreign));
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  EXPECT_EQ(carrier_to("10.0.0.7"), "lan");
  EXPECT_EQ(in_force(), "eth0");
  EXPECT_THAT(defaults_in_main(), ElementsAre("default via 198.51.100.1 dev eth1 proto 4",
                                              "default via 192.0.2.1 dev eth0 proto 109 metric 3",
                                              "default via 192.0.2.1 dev eth0 proto 4 metric 100",
                                              "default via 198.51.100.1 dev eth1 proto 4 metric 200"));
  EXPECT_THAT(fakes::owned_lines(kernel_),
              testing::IsSupersetOf(
                  {"ip route prepend default via 192.0.2.1 dev eth0 table 7000 proto 109",
                   "ip rule add pref 32765 not to 0.0.0.0 lookup main suppress_prefixlength 0 protocol 109",
                   "ip rule add pref 32765 lookup 7000 protocol 109"}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(kernel_.add_route(foreign, fakes::AddMode::replace)) << "a client replaces its default";
    ASSERT_TRUE(kernel_.delete_route(foreign));
    if (i == 1) settle();
    EXPECT_TRUE(kernel_.add_route(foreign)) << "or takes it away and puts it back";
    EXPECT_EQ(carrier_to(kInternet), "eth0") << "and not for a moment is the traffic led astray";
    settle();
  }
}

TEST_F(DefaultPlaceTest, TheFrontGoesWithASwitchWhereNobodyIsPassed) {
  const auto ordinary = [&] {
    settle();
    return fakes::owned_lines(kernel_);
  }();
  const Route foreign = default_via(kernel_, "198.51.100.1", "eth1");
  ASSERT_TRUE(kernel_.add_route(foreign));
  settle();
  ASSERT_EQ(in_force(), "eth0");
  ASSERT_TRUE(kernel_.delete_route(foreign));
  health_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(in_force(), "eth1");
  health_["eth0"] = HealthState::up;
  settle();
  EXPECT_EQ(fakes::owned_lines(kernel_), ordinary);
}

TEST_F(DefaultPlaceTest, AForeignDefaultOfAnyMetricBeforeOrBesideOursIsPassed) {
  for (const std::uint32_t metric : {1U, 2U, 3U, 4U}) {
    Route foreign = default_via(kernel_, "198.51.100.1", "eth1", metric);
    ASSERT_TRUE(kernel_.add_route(foreign, fakes::AddMode::prepend));
    settle();
    EXPECT_EQ(carrier_to(kInternet), "eth0") << metric;
    ASSERT_TRUE(kernel_.delete_route(foreign));
    settle();
    EXPECT_TRUE(kernel_.add_route(foreign)) << metric;
    ASSERT_TRUE(kernel_.add_route(foreign, fakes::AddMode::replace));
    settle();
    EXPECT_EQ(carrier_to(kInternet), "eth0") << metric;
  }
  health_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
}

TEST_F(DefaultPlaceTest, WhoeverLooksUpMainByARuleIsLedToTheSameUplink) {
  Rule own;
  own.priority = 5210;
  own.protocol = 4;
  own.mark = MarkMatch{0x80000, 0xff0000};
  own.table = kMainTable;
  ASSERT_TRUE(kernel_.add_rule(own));
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.1", "eth1")));
  settle();
  EXPECT_EQ(kernel_.carrier_of({.destination = address(kInternet), .mark = 0x80000}), "eth0");
  EXPECT_EQ(kernel_.carrier_of({.destination = address("10.0.0.7"), .mark = 0x80000}), "lan");
  ASSERT_TRUE(kernel_.delete_rule(own));
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("fwmark 0x80000/"))));
}

TEST_F(DefaultPlaceTest, TheRulesOfTheFrontAreBroughtInOrderAgain) {
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.1", "eth1")));
  settle();
  const auto before = kernel_.read().value().rules;
  const auto specific = std::find_if(before.begin(), before.end(), [](const Rule& rule) {
    return rule.priority == 32765 && rule.table == kMainTable;
  });
  ASSERT_NE(specific, before.end());
  ASSERT_TRUE(kernel_.delete_rule(*specific));
  settle();
  EXPECT_EQ(kernel_.read().value().rules, before);
}

TEST_F(DefaultPlaceTest, BehindAForeignMetricZeroDefaultToTheSameHopOursRests) {
  const Route foreign = default_via(kernel_, "192.0.2.1", "eth0");
  ASSERT_TRUE(kernel_.add_route(foreign));
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("7000"))));
  EXPECT_EQ(in_force(), "eth0");
  ASSERT_TRUE(kernel_.delete_route(foreign));
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  ASSERT_TRUE(kernel_.add_route(foreign)) << "a renewal takes its default away and puts it back";
  settle();
  health_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  EXPECT_EQ(in_force(), "eth1");
  health_["eth0"] = HealthState::up;
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("7000"))));
}

TEST_F(DefaultPlaceTest, AnUnreachableDefaultOfAKillSwitchIsShadowed) {
  Route kill_switch = default_via(kernel_, "192.0.2.1", "eth0");
  kill_switch.type = RouteType::unreachable;
  kill_switch.next_hops.clear();
  ASSERT_TRUE(kernel_.add_route(kill_switch));
  health_ = {};
  settle();
  EXPECT_EQ(kernel_.lookup({.destination = address(kInternet), .oif = "eth1"})->gateway,
            address("198.51.100.1"))
      << "probes get out, or no uplink would ever be up";
  health_["eth1"] = HealthState::up;
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  EXPECT_EQ(in_force(), "eth1");
  Route client = default_via(kernel_, "192.0.2.1", "eth0", 2);
  ASSERT_TRUE(kernel_.add_route(client));
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
}

TEST_F(DefaultPlaceTest, AnUnreachableDefaultThatComesWhileTheFrontIsOnIsShadowedToo) {
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "192.0.2.1", "eth0", 2)));
  health_["eth0"] = HealthState::down;
  settle();
  ASSERT_EQ(in_force(), "eth1");
  Route kill_switch = default_via(kernel_, "192.0.2.1", "eth0");
  kill_switch.type = RouteType::unreachable;
  kill_switch.next_hops.clear();
  ASSERT_TRUE(kernel_.add_route(kill_switch));
  EXPECT_EQ(in_force(), "");
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  EXPECT_EQ(in_force(), "eth1");
  ASSERT_TRUE(kernel_.delete_route(kill_switch));
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth1");
}

TEST_F(DefaultPlaceTest, ARenewalThatReplacesTheDefaultIsRepaired) {
  settle();
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.1", "eth1", 3), fakes::AddMode::replace));
  EXPECT_EQ(carrier_to(kInternet), "eth1");
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0");
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.9", "eth1", 3), fakes::AddMode::prepend));
  settle();
  EXPECT_EQ(carrier_to(kInternet), "eth0") << "a foreign default of our metric was put in front";
}

}  // namespace default_place_test
}  // namespace multilink
