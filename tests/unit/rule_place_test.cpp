// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_place.hpp"

#include <gmock/gmock.h>

#include "fakes/routing_samples.hpp"
#include "multilink/core/text.hpp"
#include "seeded.hpp"
#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace rule_place_test {

using fakes::address;
using fakes::prefix;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const OwnPackets kOwn{{"eth0", "eth1"}, {address("192.0.2.2"), address("2001:db8::2")}, 0x3f000000};

Rule foreign(std::uint32_t priority = 1009) {
  Rule rule;
  rule.priority = priority;
  rule.table = 51820;
  return rule;
}

Rule with(void (*change)(Rule&)) {
  Rule rule = foreign();
  change(rule);
  return rule;
}

TEST(RulePlace, WhatSelectsEverythingOrWhatIsAnUplinksDecidesForIt) {
  EXPECT_TRUE(decides_for(kOwn, foreign()));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.suppress_prefix = 0; })));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.oif = "eth0"; })));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.from = prefix("192.0.2.2/32"); })));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.from = prefix("192.0.0.0/16"); })));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.has_other_selectors = true; }))) << "a port, say";
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.to = prefix("128.0.0.0/1"); }))) << "half the world";
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.iif = "lo"; })));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) {
                            r.mark = MarkMatch{0, 0xffffffff};
                          })))
      << "what has no mark";
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) { r.mark = MarkMatch{0x2000000, 0xff000000}; }))) << "ours";
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) {
                            r.mark = MarkMatch{0xca6c, 0xffffffff};
                            r.inverted = true;
                          })));
  EXPECT_TRUE(decides_for(kOwn, with([](Rule& r) {
                            r.from = prefix("10.0.0.0/8");
                            r.to = prefix("10.0.0.0/8");
                            r.inverted = true;
                          })));
}

TEST(RulePlace, WhatAsksForSomethingElseDoesNot) {
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.oif = "tun0"; })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.from = prefix("10.0.0.0/24"); })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.uids = UidRange{1000, 1000}; })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.of_tunnel_or_vrf = r.has_other_selectors = true; })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.to = prefix("203.0.113.0/24"); })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.iif = "lan0"; })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.mark = MarkMatch{0x80000, 0xff0000}; })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.mark = MarkMatch{0x80000, 0xffffffff}; })));
  EXPECT_FALSE(decides_for(kOwn, with([](Rule& r) { r.table = 255; }))) << "the host's own addresses";
}

std::uint32_t base_beside(std::vector<Rule> rules, Family family = Family::v4) {
  KernelState state;
  Rule local = foreign(0);
  local.table = 255;
  state.rules = {local};
  state.rules.insert(state.rules.end(), rules.begin(), rules.end());
  const auto place = place_rules(kOwn, state, family, {});
  return place.obstacle ? 1 : place.base;
}

TEST(RulePlace, IsTheLastBlockBeforeTheFirstThatDecides) {
  EXPECT_EQ(base_beside({}), 1000U);
  EXPECT_EQ(base_beside({foreign(1100)}), 1000U);
  EXPECT_EQ(base_beside({foreign(5210), foreign(32766)}), 1000U);
  EXPECT_EQ(base_beside({foreign(1099)}), 900U);
  EXPECT_EQ(base_beside({foreign(1009), foreign(1008)}), 900U);
  EXPECT_EQ(base_beside({foreign(1000)}), 900U);
  EXPECT_EQ(base_beside({foreign(999), foreign(1009)}), 800U);
  EXPECT_EQ(base_beside({foreign(100)}), 0U);
  EXPECT_EQ(base_beside({foreign(99)}), 1U) << "there is none";
  Rule narrow = foreign(500);
  narrow.oif = "tun0";
  EXPECT_EQ(base_beside({narrow, foreign(1009)}), 900U);
}

TEST(RulePlace, EachFamilyHasItsOwn) {
  Rule v6 = foreign(1009);
  v6.family = Family::v6;
  EXPECT_EQ(base_beside({v6}), 1000U);
  EXPECT_EQ(base_beside({v6}, Family::v6), 900U);
}

TEST(RulePlace, NeverBeforeTheRuleForTheHostsOwnAddresses) {
  KernelState state;
  Rule local = foreign(150);
  local.table = 255;
  state.rules = {local, foreign(300)};
  EXPECT_EQ(place_rules(kOwn, state, Family::v4, {}).base, 200U);
  state.rules[1].priority = 299;
  EXPECT_EQ(place_rules(kOwn, state, Family::v4, {}).obstacle, state.rules[1]);
}

TEST(RulePlace, OursAndThoseOfAnEarlierRunAreNoMatter) {
  Rule ours = foreign(905);
  ours.protocol = RoutingNumbers{}.protocol;
  EXPECT_EQ(base_beside({ours}), 1000U);
}

/// Beside a tunnel that takes all packets without a mark, as wg-quick sets it up.
class BesideATunnel : public RoutePlanTest {
 protected:
  BesideATunnel() {
    kernel_.add_link("wg0");
    Route all = fakes::default_via(kernel_, "0.0.0.0", "wg0");
    all.table = 51820;
    all.next_hops.front().gateway.reset();
    EXPECT_TRUE(kernel_.add_route(all));
  }

