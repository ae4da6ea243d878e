// SPDX-License-Identifier: GPL-2.0-or-later
// Where IPv6 routes behave otherwise than IPv4 ones, tried on the fake and on the adapter with a real kernel.
#include <gmock/gmock.h>

#include <cerrno>

#include "contract/kernel_fixture.hpp"

namespace multilink {
namespace {

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

}  // namespace
}  // namespace multilink
