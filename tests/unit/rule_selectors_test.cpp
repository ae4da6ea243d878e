// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_selectors.hpp"

#include <gtest/gtest.h>

#include <random>

#include "multilink/core/route_lookup.hpp"
#include "seeded.hpp"

namespace multilink {
namespace rule_selectors_test {

IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}

TEST(RuleSelectors, WhatARuleDoesIsNoneOfThem) {
  Rule a;
  EXPECT_TRUE(selects_all(a));
  a.priority = 32766;
  a.table = kMainTable;
  a.suppress_prefix = 0;
  EXPECT_TRUE(selects_all(a));
  EXPECT_TRUE(select_alike(a, Rule{}));
  Rule b = a;
  b.family = Family::v6;
  EXPECT_FALSE(select_alike(a, b));
  EXPECT_FALSE(may_overlap(a, b));
}

TEST(RuleSelectors, EachOneCounts) {
  const auto counts = [](auto set) {
    Rule rule;
    set(rule);
    return !selects_all(rule) && !select_alike(rule, Rule{});
  };
  EXPECT_TRUE(counts([](Rule& r) { r.from = prefix("192.0.2.0/24"); }));
  EXPECT_TRUE(counts([](Rule& r) { r.to = prefix("192.0.2.0/24"); }));
  EXPECT_TRUE(counts([](Rule& r) { r.mark = MarkMatch{1, 1}; }));
  EXPECT_TRUE(counts([](Rule& r) { r.iif = "lan0"; }));
  EXPECT_TRUE(counts([](Rule& r) { r.oif = "eth0"; }));
  EXPECT_TRUE(counts([](Rule& r) { r.uids = UidRange{1, 2}; }));
  EXPECT_TRUE(counts([](Rule& r) { r.ip_protocol = 6; }));
  EXPECT_TRUE(counts([](Rule& r) { r.source_ports = PortRange{1, 2}; }));
  EXPECT_TRUE(counts([](Rule& r) { r.destination_ports = PortRange{1, 2}; }));
  EXPECT_TRUE(counts([](Rule& r) { r.inverted = true; }));
  EXPECT_TRUE(counts([](Rule& r) { r.has_other_selectors = true; }));
}

TEST(RuleSelectors, WhatIsNotKnownCannotBeNarrowedAndMayOverlap) {
  Rule inverted;
  inverted.inverted = true;
  EXPECT_FALSE(narrowed(inverted, Rule{}));
  EXPECT_FALSE(narrowed(Rule{}, inverted));
  EXPECT_TRUE(may_overlap(inverted, Rule{}));
}

class AnySelectors {
 public:
  explicit AnySelectors(std::mt19937_64& random) : random_(random) {}

  Rule rule() {
    Rule out;
    out.table = 1;
    if (chance()) out.from = any_prefix();
    if (chance()) out.to = any_prefix();
    if (chance()) out.mark = MarkMatch{below(4) & 3U, 3};
    if (chance()) out.mark = MarkMatch{below(2), 1};
    if (chance()) out.iif = device();
    if (chance()) out.oif = device();
    if (chance()) out.uids = UidRange{below(2), 1 + below(3)};
    if (chance()) out.ip_protocol = below(2) == 0 ? 6 : 17;
    if (chance()) out.destination_ports = ports();
    if (chance()) out.source_ports = ports();
    return out;
  }

  Flow flow() {
    Flow out{.destination = *IpAddress::parse(below(2) == 0 ? "10.0.0.1" : "10.1.0.1")};
    out.from = *IpAddress::parse(below(2) == 0 ? "10.0.0.1" : "10.1.0.1");
    out.mark = below(4);
    out.oif = device();
    out.iif = device();
    out.uid = below(4);
    out.ip_protocol = below(2) == 0 ? 6 : 17;
    out.source_port = static_cast<std::uint16_t>(below(4));
    out.destination_port = static_cast<std::uint16_t>(below(4));
    return out;
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  bool chance() { return below(4) == 0; }
  const char* device() { return below(2) == 0 ? "eth0" : "eth1"; }
  IpPrefix any_prefix() {
    constexpr const char* kAll[] = {"10.0.0.0/8", "10.0.0.0/16", "10.0.0.1/32", "10.1.0.0/16"};
    return prefix(kAll[below(4)]);
  }
  PortRange ports() {
    const auto first = static_cast<std::uint16_t>(below(3));
    return {first, static_cast<std::uint16_t>(first + below(2))};
  }

  std::mt19937_64& random_;
};

bool takes(const Rule& rule, const Flow& flow) {
  KernelState state;
  state.rules = {rule};
  Route route;
  route.table = 1;
  route.destination = IpPrefix::default_of(Family::v4);
  route.type = RouteType::blackhole;
  state.routes = {route};
  return look_up_route(state, flow).rule != nullptr;
}

TEST(RuleSelectors, NarrowedTakesExactlyWhatBothTake) {
  auto random = seeded_random();
  AnySelectors any(random);
  unsigned taken = 0;
  for (int round = 0; round < 20000; ++round) {
    const Rule a = any.rule();
    const Rule b = any.rule();
    const auto both = narrowed(a, b);
    EXPECT_EQ(both.has_value(), may_overlap(a, b));
    for (int i = 0; i < 10; ++i) {
      const Flow flow = any.flow();
      const bool expected = takes(a, flow) && takes(b, flow);
      ASSERT_EQ(both && takes(*both, flow), expected);
      taken += expected ? 1 : 0;
    }
  }
  EXPECT_GT(taken, 1000U);
}

}  // namespace rule_selectors_test
}  // namespace multilink
