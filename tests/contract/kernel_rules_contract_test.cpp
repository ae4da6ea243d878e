// SPDX-License-Identifier: GPL-2.0-or-later
// What every Kernel promises about rules, tried on the fake and on the adapter with a real kernel.
#include <gmock/gmock.h>

#include <cerrno>

#include "contract/kernel_fixture.hpp"
#include "multilink/core/ip_protocol.hpp"

namespace multilink {
namespace kernel_rules_contract_test {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class KernelRules : public KernelFixture {
 protected:
  static Rule rule(std::uint32_t priority, Family family = Family::v4) {
    Rule out;
    out.family = family;
    out.priority = priority;
    out.protocol = kOurs;
    out.table = kTable;
    return out;
  }
  /// One of each shape that multilink uses, with different priorities.
  static std::vector<Rule> every_shape(Family family) {
    const bool v4 = family == Family::v4;
    auto uids = rule(1000, family);
    uids.uids = UidRange{990, 995};
    auto no_further = rule(1001, family);
    no_further.uids = uids.uids;
    no_further.table = 0;
    no_further.unreachable = true;
    auto mark = rule(1010, family);
    mark.mark = MarkMatch{0x1000000, 0x3f000000};
    mark.suppress_prefix = 0;
    auto from = rule(1011, family);
    from.from = IpPrefix::parse(v4 ? "192.0.2.2/32" : "2001:db8::2/128");
    from.suppress_prefix = 0;
    auto device = rule(1012, family);
    device.oif = "e0";
    auto lan = rule(1020, family);
    lan.table = kMainTable;
    lan.suppress_prefix = 0;
    auto network = rule(1031, family);
    network.from = IpPrefix::parse(v4 ? "198.51.100.0/24" : "2001:db8::/32");
    auto policy = rule(1040, family);
    policy.iif = "lan0";
    policy.to = IpPrefix::parse(v4 ? "203.0.113.0/24" : "2001:db8:1::/48");
    policy.ip_protocol = 6;
    policy.source_ports = PortRange{1024, 65534};
    policy.destination_ports = PortRange{443, 443};
    auto not_marked = rule(1041, family);
    not_marked.mark = MarkMatch{0xca6c, 0xffffffff};
    not_marked.inverted = true;
    return {uids, no_further, mark, from, device, lan, network, policy, not_marked};
  }
  std::vector<Rule> owned(Family family = Family::v4) {
    auto rules = read().rules;
    std::erase_if(rules, [&](const Rule& each) { return each.protocol != kOurs || each.family != family; });
    return rules;
  }
};

TEST_P(KernelRules, EveryShapeIsReadAsItWasApplied) {
  for (const Family family : kFamilies) {
    auto shapes = every_shape(family);
    for (auto each = shapes.rbegin(); each != shapes.rend(); ++each) apply(AddRule{*each});
    EXPECT_THAT(owned(family), ElementsAreArray(shapes));
  }
}

TEST_P(KernelRules, EachIsDeletedAloneAndTwiceIsNoError) {
  auto shapes = every_shape(Family::v4);
  for (const auto& each : shapes) apply(AddRule{each});
  while (!shapes.empty()) {
    apply(DeleteRule{shapes.front()});
    apply(DeleteRule{shapes.front()});
    shapes.erase(shapes.begin());
    EXPECT_THAT(owned(), ElementsAreArray(shapes));
  }
}

TEST_P(KernelRules, AddingTwiceLeavesOne) {
  apply(AddRule{rule(1000)});
  apply(AddRule{rule(1000)});
  EXPECT_THAT(owned(), ElementsAre(rule(1000)));
}

TEST_P(KernelRules, OnesOfOnePriorityStayInTheOrderOfAdding) {
  auto first = rule(1000);
  first.oif = "e1";
  auto second = rule(1000);
  second.oif = "e0";
  auto third = rule(1000);
  third.mark = MarkMatch{1, 1};
  for (const auto& each : {first, second, third}) apply(AddRule{each});
  EXPECT_THAT(owned(), ElementsAre(first, second, third));
  apply(DeleteRule{second});
  EXPECT_THAT(owned(), ElementsAre(first, third));
}

TEST_P(KernelRules, AppendedItIsThereOnceMoreAndTheOneInFrontIsDeletedFirst) {
  auto first = rule(1000);
  first.oif = "e1";
  auto second = rule(1000);
  second.destination_ports = PortRange{443, 443};
  second.ip_protocol = ip_protocol::kTcp;
  for (const auto& each : {first, second}) apply(AddRule{each});
  apply(AppendRule{first});
  EXPECT_THAT(owned(), ElementsAre(first, second, first));
  apply(DeleteRule{first});
  EXPECT_THAT(owned(), ElementsAre(second, first));
  auto third = rule(999);
  apply(AppendRule{third});
  EXPECT_THAT(owned(), ElementsAre(third, second, first)) << "also when it was not there";
}

TEST_P(KernelRules, DeleteLeavesAForeignRuleAlike) {
  Rule theirs = rule(1000);
  theirs.protocol = kForeign;
  ASSERT_TRUE(world_->add_foreign(theirs));
  apply(DeleteRule{rule(1000)});
  EXPECT_THAT(read().rules, testing::Contains(theirs));
}

TEST_P(KernelRules, DeleteNeverTakesAnotherOfOursWithMoreSelectors) {
  Rule wide = rule(1000);
  Rule narrow = rule(1000);
  narrow.oif = "e0";
  apply(AddRule{narrow});
  apply(DeleteRule{wide});
  EXPECT_THAT(owned(), ElementsAre(narrow));
  apply(AddRule{wide});
  const auto refused = world_->kernel().apply(DeleteRule{wide});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EBUSY);
  EXPECT_THAT(owned(), ElementsAre(narrow, wide));
  apply(DeleteRule{narrow});
  apply(DeleteRule{wide});
  EXPECT_THAT(owned(), IsEmpty());
}

TEST_P(KernelRules, TheKernelsOwnAreThere) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> v4, v6;
  for (const auto& each : read().rules) {
    (each.family == Family::v4 ? v4 : v6).emplace_back(each.priority, each.table);
  }
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  EXPECT_THAT(v4, ElementsAre(Pair(0, 255), Pair(32766, 254), Pair(32767, 253)));
  EXPECT_THAT(v6, ElementsAre(Pair(0, 255), Pair(32766, 254)));
}

