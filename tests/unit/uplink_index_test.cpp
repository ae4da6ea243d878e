// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_index.hpp"

#include <gmock/gmock.h>

#include "fakes/routing_samples.hpp"

namespace multilink {
namespace uplink_index_test {

using testing::ElementsAre;
using testing::Pair;

Rule device_rule(std::string_view device, std::uint32_t table, std::uint8_t protocol = 109) {
  Rule rule;
  rule.priority = 1010;
  rule.protocol = protocol;
  rule.oif = device;
  rule.table = table;
  return rule;
}

Config config_of(const std::vector<std::string>& devices) {
  Config config;
  unsigned precedence = 1;
  for (const auto& device : devices) config.uplinks.push_back(fakes::uplink(device, precedence++));
  return config;
}

TEST(UplinkIndex, CountsFromOneInConfigurationOrder) {
  EXPECT_THAT(assign_indices(config_of({"wan", "lte"}), {}, {}, {}),
              ElementsAre(Pair("lte", 2U), Pair("wan", 1U)));
}

TEST(UplinkIndex, StaysAcrossAReloadThatReordersAddsAndRemoves) {
  const UplinkIndices known{{"a", 1}, {"b", 2}, {"c", 3}};
  EXPECT_THAT(assign_indices(config_of({"d", "c", "a", "e"}), {}, {}, known),
              ElementsAre(Pair("a", 1U), Pair("c", 3U), Pair("d", 4U), Pair("e", 5U)))
      << "the connections of b still bear its mark";
}

TEST(UplinkIndex, OfOneThatIsRemovedIsTakenWhereThereIsNoOtherLeft) {
  Config config = config_of({"c", "b"});
  config.suite.mark_mask = 0x3;
  EXPECT_THAT(assign_indices(config, {}, {}, {{"a", 1}, {"b", 2}}),
              ElementsAre(Pair("b", 2U), Pair("c", 1U)));
}

TEST(UplinkIndex, WhoseRulesAreThereAndIsNotConfiguredDeparts) {
  KernelState state;
  state.rules = {device_rule("a", 7001), device_rule("b", 7002), device_rule("c", 7003, 4)};
  EXPECT_THAT(departing_uplinks(state, {{"by-mac", 2}}, {}), ElementsAre(Pair("a", 1U)));
}

TEST(UplinkIndex, StaysAcrossARestartByTheKernelsOwnRules) {
  KernelState state;
  state.rules = {device_rule("a", 7001), device_rule("b", 7002), device_rule("c", 7003)};
  EXPECT_THAT(assign_indices(config_of({"c", "b", "d"}), state, {}, {}),
              ElementsAre(Pair("b", 2U), Pair("c", 3U), Pair("d", 4U)));
}

TEST(UplinkIndex, WhatThisProcessKnowsGoesBeforeTheKernelsRules) {
  KernelState state;
  state.rules = {device_rule("a", 7009), device_rule("b", 7001)};
  EXPECT_THAT(assign_indices(config_of({"a", "b"}), state, {}, {{"a", 1}}),
              ElementsAre(Pair("a", 1U), Pair("b", 2U)));
}

TEST(UplinkIndex, WhatHasNoMarkWithinTheMaskIsGivenAnew) {
  KernelState state;
  state.rules = {device_rule("a", 7063), device_rule("b", 7062)};
  Config config = config_of({"a", "b", "c"});
  EXPECT_THAT(assign_indices(config, state, {}, {}),
              ElementsAre(Pair("a", 1U), Pair("b", 62U), Pair("c", 2U)));
  config.suite.mark_mask = 0x7;
  EXPECT_THAT(assign_indices(config, state, {}, {{"c", 6}, {"a", 7}}),
              ElementsAre(Pair("a", 1U), Pair("b", 2U), Pair("c", 6U)));
}

TEST(UplinkIndex, ForeignAndOtherRulesTellNothing) {
  KernelState state;
  state.rules = {device_rule("a", 7005, 4), device_rule("b", 254), device_rule("b", 7000)};
  EXPECT_THAT(assign_indices(config_of({"a", "b"}), state, {}, {}),
              ElementsAre(Pair("a", 1U), Pair("b", 2U)));
}

TEST(UplinkIndex, TwoThatClaimTheSameGetDifferentOnes) {
  KernelState state;
  state.rules = {device_rule("a", 7001), device_rule("b", 7001)};
  EXPECT_THAT(assign_indices(config_of({"a", "b"}), state, {}, {}),
              ElementsAre(Pair("a", 1U), Pair("b", 2U)));
}

TEST(UplinkIndex, AnUplinkMatchedByMacIsFoundByTheNameItsDeviceHasNow) {
  KernelState state;
  Link link;
  link.index = 4;
  link.name = "enx1";
  link.mac = "02:00:00:00:00:01";
  state.links = {link};
  state.rules = {device_rule("enx1", 7006)};
  Config config = config_of({"lte"});
  config.uplinks[0].mac = link.mac;
  EXPECT_THAT(assign_indices(config, state, {}, {}), ElementsAre(Pair("lte", 6U)));
}

}  // namespace uplink_index_test
}  // namespace multilink
