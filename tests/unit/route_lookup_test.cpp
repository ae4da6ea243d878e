// SPDX-License-Identifier: GPL-2.0-or-later
// How a lookup walks; that it is the kernel's way is told by the contract tests, for the fake kernel goes by it.
#include "multilink/core/route_lookup.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace route_lookup_test {

constexpr std::uint32_t kTable = 7001;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

class RouteLookup : public testing::Test {
 protected:
  RouteLookup() {
    for (const auto* name : {"eth0", "eth1"}) {
      Link link;
      link.index = static_cast<unsigned>(state_.links.size()) + 2;
      link.name = name;
      link.admin_up = link.carrier = true;
      state_.links.push_back(link);
    }
  }

  Route& add_route(std::uint32_t table, std::string_view destination, unsigned link) {
    Route route;
    route.table = table;
    route.destination = IpPrefix::parse(destination).value();
    route.next_hops = {{link, std::nullopt, 1}};
    state_.routes.push_back(route);
    return state_.routes.back();
  }
  Rule& add_rule(std::uint32_t table, Family family = Family::v4) {
    Rule rule;
    rule.family = family;
    rule.priority = 1000 + static_cast<std::uint32_t>(state_.rules.size());
    rule.table = table;
    state_.rules.push_back(rule);
    return state_.rules.back();
  }
  RouteAnswer look_up(std::string_view destination) const {
    return look_up_route(state_, {.destination = address(destination)});
  }

  KernelState state_;
};

TEST_F(RouteLookup, TellsRuleRouteAndHop) {
  state_.rules.reserve(2);
  add_rule(kTable);
  add_rule(kMainTable);
  add_route(kMainTable, "0.0.0.0/0", 2);
  const auto answer = look_up("203.0.113.9");
  EXPECT_EQ(answer.end, LookupEnd::carried);
  EXPECT_EQ(answer.rule, &state_.rules[1]);
  EXPECT_EQ(answer.route, &state_.routes[0]);
  ASSERT_TRUE(answer.hop);
  EXPECT_EQ(answer.hop->link_index, 2U);
}

TEST_F(RouteLookup, NothingFitsWithoutARuleOrARoute) {
  EXPECT_EQ(look_up("203.0.113.9").end, LookupEnd::no_route);
  add_rule(kMainTable);
  const auto answer = look_up("203.0.113.9");
  EXPECT_EQ(answer.end, LookupEnd::no_route);
  EXPECT_EQ(answer.rule, nullptr);
  EXPECT_FALSE(answer.hop);
}

TEST_F(RouteLookup, WhatASuppressingRuleFindsMayBeTooWide) {
  add_rule(kTable).suppress_prefix = 8;
  add_rule(kMainTable);
  add_route(kTable, "10.0.0.0/8", 2);
  add_route(kTable, "203.0.113.0/24", 2);
  add_route(kMainTable, "0.0.0.0/0", 3);
  EXPECT_EQ(look_up("10.0.0.1").hop->link_index, 3U);
  EXPECT_EQ(look_up("203.0.113.9").hop->link_index, 2U);
}

TEST_F(RouteLookup, AnUnreachableRouteIsNotSuppressed) {
  add_rule(kTable).suppress_prefix = 0;
  add_rule(kMainTable);
  Route& end = add_route(kTable, "0.0.0.0/0", 2);
  end.type = RouteType::unreachable;
  end.next_hops.clear();
  add_route(kMainTable, "0.0.0.0/0", 3);
  EXPECT_EQ(look_up("203.0.113.9").end, LookupEnd::unreachable);
  state_.routes[0].type = RouteType::prohibit;
  EXPECT_EQ(look_up("203.0.113.9").end, LookupEnd::prohibited);
  state_.routes[0].type = RouteType::blackhole;
  EXPECT_EQ(look_up("203.0.113.9").end, LookupEnd::blackhole);
  state_.routes[0].type = RouteType::throw_route;
  EXPECT_EQ(look_up("203.0.113.9").hop->link_index, 3U);
}

TEST_F(RouteLookup, ARuleMayEndItWithoutARoute) {
  Rule& last = add_rule(0);
  last.unreachable = true;
  add_rule(kMainTable);
  add_route(kMainTable, "0.0.0.0/0", 2);
  const auto answer = look_up("203.0.113.9");
  EXPECT_EQ(answer.end, LookupEnd::no_route);
  EXPECT_EQ(answer.rule, &state_.rules[0]);
}

TEST_F(RouteLookup, RulesOfTheOtherFamilyDoNotCount) {
  add_rule(kTable, Family::v6);
  add_rule(kMainTable);
  add_route(kTable, "0.0.0.0/0", 2);
  add_route(kMainTable, "0.0.0.0/0", 3);
  EXPECT_EQ(look_up("203.0.113.9").hop->link_index, 3U);
  add_route(kTable, "::/0", 2);
  EXPECT_EQ(look_up("2001:db8::9").hop->link_index, 2U);
}

TEST_F(RouteLookup, WhatIsNotKnownIsPassedOverAndSaid) {
  add_rule(kTable).has_other_selectors = true;
  add_rule(kMainTable);
  add_route(kTable, "0.0.0.0/0", 2);
  add_route(kMainTable, "0.0.0.0/0", 3);
  const auto answer = look_up("203.0.113.9");
  EXPECT_EQ(answer.hop->link_index, 3U);
  ASSERT_EQ(answer.passed_over.size(), 1U);
  EXPECT_EQ(answer.passed_over[0], &state_.rules[0]);
}

TEST_F(RouteLookup, OverADeviceThatIsDownNothingGoes) {
  add_rule(kMainTable);
  add_route(kMainTable, "203.0.113.0/24", 2);
  add_route(kMainTable, "0.0.0.0/0", 3);
  EXPECT_EQ(look_up("203.0.113.9").hop->link_index, 2U);
  state_.links[0].admin_up = false;
  EXPECT_EQ(look_up("203.0.113.9").hop->link_index, 3U);
}

TEST_F(RouteLookup, AFilterHidesRoutes) {
  add_rule(kMainTable);
  add_route(kMainTable, "203.0.113.0/24", 2);
  add_route(kMainTable, "0.0.0.0/0", 3);
  const auto answer = look_up_route(state_, {.destination = address("203.0.113.9")},
                                    [](const Route& route) { return route.destination.is_default(); });
  EXPECT_EQ(answer.hop->link_index, 3U);
}

}  // namespace route_lookup_test
}  // namespace multilink