TEST_P(KernelRules, ADeviceThatIsNotThereYetMayBeNamed) {
  Rule early = rule(1000);
  early.oif = "usb0";
  apply(AddRule{early});
  EXPECT_THAT(owned(), ElementsAre(early));
  Route route = via(e1_, kGateway1, 0);
  route.table = kTable;
  apply(ReplaceRoute{route});
  world_->add_link("usb0");
  EXPECT_THAT(owned(), ElementsAre(early));
  world_->remove_link("usb0");
  EXPECT_THAT(owned(), ElementsAre(early));
}

TEST_P(KernelRules, OneWithoutAPriorityIsPutBeforeTheSecond) {
  for (const Family family : kFamilies) {
    Rule theirs = rule(0, family);
    theirs.protocol = kForeign;
    const auto foreign = [&] {
      auto rules = read().rules;
      std::erase_if(rules,
                    [&](const Rule& each) { return each.protocol != kForeign || each.family != family; });
      return rules;
    };
    world_->add_foreign_before_all(theirs);
    theirs.priority = 32765;
    EXPECT_THAT(foreign(), ElementsAre(theirs));
    Rule ours = rule(1010, family);
    ours.oif = "e0";
    apply(AddRule{ours});
    Rule inverted = theirs;
    inverted.mark = MarkMatch{0xca6c, 0xffffffff};
    inverted.inverted = true;
    world_->add_foreign_before_all(inverted);
    inverted.priority = 1009;
    EXPECT_THAT(foreign(), ElementsAre(inverted, theirs));
  }
}

TEST_P(KernelRules, AnInvertedOneSelectsTheRest) {
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  Route other = via(e1_, kGateway1, 0);
  other.table = 51820;
  other.protocol = kForeign;
  ASSERT_TRUE(world_->add_foreign(other, fakes::AddMode::add));
  Rule inverted = rule(0);
  inverted.table = 51820;
  inverted.protocol = kForeign;
  inverted.mark = MarkMatch{0xca6c, 0xffffffff};
  inverted.inverted = true;
  world_->add_foreign_before_all(inverted);
  EXPECT_EQ(carrier_of("203.0.113.9"), "e1");
  EXPECT_EQ(world_->carrier_of({.destination = address("203.0.113.9"), .mark = 0xca6c}).value_or(""), "e0");
}

TEST_P(KernelRules, RoutesAreSuppressedUpToTheLengthThatIsNamed) {
  Route half = via(e1_, kGateway1, 0);
  half.destination = IpPrefix::parse("192.0.0.0/2").value();
  Route network = via(e1_, kGateway1, 0);
  network.destination = IpPrefix::parse("10.0.0.0/8").value();
  for (const auto& route : {via(e0_, kGateway0, 3), half, network}) apply(PrependRoute{route});
  Route own = via(e0_, kGateway0, 0);
  own.table = kTable;
  apply(PrependRoute{own});
  Rule local = rule(1030);
  local.mark = MarkMatch{0x1000000, 0x3f000000};
  local.table = kMainTable;
  local.suppress_prefix = 3;
  Rule far = rule(1040);
  far.mark = local.mark;
  for (const auto& each : {local, far}) apply(AddRule{each});
  const auto marked = [&](std::string_view destination) {
    return world_->carrier_of({.destination = address(destination), .mark = 0x1000000}).value_or("");
  };
  EXPECT_EQ(carrier_of("203.0.113.9"), "e1");
  EXPECT_EQ(marked("203.0.113.9"), "e0");
  EXPECT_EQ(marked("10.1.2.3"), "e1");
}

