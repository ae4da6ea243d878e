// SPDX-License-Identifier: GPL-2.0-or-later
// What every Kernel promises about routes, tried on the fake and on the adapter with a real kernel.
#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "contract/kernel_fixture.hpp"

namespace multilink {
namespace kernel_contract_test {

using fakes::AddMode;
using testing::ElementsAre;
using testing::IsEmpty;

class KernelRoutes : public KernelFixture {};

TEST_P(KernelRoutes, PrependPrecedesAForeignRouteOfTheSameMetricAndLeavesIt) {
  const Route theirs = via(e0_, kGateway0, 0, kForeign);
  const Route ours = via(e1_, kGateway1, 0);
  ASSERT_TRUE(world_->add_foreign(theirs, AddMode::add));
  ASSERT_EQ(carrier_of("203.0.113.9"), "e0");
  apply(PrependRoute{ours});
  EXPECT_THAT(defaults(), ElementsAre(ours, theirs));
  EXPECT_EQ(carrier_of("203.0.113.9"), "e1");
}

TEST_P(KernelRoutes, ForeignAddFailsBesideOursOfItsMetricOnly) {
  const Route theirs = via(e0_, kGateway0, 0, kForeign);
  apply(PrependRoute{via(e1_, kGateway1, 0)});
  const auto refused = world_->add_foreign(theirs, AddMode::add);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EEXIST);
  apply(PrependRoute{via(e1_, kGateway1, 1)});
  apply(DeleteRoute{via(e1_, kGateway1, 0)});
  EXPECT_TRUE(world_->add_foreign(theirs, AddMode::add));
  EXPECT_THAT(defaults(), ElementsAre(theirs, via(e1_, kGateway1, 1)));
}

TEST_P(KernelRoutes, PrependPutsARouteThatIsBehindInFrontAgain) {
  const Route theirs = via(e0_, kGateway0, 0, kForeign);
  const Route ours = via(e1_, kGateway1, 0);
  apply(PrependRoute{ours});
  ASSERT_TRUE(world_->add_foreign(theirs, AddMode::prepend));
  ASSERT_THAT(defaults(), ElementsAre(theirs, ours));
  apply(PrependRoute{ours});
  EXPECT_THAT(defaults(), ElementsAre(ours, theirs));
  apply(PrependRoute{ours});
  EXPECT_THAT(defaults(), ElementsAre(ours, theirs));
}

TEST_P(KernelRoutes, LowerMetricsComeFirstWhateverTheOrderOfAdding) {
  apply(PrependRoute{via(e0_, kGateway0, 100)});
  apply(PrependRoute{via(e1_, kGateway1, 1)});
  apply(PrependRoute{via(e0_, kGateway0, 50)});
  EXPECT_THAT(defaults(),
              ElementsAre(via(e1_, kGateway1, 1), via(e0_, kGateway0, 50), via(e0_, kGateway0, 100)));
}

TEST_P(KernelRoutes, DeleteTakesOursAndNotTheirsWithTheSameHops) {
  const Route theirs = via(e0_, kGateway0, 0, kForeign);
  ASSERT_TRUE(world_->add_foreign(theirs, AddMode::add));
  apply(DeleteRoute{via(e0_, kGateway0, 0)});
  ASSERT_THAT(defaults(), ElementsAre(theirs));
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  apply(DeleteRoute{via(e0_, kGateway0, 0)});
  EXPECT_THAT(defaults(), ElementsAre(theirs));
}

TEST_P(KernelRoutes, DeleteOfMetricZeroLeavesOtherMetrics) {
  apply(PrependRoute{via(e0_, kGateway0, 7)});
  apply(DeleteRoute{via(e0_, kGateway0, 0)});
  EXPECT_THAT(defaults(), ElementsAre(via(e0_, kGateway0, 7)));
}

TEST_P(KernelRoutes, DeleteTellsOneHopFromAListThatBeginsWithIt) {
  const Route one = via(e0_, kGateway0, 1);
  const Route both = over_both(1, 1, 1);
  apply(PrependRoute{one});
  apply(PrependRoute{both});
  apply(DeleteRoute{one});
  EXPECT_THAT(defaults(), ElementsAre(both));
  apply(PrependRoute{one});
  apply(DeleteRoute{both});
  EXPECT_THAT(defaults(), ElementsAre(one));
}

TEST_P(KernelRoutes, DeleteTellsWeightsApart) {
  const Route even = over_both(1, 1, 1);
  const Route uneven = over_both(1, 3, 1);
  apply(PrependRoute{even});
  apply(PrependRoute{uneven});
  apply(DeleteRoute{even});
  EXPECT_THAT(defaults(), ElementsAre(uneven));
}

TEST_P(KernelRoutes, DeleteOfAShadowedRouteLeavesAForeignOneBetween) {
  const Route even = over_both(0, 1, 1);
  const Route uneven = over_both(0, 3, 1);
  const Route theirs = via(e0_, kGateway0, 0, kForeign);
  apply(PrependRoute{even});
  ASSERT_TRUE(world_->add_foreign(theirs, AddMode::prepend));
  apply(PrependRoute{uneven});
  ASSERT_THAT(defaults(), ElementsAre(uneven, theirs, even));
  apply(DeleteRoute{even});
  EXPECT_THAT(defaults(), ElementsAre(uneven, theirs));
}

TEST_P(KernelRoutes, AddingTwiceAndDeletingNothingSucceed) {
  const Route route = via(e0_, kGateway0, 1);
  Route elsewhere = route;
  elsewhere.table = kTable + 99;  // no such table
  apply(DeleteRoute{elsewhere});
  apply(DeleteRoute{route});
  apply(PrependRoute{route});
  apply(PrependRoute{route});
  EXPECT_THAT(defaults(), ElementsAre(route));
  apply(ReplaceRoute{route});
  EXPECT_THAT(defaults(), ElementsAre(route));
}

TEST_P(KernelRoutes, ReplaceTakesThePlaceOfTheRouteOfTheSameMetric) {
  const Route last_resort = unreachable(kTable);
  Route first = via(e0_, kGateway0, 0);
  Route second = via(e1_, kGateway1, 0);
  first.table = second.table = kTable;
  apply(ReplaceRoute{last_resort});
  apply(ReplaceRoute{first});
  apply(ReplaceRoute{second});
  EXPECT_THAT(routes_of(kTable), ElementsAre(second, last_resort));
}

TEST_P(KernelRoutes, WhatIsReadIsWhatWasApplied) {
  Route with_source = via(e0_, kGateway0, 9);
  with_source.source = address("192.0.2.2");
  Route specific = via(e1_, kGateway1, 0);
  specific.destination = *IpPrefix::parse("203.0.113.0/25");
  Route on_link;
  on_link.table = kTable;
  on_link.destination = *IpPrefix::parse("192.0.2.0/24");
  on_link.protocol = kOurs;
  on_link.link_scope = true;
  on_link.next_hops = {{e0_, std::nullopt, 1}};
  const std::vector<Route> all{with_source, specific, on_link, over_both(5, 256, 1), unreachable(kTable + 1)};
  for (const auto& route : all) apply(PrependRoute{route});
  const auto state = read();
  for (const auto& route : all) EXPECT_THAT(state.routes, testing::Contains(route));
}

TEST_P(KernelRoutes, OneGatewayMayBeOnTwoDevices) {
  world_->add_link("e2");
  world_->add_address("e2", "192.0.2.3/24");
  const unsigned e2 = index_of("e2");
  Route first = via(e0_, kGateway0, 0);
  Route second = via(e2, kGateway0, 0);
  first.table = kTable;
  second.table = kTable + 1;
  apply(ReplaceRoute{first});
  apply(ReplaceRoute{second});
  EXPECT_THAT(routes_of(kTable), ElementsAre(first));
  EXPECT_THAT(routes_of(kTable + 1), ElementsAre(second));
}

TEST_P(KernelRoutes, AGatewayThatNoRouteOfItsDeviceReachesIsRefused) {
  const auto refused = world_->kernel().apply(PrependRoute{via(e0_, kGateway1, 0)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENETUNREACH);
  EXPECT_THAT(defaults(), IsEmpty());
}

TEST_P(KernelRoutes, AnOnlinkGatewayNeedsNoRouteToIt) {
  Route one = via(e0_, "10.99.0.1", 1);
  one.next_hops.front().onlink = true;
  Route in_table = one;
  in_table.table = kTable;
  Route specific = one;
  specific.destination = *IpPrefix::parse("10.7.0.0/16");
  Route both = over_both(2, 2, 3);
  both.next_hops.front() = {e0_, address("10.99.0.1"), 2, true};
  for (const auto& route : {one, in_table, specific, both}) apply(PrependRoute{route});
  EXPECT_THAT(defaults(), ElementsAre(one, both));
  EXPECT_THAT(routes_of(kTable), ElementsAre(in_table));
  EXPECT_THAT(read().routes, testing::Contains(specific));
  EXPECT_EQ(carrier_of("203.0.113.9"), "e0");
  for (const auto& route : {one, in_table, specific, both}) apply(DeleteRoute{route});
  EXPECT_THAT(defaults(), IsEmpty());
  EXPECT_THAT(routes_of(kTable), IsEmpty());
}

/// An MTU and an MSS, as the kernel encodes them.
std::string mtu_and_mss(std::uint32_t mtu, std::uint32_t mss) {
  std::string out;
  for (const auto& [type, value] : {std::pair<std::uint16_t, std::uint32_t>{2, mtu}, {8, mss}}) {
    const std::array<std::uint16_t, 2> header{8, type};
    out.append(reinterpret_cast<const char*>(header.data()), sizeof header);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return out;
}

TEST_P(KernelRoutes, AttributesAreReadAsTheyWereAppliedAndTellTwoRoutesApart) {
  const Route plain = via(e0_, kGateway0, 1);
  Route small = plain;
  small.attributes = mtu_and_mss(1400, 1360);
  apply(PrependRoute{small});
  EXPECT_THAT(defaults(), ElementsAre(small));
  EXPECT_EQ(to_string(PrependRoute{small}, read()),
            "ip route prepend default via 192.0.2.1 dev e0 proto 109 metric 1 mtu 1400 advmss 1360");
  apply(PrependRoute{plain});
  ASSERT_THAT(defaults(), ElementsAre(plain, small));
  apply(DeleteRoute{small});
  EXPECT_THAT(defaults(), ElementsAre(plain));
  apply(PrependRoute{small});
  apply(DeleteRoute{plain});
  EXPECT_THAT(defaults(), ElementsAre(small));
}

TEST_P(KernelRoutes, OnlinkTellsTwoRoutesApart) {
  const Route plain = via(e0_, kGateway0, 1);
  Route onlink = plain;
  onlink.next_hops.front().onlink = true;
  apply(PrependRoute{plain});
  apply(PrependRoute{onlink});
  ASSERT_THAT(defaults(), ElementsAre(onlink, plain));
  apply(DeleteRoute{plain});
  EXPECT_THAT(defaults(), ElementsAre(onlink));
}

TEST_P(KernelRoutes, ADeviceThatIsGoneIsRefused) {
  Route route = via(e0_, kGateway0, 0);
  route.next_hops = {{e1_ + 1000, std::nullopt, 1}};
  route.link_scope = true;
  const auto refused = world_->kernel().apply(PrependRoute{route});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENODEV);
}

TEST_P(KernelRoutes, ADeviceThatIsDownIsRefused) {
  world_->set_admin_up("e0", false);
  Route route = via(e0_, kGateway0, 0);
  const auto with_gateway = world_->kernel().apply(PrependRoute{route});
  ASSERT_FALSE(with_gateway);
  EXPECT_EQ(with_gateway.error().code, ENETUNREACH);
  route.next_hops = {{e0_, std::nullopt, 1}};
  route.link_scope = true;
  const auto without = world_->kernel().apply(PrependRoute{route});
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ENETDOWN);
}

TEST_P(KernelRoutes, APointToPointDeviceNeedsNoGateway) {
  world_->add_point_to_point("ppp0");
  world_->add_address("ppp0", "100.64.0.2/32", "100.64.0.1/32");
  const auto state = read();
  ASSERT_NE(state.link_named("ppp0"), nullptr);
  EXPECT_TRUE(state.link_named("ppp0")->point_to_point);
  Route route = via(e0_, kGateway0, 0);
  route.next_hops = {{index_of("ppp0"), std::nullopt, 1}};
  route.link_scope = true;
  apply(PrependRoute{route});
  EXPECT_THAT(defaults(), ElementsAre(route));
  EXPECT_EQ(carrier_of("203.0.113.9"), "ppp0");
}

TEST_P(KernelRoutes, UnreachableEndsALookupEvenWhereShortPrefixesAreSuppressed) {
  apply(PrependRoute{unreachable(kTable)});
  Rule rule;
  rule.priority = 1001;
  rule.protocol = kOurs;
  rule.mark = MarkMatch{0x1000000, 0x3f000000};
  rule.table = kTable;
  rule.suppress_prefix = 0;
  apply(AddRule{rule});
  const fakes::Flow marked{.destination = address("192.0.2.9"), .mark = 0x1000000};
  const auto carrier = world_->carrier_of(marked);
  ASSERT_FALSE(carrier);
  EXPECT_EQ(carrier.error().code, EHOSTUNREACH);
  Route wanted = via(e0_, kGateway0, 0);
  wanted.table = kTable;
  apply(PrependRoute{wanted});
  EXPECT_EQ(world_->carrier_of(marked).value_or(""), "e0");
}

TEST_P(KernelRoutes, CarrierLossKeepsRoutes) {
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  const auto before = read();
  world_->set_carrier("e0", false);
  const auto after = read();
  EXPECT_TRUE(after.link_named("e0")->admin_up);
  EXPECT_FALSE(after.link_named("e0")->carrier);
  EXPECT_EQ(after.routes, before.routes);
  EXPECT_EQ(after.addresses, before.addresses);
  world_->set_carrier("e0", true);
  EXPECT_EQ(read(), before);
}

TEST_P(KernelRoutes, ADeviceThatGoesDownTakesItsRoutesAndNotThoseOverAnother) {
  const Route both = over_both(1, 1, 1);
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  apply(PrependRoute{both});
  world_->set_admin_up("e0", false);
  EXPECT_THAT(defaults(), ElementsAre(both));
  EXPECT_EQ(carrier_of("203.0.113.9"), "e1");
  EXPECT_FALSE(read().link_named("e0")->admin_up);
  EXPECT_FALSE(read().link_named("e0")->carrier);
  world_->set_admin_up("e0", true);
  EXPECT_THAT(defaults(), ElementsAre(both));
  EXPECT_THAT(connected_routes("192.0.2.0/24"), testing::SizeIs(1));
}

TEST_P(KernelRoutes, ADeviceThatGoesAwayTakesMultipathRoutesToo) {
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  apply(PrependRoute{over_both(1, 1, 1)});
  apply(PrependRoute{via(e1_, kGateway1, 2)});
  world_->remove_link("e0");
  EXPECT_THAT(defaults(), ElementsAre(via(e1_, kGateway1, 2)));
  EXPECT_EQ(read().link_named("e0"), nullptr);
  EXPECT_THAT(connected_routes("192.0.2.0/24"), IsEmpty());
}

TEST_P(KernelRoutes, TheLastAddressTakesTheRoutesWithIt) {
  world_->add_address("e0", "198.18.0.2/24");
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  world_->remove_address("e0", "198.18.0.2/24");
  EXPECT_THAT(defaults(), ElementsAre(via(e0_, kGateway0, 0)));
  world_->remove_address("e0", "192.0.2.2/24");
  EXPECT_THAT(defaults(), IsEmpty());
}

TEST_P(KernelRoutes, ARouteGoesWithItsPreferredSource) {
  world_->add_address("e0", "198.18.0.2/24");
  Route route = via(e0_, kGateway0, 0);
  route.source = address("198.18.0.2");
  apply(PrependRoute{route});
  ASSERT_THAT(defaults(), ElementsAre(route));
  world_->remove_address("e0", "198.18.0.2/24");
  EXPECT_THAT(defaults(), IsEmpty());
}

TEST_P(KernelRoutes, ReadsAddressesWithTheirPeers) {
  world_->add_address("e0", "100.64.0.2/32", "100.64.0.1/32");
  const auto state = read();
  LinkAddress plain{e0_, *IpPrefix::parse("192.0.2.2/24"), std::nullopt, false, true};
  LinkAddress with_peer{e0_, *IpPrefix::parse("100.64.0.2/32"), address("100.64.0.1"), false, true};
  EXPECT_THAT(state.addresses, testing::IsSupersetOf({plain, with_peer}));
  EXPECT_THAT(connected_routes("100.64.0.1/32"), testing::SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(, KernelRoutes, both_kernel_worlds(), world_name);

}  // namespace kernel_contract_test
}  // namespace multilink