  void tunnel_up() {
    Rule rule = foreign();
    rule.mark = MarkMatch{0xca6c, 0xffffffff};
    rule.inverted = true;
    EXPECT_TRUE(kernel_.add_rule_before_all(rule));
    Rule main = foreign();
    main.table = kMainTable;
    main.suppress_prefix = 0;
    EXPECT_TRUE(kernel_.add_rule_before_all(main));
  }
  /// As `wg-quick down`: whatever looks like it goes, ours too.
  void tunnel_down() {
    const auto rules = kernel_.read().value().rules;
    for (const auto& rule : rules) {
      if (rule.table == 51820 || (rule.table == kMainTable && rule.suppress_prefix == 0U)) {
        EXPECT_TRUE(kernel_.delete_rule(rule));
      }
    }
  }
  /// Where the packets of the uplinks go, and those of nobody.
  std::vector<std::string> paths() {
    return {carrier_from("192.0.2.2", kInternet),
            carrier_from("198.51.100.2", kInternet),
            carrier_pinned(1, kInternet, "10.0.0.7"),
            carrier_pinned(2, kInternet, "10.0.0.7"),
            kernel_.carrier_of({.destination = address(kInternet), .oif = "eth1"}),
            carrier_pinned(2, "10.0.0.7", "198.51.100.2")};
  }
  static std::vector<std::string> right() { return {"eth0", "eth1", "eth0", "eth1", "eth1", "lan"}; }
};

TEST_F(BesideATunnel, OursAreBeforeIts) {
  settle();
  const auto ordinary = fakes::owned_lines(kernel_);
  for (int i = 0; i < 4; ++i) {
    tunnel_up();
    EXPECT_EQ(carrier_from("198.51.100.2", kInternet), "wg0") << "until routed acts";
    settle();
    EXPECT_EQ(paths(), right());
    EXPECT_EQ(carrier_to(kInternet), "wg0");
    EXPECT_EQ(carrier_to("10.0.0.7"), "lan");
    EXPECT_EQ(kernel_.carrier_of({.destination = address(kInternet), .mark = 0xca6c}), "eth0");
    EXPECT_THAT(fakes::owned_lines(kernel_),
                Contains(cat("ip rule add pref ", 910, " oif eth0 lookup 7001 protocol 109")));
    EXPECT_THAT(fakes::owned_lines(kernel_), Each(Not(HasSubstr("pref 10"))));
    const auto beside = fakes::owned_lines(kernel_);
    tunnel_down();
    EXPECT_EQ(fakes::owned_lines(kernel_), beside) << "what takes the tunnel's rules away takes none of ours";
    settle();
    EXPECT_EQ(fakes::owned_lines(kernel_), ordinary);
  }
}

TEST_F(BesideATunnel, SeveralOnesOneAfterAnother) {
  settle();
  for (const std::uint32_t base : {900U, 800U, 700U}) {
    tunnel_up();
    settle();
    EXPECT_EQ(paths(), right());
    EXPECT_THAT(fakes::owned_lines(kernel_), Contains(HasSubstr(cat("pref ", base + 10, " oif eth0"))));
  }
}

TEST_F(BesideATunnel, HalvesOfTheInternetInMainTakeNothingThatIsAnUplinks) {
  for (const auto* half : {"0.0.0.0/1", "128.0.0.0/1"}) {
    Route route = fakes::default_via(kernel_, "0.0.0.0", "wg0");
    route.destination = prefix(half);
    route.next_hops.front().gateway.reset();
    ASSERT_TRUE(kernel_.add_route(route));
  }
  settle();
  EXPECT_EQ(carrier_to(kInternet), "wg0");
  EXPECT_EQ(paths(), right());
}

TEST_F(BesideATunnel, AMoveLosesNothingAtAnyStep) {
  auto random = seeded_random();
  for (int round = 0; round < 200; ++round) {
    settle();
    std::vector<Rule> added;
    for (auto i = random() % 4; i > 0; --i) {
      Rule rule = foreign(static_cast<std::uint32_t>(random() % 1300));
      rule.table = random() % 2 == 0 ? 51820 : 51821;
      if (random() % 3 == 0) rule.from = prefix("192.0.2.0/24");
      if (kernel_.add_rule(rule)) added.push_back(rule);
    }
    for (const bool leaving : {false, true}) {
      if (leaving) {
        for (const auto& rule : added) ASSERT_TRUE(kernel_.delete_rule(rule));
      }
      const auto state = kernel_.read().value();
      const auto facts = observe_uplinks(config_, state, numbers_, {});
      const std::vector<HealthByFamily> health(2, {{Family::v4, HealthState::up}});
      const auto decision = decide_routes({config_, state, numbers_, indices_, facts, health, carried_});
      auto before = paths();
      for (const auto& operation : diff_routes(state, decision.wanted, numbers_)) {
        ASSERT_TRUE(kernel_.apply(operation));
        const auto now = paths();
        for (std::size_t i = 0; i < now.size(); ++i) {
          ASSERT_TRUE(now[i] == right()[i] || before[i] != right()[i]) << to_string(operation, state);
        }
        before = now;
      }
      const bool possible = decision.warnings.empty();
      ASSERT_TRUE(!possible || paths() == right());
      ASSERT_EQ(possible, std::all_of(added.begin(), added.end(), [&](const Rule& rule) {
                  return leaving || rule.priority >= kRuleBlock;
                }));
    }
  }
}

}  // namespace rule_place_test
}  // namespace multilink