TEST_P(KernelRules, UnreachableEndsTheLookup) {
  apply(PrependRoute{via(e0_, kGateway0, 0)});
  Rule last = rule(1000);
  last.mark = MarkMatch{0x1000000, 0x3f000000};
  last.table = 0;
  last.unreachable = true;
  apply(AddRule{last});
  EXPECT_EQ(carrier_of("203.0.113.9"), "e0");
  const auto carrier = world_->carrier_of({.destination = address("203.0.113.9"), .mark = 0x1000000});
  ASSERT_FALSE(carrier);
  EXPECT_EQ(carrier.error().code, ENETUNREACH);
}

/// Of ours to e1, of others to e0.
class PolicyRules : public KernelRules {
 protected:
  PolicyRules() {
    apply(PrependRoute{via(e0_, kGateway0, 0)});
    Route other = via(e1_, kGateway1, 0);
    other.table = kTable;
    apply(PrependRoute{other});
  }
  std::string carrier(const fakes::Flow& flow) {
    const auto carrier = world_->carrier_of(flow);
    return carrier ? *carrier : carrier.error().message;
  }
  fakes::Flow to(std::string_view destination) { return {.destination = address(destination)}; }
};

TEST_P(PolicyRules, ByDestination) {
  Rule selected = rule(1000);
  selected.to = IpPrefix::parse("203.0.113.0/24");
  apply(AddRule{selected});
  EXPECT_EQ(carrier(to("203.0.113.9")), "e1");
  EXPECT_EQ(carrier(to("203.0.114.9")), "e0");
}

TEST_P(PolicyRules, ByProtocolAndPorts) {
  Rule selected = rule(1000);
  selected.ip_protocol = 6;
  selected.source_ports = PortRange{1000, 2000};
  selected.destination_ports = PortRange{443, 450};
  apply(AddRule{selected});
  auto flow = to("203.0.113.9");
  EXPECT_EQ(carrier(flow), "e0");
  flow.ip_protocol = 6;
  flow.source_port = 1000;
  flow.destination_port = 443;
  EXPECT_EQ(carrier(flow), "e1");
  flow.destination_port = 450;
  EXPECT_EQ(carrier(flow), "e1");
  flow.destination_port = 451;
  EXPECT_EQ(carrier(flow), "e0");
  flow.destination_port = 443;
  flow.source_port = 2001;
  EXPECT_EQ(carrier(flow), "e0");
  flow.source_port = 2000;
  flow.ip_protocol = 17;
  EXPECT_EQ(carrier(flow), "e0");
}

TEST_P(PolicyRules, NoPort65535) {
  Rule selected = rule(1000);
  selected.ip_protocol = 6;
  selected.destination_ports = PortRange{1, 65535};
  const auto refused = world_->kernel().apply(AddRule{selected});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EINVAL);
  selected.destination_ports = PortRange{1, 65534};
  apply(AddRule{selected});
}

TEST_P(PolicyRules, ByTheDeviceItCameInBy) {
  world_->add_link("lan0");
  world_->add_address("lan0", "10.0.0.1/24");
  Rule selected = rule(1000);
  selected.iif = "lan0";
  apply(AddRule{selected});
  Rule of_this_host = rule(1001);
  of_this_host.iif = "lo";
  of_this_host.mark = MarkMatch{5, 0xff};
  apply(AddRule{of_this_host});
  auto flow = to("203.0.113.9");
  EXPECT_EQ(carrier(flow), "e0");
  flow.mark = 5;
  EXPECT_EQ(carrier(flow), "e1");
  flow.mark = 0;
  flow.from = address("10.0.0.7");
  flow.iif = "lan0";
  EXPECT_EQ(carrier(flow), "e1");
}

TEST_P(PolicyRules, Inverted) {
  Rule unless = rule(1000);
  unless.mark = MarkMatch{0xca6c, 0xffffffff};
  unless.inverted = true;
  apply(AddRule{unless});
  auto flow = to("203.0.113.9");
  EXPECT_EQ(carrier(flow), "e1");
  flow.mark = 0xca6c;
  EXPECT_EQ(carrier(flow), "e0");
}

TEST_P(PolicyRules, AnUnreachableDefaultEndsThePolicysTable) {
  Rule selected = rule(1000);
  selected.to = IpPrefix::parse("203.0.113.0/24");
  apply(AddRule{selected});
  apply(PrependRoute{unreachable(kTable)});
  EXPECT_EQ(carrier(to("203.0.113.9")), "e1");
  Route other = via(e1_, kGateway1, 0);
  other.table = kTable;
  apply(DeleteRoute{other});
  const auto refused = world_->carrier_of(to("203.0.113.9"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EHOSTUNREACH);
}

INSTANTIATE_TEST_SUITE_P(, PolicyRules, both_kernel_worlds(), world_name);

TEST_P(KernelRules, ABoundSocketWithoutARouteTakesItsDeviceInIpv4) {
  Rule device = rule(1000);
  device.oif = "e0";
  apply(AddRule{device});
  apply(PrependRoute{unreachable(kTable)});
  const fakes::Flow bound{.destination = address("203.0.113.9"), .oif = "e0"};
  EXPECT_EQ(world_->carrier_of(bound).value_or(""), "e0");
}

INSTANTIATE_TEST_SUITE_P(, KernelRules, both_kernel_worlds(), world_name);

}  // namespace kernel_rules_contract_test
}  // namespace multilink
