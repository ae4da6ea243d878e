// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/gateway_grace.hpp"

#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace gateway_grace_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class GatewayGraceTest : public RoutePlanTest {
 protected:
  GatewayGraceTest() {
    fakes::add_ipv6(kernel_);
    health_v6_ = {{"eth0", HealthState::up}, {"eth1", HealthState::up}};
    settle();  // so that routes of our own name the router
  }

  UplinkFacts observe(MonoTime now) {
    auto facts = observe_uplink(config_.uplinks[0], kernel_.read().value(), numbers_, {});
    again_ = grace_.apply("eth0", facts, now);
    return facts;
  }

  const MonoTime start_ = MonoTime(seconds(1000));
  GatewayGrace grace_;
  std::optional<MonoTime> again_;
};

TEST_F(GatewayGraceTest, AnAdvertisedRouterIsBelievedIn) {
  const auto facts = observe(start_);
  EXPECT_EQ(facts.families.at(Family::v6).gateway, fakes::address("fe80::1"));
  EXPECT_EQ(facts.families.at(Family::v6).fact, LinkFact::ok);
  EXPECT_EQ(again_, std::nullopt);
}

TEST_F(GatewayGraceTest, OneThatIsWithdrawnIsBelievedInForAMomentOnly) {
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  EXPECT_EQ(observe(start_).families.at(Family::v6).fact, LinkFact::ok);
  EXPECT_EQ(again_, start_ + GatewayGrace::kGrace);
  EXPECT_EQ(observe(start_ + GatewayGrace::kGrace - milliseconds(1)).families.at(Family::v6).fact,
            LinkFact::ok);
  const auto facts = observe(start_ + GatewayGrace::kGrace);
  EXPECT_EQ(facts.families.at(Family::v6).fact, LinkFact::no_gateway);
  EXPECT_EQ(facts.families.at(Family::v6).gateway, std::nullopt);
  EXPECT_EQ(facts.families.at(Family::v4).fact, LinkFact::ok);
  EXPECT_EQ(again_, std::nullopt);
  EXPECT_EQ(observe(start_ + seconds(60)).families.at(Family::v6).fact, LinkFact::no_gateway);
}

TEST_F(GatewayGraceTest, OneThatIsNamedAgainInTimeWasNeverAway) {
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  (void)observe(start_);
  kernel_.advertise_router("eth0", fakes::kRouter, 1800);
  (void)observe(start_ + seconds(1));
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  EXPECT_EQ(observe(start_ + seconds(2)).families.at(Family::v6).fact, LinkFact::ok)
      << "the time begins anew";
  EXPECT_EQ(again_, start_ + seconds(2) + GatewayGrace::kGrace);
}

TEST_F(GatewayGraceTest, ALinkThatIsDownIsDownForThatReason) {
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  kernel_.set_carrier("eth0", false);
  (void)observe(start_);
  EXPECT_EQ(observe(start_ + seconds(60)).families.at(Family::v6).fact, LinkFact::no_carrier);
}

TEST_F(GatewayGraceTest, ADefaultForAllThatWasLeftStandingTellsNothing) {
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  const auto state = kernel_.read().value();
  for (const auto& route : state.routes) {
    if (route.table == numbers_.table_base + 1 && route.destination == IpPrefix::default_of(Family::v6)) {
      ASSERT_TRUE(kernel_.delete_route(route));
    }
  }
  ASSERT_NE(owned_default(kernel_.read().value(), Family::v6, numbers_), nullptr);
  EXPECT_EQ(observe(start_).families.at(Family::v6).fact, LinkFact::no_gateway);
}

TEST_F(GatewayGraceTest, AGatewayWithAGlobalAddressStaysWhileItIsOnTheLink) {
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  Route fixed = fakes::default_via(kernel_, "2001:db8:0:1::1", "eth0", 512);
  ASSERT_TRUE(kernel_.add_route(fixed));
  settle();
  ASSERT_TRUE(kernel_.delete_route(fixed));
  (void)observe(start_);
  EXPECT_EQ(observe(start_ + seconds(60)).families.at(Family::v6).gateway, fakes::address("2001:db8:0:1::1"));
}

TEST_F(GatewayGraceTest, AConfiguredRouterNeedsNoAdvertisement) {
  config_.uplinks[0].gateways[Family::v6] = fakes::address("fe80::1");
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  (void)observe(start_);
  EXPECT_EQ(observe(start_ + seconds(60)).families.at(Family::v6).fact, LinkFact::ok);
}

}  // namespace gateway_grace_test
}  // namespace multilink
