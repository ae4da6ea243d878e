// SPDX-License-Identifier: GPL-2.0-or-later
// Where IPv6 routes behave otherwise than IPv4 ones, tried on the fake and on the adapter with a real kernel.
#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>

#include "contract/kernel_fixture.hpp"

namespace multilink {
namespace kernel_ipv6_contract_test {

using testing::ElementsAre;

class KernelIpv6 : public KernelFixture {
 protected:
  static constexpr std::string_view kRouter = "fe80::1";

  KernelIpv6() {
    world_->add_address("e0", "2001:db8:0:1::2/64");
    world_->add_address("e1", "2001:db8:0:2::2/64");
  }
  std::vector<Route> defaults() { return KernelFixture::defaults(Family::v6); }
};

TEST_P(KernelIpv6, MetricZeroIsTheKernelsDefault) {
  apply(PrependRoute{via(e0_, kRouter, 0)});
  EXPECT_THAT(defaults(), ElementsAre(via(e0_, kRouter, 1024)));
  apply(DeleteRoute{via(e0_, kRouter, 0)});
  EXPECT_THAT(defaults(), testing::IsEmpty());
}

TEST_P(KernelIpv6, OneLinkLocalGatewayMayBeOnTwoDevices) {
  apply(PrependRoute{via(e0_, kRouter, 1)});
  apply(PrependRoute{via(e1_, kRouter, 2)});
  EXPECT_THAT(defaults(), ElementsAre(via(e0_, kRouter, 1), via(e1_, kRouter, 2)));
  EXPECT_EQ(carrier_of("2001:db8:ffff::1"), "e0");
  apply(DeleteRoute{via(e0_, kRouter, 1)});
  EXPECT_EQ(carrier_of("2001:db8:ffff::1"), "e1");
}

TEST_P(KernelIpv6, PrependReplacesOursOfTheSameMetric) {
  apply(PrependRoute{via(e0_, kRouter, 1)});
  apply(PrependRoute{via(e1_, kRouter, 1)});
  EXPECT_THAT(defaults(), ElementsAre(via(e1_, kRouter, 1)));
  apply(DeleteRoute{via(e0_, kRouter, 1)});
  EXPECT_THAT(defaults(), ElementsAre(via(e1_, kRouter, 1)));
}

TEST_P(KernelIpv6, PrependRefusesAMetricThatAForeignRouteHas) {
  const Route theirs = via(e0_, kRouter, 1, kForeign);
  ASSERT_TRUE(world_->add_foreign(theirs, fakes::AddMode::add));
  const auto refused = world_->kernel().apply(PrependRoute{via(e1_, kRouter, 1)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EEXIST);
  EXPECT_THAT(defaults(), ElementsAre(theirs));
}

TEST_P(KernelIpv6, MultipathIsReadAsItWasApplied) {
  Route both = via(e0_, kRouter, 1);
  both.next_hops = {{e0_, address(kRouter), 2}, {e1_, address(kRouter), 5}};
  apply(PrependRoute{both});
  EXPECT_THAT(defaults(), ElementsAre(both));
  apply(PrependRoute{via(e1_, kRouter, 1)});
  EXPECT_THAT(defaults(), ElementsAre(via(e1_, kRouter, 1)));
  apply(PrependRoute{both});
  EXPECT_THAT(defaults(), ElementsAre(both));
  apply(DeleteRoute{both});
  EXPECT_THAT(defaults(), testing::IsEmpty());
}

TEST_P(KernelIpv6, AGatewayThatIsNotOnTheLinkIsRefused) {
  const auto refused = world_->kernel().apply(PrependRoute{via(e0_, "2001:db8:0:2::1", 1)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EHOSTUNREACH);
}

TEST_P(KernelIpv6, UnreachableIsReadAsItWasApplied) {
  Route last = via(e0_, kRouter, 4'000'000'000);
  last.table = kTable;
  last.type = RouteType::unreachable;
  last.next_hops.clear();
  apply(ReplaceRoute{last});
  EXPECT_THAT(routes_of(kTable), ElementsAre(last));
}

TEST_P(KernelIpv6, TheRoutersPreferenceIsReadAsItWasApplied) {
  for (const int preference : {1, -1, 0}) {
    Route route = via(e0_, kRouter, 1);
    route.preference = preference;
    apply(PrependRoute{route});
    EXPECT_THAT(defaults(), ElementsAre(route));
  }
}

TEST_P(KernelIpv6, ADeviceOnlyHopIsRefusedAmongSeveral) {
  world_->add_point_to_point("ppp0");
  Route both = via(e0_, kRouter, 1);
  both.next_hops.push_back({index_of("ppp0"), std::nullopt, 1});
  const auto refused = world_->kernel().apply(PrependRoute{both});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EINVAL);
  EXPECT_THAT(defaults(), testing::IsEmpty());
}

TEST_P(KernelIpv6, TheLowestMetricDecidesAlsoForWhatEndsTheLookup) {
  Route barrier = via(e0_, kRouter, 2, kForeign);
  barrier.type = RouteType::unreachable;
  barrier.next_hops.clear();
  ASSERT_TRUE(world_->add_foreign(barrier, fakes::AddMode::add));
  apply(PrependRoute{via(e0_, kRouter, 3)});
  EXPECT_THAT(carrier_of("2001:db8:ffff::1"), testing::HasSubstr("No route to host"));
  apply(PrependRoute{via(e0_, kRouter, 1)});
  EXPECT_EQ(carrier_of("2001:db8:ffff::1"), "e0");
}

/// Rules as routed has them for an uplink: what bears its address or is bound to it goes its way.
TEST_P(KernelIpv6, RulesByAddressAndDeviceLeadThroughTheTableAndNowhereElse) {
  apply(PrependRoute{via(e0_, kRouter, 3)});
  Route own = via(e1_, kRouter, 1024);
  own.table = kTable;
  apply(PrependRoute{own});
  Rule rule;
  rule.family = Family::v6;
  rule.protocol = kOurs;
  rule.table = kTable;
  rule.priority = 1010;
  rule.oif = "e1";
  apply(AddRule{rule});
  rule.oif.reset();
  rule.from = IpPrefix::parse("2001:db8:0:2::2/128");
  rule.priority = 1021;
  rule.suppress_prefix = 0;
  apply(AddRule{rule});
  rule.priority = 1031;
  rule.table = kMainTable;
  apply(AddRule{rule});
  rule.priority = 1041;
  rule.suppress_prefix.reset();
  rule.table = kTable;
  apply(AddRule{rule});
  rule.priority = 1051;
  rule.table = 0;
  rule.unreachable = true;
  apply(AddRule{rule});

  const auto carrier = [&](const fakes::Flow& flow) { return world_->carrier_of(flow).value_or("nobody"); };
  const auto outside = address("2001:db8:ffff::1");
  EXPECT_EQ(carrier({.destination = outside}), "e0");
  EXPECT_EQ(carrier({.destination = outside, .oif = "e1"}), "e1");
  EXPECT_EQ(carrier({.destination = outside, .from = address("2001:db8:0:2::2")}), "e1");
  EXPECT_EQ(carrier({.destination = address("2001:db8:0:1::9"), .from = address("2001:db8:0:2::2")}), "e0")
      << "the networks of main come first";
  apply(DeleteRoute{own});
  EXPECT_EQ(carrier({.destination = outside, .from = address("2001:db8:0:2::2")}), "nobody");
}

TEST_P(KernelIpv6, ADeprecatedAddressIsThereButNotUsable) {
  world_->deprecate_address("e0", "2001:db8:0:1::2/64");
  const auto state = read();
  const auto prefix = *IpPrefix::parse("2001:db8:0:1::2/64");
  const auto found = std::find_if(state.addresses.begin(), state.addresses.end(),
                                  [&](const LinkAddress& each) { return each.prefix == prefix; });
  ASSERT_NE(found, state.addresses.end());
  EXPECT_TRUE(found->deprecated);
  EXPECT_FALSE(found->usable);
}

/// With what the kernel itself does at router advertisements.
class KernelRouters : public KernelIpv6 {
 protected:
  static constexpr std::uint8_t kKernelsRouters = fakes::FakeKernel::kProtocolRouterAdvertisement;

  static Route advertised(unsigned link) { return via(link, kRouter, 1024, kKernelsRouters); }
  void await_defaults(std::size_t count) {
    ASSERT_TRUE(world_->run_until([&] { return defaults().size() == count; })) << defaults().size();
  }
  void advertise_both() {
    world_->advertise_router("e0", 1800);
    await_defaults(1);
    world_->advertise_router("e1", 1800);
    await_defaults(2);
  }
};

TEST_P(KernelRouters, TheSameRouterOnTwoLinksIsTwoDefaultsOfOneMetric) {
  advertise_both();
  EXPECT_THAT(defaults(), testing::UnorderedElementsAre(advertised(e0_), advertised(e1_)));
  const auto before = defaults();
  world_->advertise_router("e0", 900);
  EXPECT_EQ(defaults(), before) << "how long they live is not looked at";
}

TEST_P(KernelRouters, OursOfALowerMetricGoesBeforeThem) {
  advertise_both();
  for (const unsigned link : {e1_, e0_, e1_}) {
    apply(PrependRoute{via(link, kRouter, 3)});
    EXPECT_EQ(carrier_of("2001:db8:ffff::1"), link == e0_ ? "e0" : "e1");
  }
  EXPECT_EQ(defaults().size(), 3U);
  apply(DeleteRoute{via(e1_, kRouter, 3)});
  EXPECT_THAT(defaults(), testing::UnorderedElementsAre(advertised(e0_), advertised(e1_)));
}

TEST_P(KernelRouters, AWithdrawnRouterIsTold) {
  unsigned told = 0;
  world_->kernel().watch([&](const KernelChange& change) { told += change.routes ? 1 : 0; });
  advertise_both();
  ASSERT_TRUE(world_->run_until([&] { return told > 0; }));
  told = 0;
  world_->advertise_router("e0", 0);
  EXPECT_TRUE(world_->run_until([&] { return told > 0; }));
  EXPECT_THAT(defaults(), ElementsAre(advertised(e1_)));
}

TEST_P(KernelRouters, WhatARouterSaysOfTheHopLimitCanBeTakenOver) {
  world_->advertise_router("e0", 1800, 61);
  await_defaults(1);
  ASSERT_TRUE(world_->run_until([&] { return !defaults().front().attributes.empty(); }));
  Route ours = via(e0_, kRouter, 3);
  ours.attributes = defaults().front().attributes;
  apply(PrependRoute{ours});
  EXPECT_THAT(defaults(), testing::Contains(ours));
}

TEST_P(KernelIpv6, GoingDownTakesAddressesToo) {
  apply(PrependRoute{via(e0_, kRouter, 1)});
  world_->set_admin_up("e0", false);
  EXPECT_THAT(defaults(), testing::IsEmpty());
  for (const auto& each : read().addresses) {
    EXPECT_FALSE(each.link_index == e0_ && each.prefix.address.family() == Family::v6);
  }
}

TEST(KernelIpv6OfThisHost, ReadsAnAddressThatTheKernelGaveItself) {
  // It carries attributes that no rule of the parser names, such as who added it.
  const auto world = make_real_kernel_world();
  const auto state = world->kernel().read();
  ASSERT_TRUE(state);
  EXPECT_THAT(state->addresses,
              testing::Contains(testing::Field(&LinkAddress::prefix, *IpPrefix::parse("::1/128"))));
}

INSTANTIATE_TEST_SUITE_P(, KernelIpv6, both_kernel_worlds(), world_name);
INSTANTIATE_TEST_SUITE_P(, KernelRouters, both_kernel_worlds(), world_name);

}  // namespace kernel_ipv6_contract_test
}  // namespace multilink
