// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_diff.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/default_place.hpp"
#include "multilink/core/route_decision.hpp"
#include "seeded.hpp"

namespace multilink {
namespace route_diff_test {

using fakes::address;
using fakes::default_via;
using fakes::prefix;
using testing::IsEmpty;

constexpr int kRounds = 1000;
constexpr RoutingNumbers kNumbers;

/// Any kernel: two uplinks and a LAN, and on top things of ours (a crash may leave any) and of others.
class AnyKernel {
 public:
  explicit AnyKernel(std::mt19937_64& random) : random_(random) {
    fakes::add_two_uplinks_and_lan(kernel);
    for (int i = below(8); i > 0; --i) (void)kernel.add_route(any_route(), any_mode());
    for (int i = below(8); i > 0; --i) (void)kernel.add_rule(any_rule());
  }

  /// What a configuration and a health at random would want.
  OwnedState any_wanted() {
    Config config;
    for (const auto* device : {"eth0", "eth1", "eth9"}) {
      const auto weight = static_cast<unsigned>(1 + below(3));
      if (below(4) > 0) config.uplinks.push_back(fakes::uplink(device, 1 + (below(3) > 0), weight));
    }
    std::vector<HealthByFamily> health;
    for (std::size_t i = 0; i < config.uplinks.size(); ++i)
      health.push_back({{Family::v4, static_cast<HealthState>(below(4))}});
    const auto state = kernel.read().value();
    const auto facts = observe_uplinks(config, state, kNumbers, {});
    return decide_routes({config, state, kNumbers, {}, facts, health, {}}).wanted;
  }

  fakes::FakeScheduler scheduler;
  fakes::FakeKernel kernel{scheduler};

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return *(values.begin() + below(static_cast<int>(values.size())));
  }
  std::uint8_t any_protocol() { return one_of<std::uint8_t>({kNumbers.protocol, 4, 16}); }
  fakes::AddMode any_mode() {
    return one_of({fakes::AddMode::add, fakes::AddMode::append, fakes::AddMode::prepend});
  }

  Route any_route() {
    const auto* device = one_of({"eth0", "eth1"});
    Route route = default_via(kernel, device == std::string("eth0") ? "192.0.2.1" : "198.51.100.1", device,
                              one_of({0U, 1U, 3U, 100U}));
    route.protocol = any_protocol();
    route.table = one_of({kMainTable, kMainTable, 7000U, 7001U, 7002U, 7007U});
    if (route.table == kNumbers.table_base) {
      route.protocol = kNumbers.protocol;  // nobody else's
    } else if (below(4) == 0) {
      route.destination = prefix("172.16.0.0/12");
    } else if (below(6) == 0) {
      route.type = RouteType::unreachable;
      route.next_hops.clear();
      if (route.table == kMainTable) route.protocol = 4;  // there routed makes none
    }
    return route;
  }
  Rule any_rule() {
    Rule rule;
    rule.priority = one_of({1010U, 1020U, 1021U, 1040U, 1041U, 5270U});
    rule.protocol = any_protocol();
    rule.table = one_of({7001U, 7002U, 52U});
    if (below(4) == 0) return any_rule_of_the_front(rule);
    // Ours select by one thing, as routed makes them; those of others by one or two.
    const bool ours = rule.protocol == kNumbers.protocol;
    if (ours && below(3) == 0) {
      rule.mark = MarkMatch{one_of({0x1000000U, 0x2000000U, 0x7000000U}), 0x3f000000};
      return rule;
    }
    const bool by_device = below(2) == 0;
    if (by_device) rule.oif = one_of({"eth0", "eth1"});
    if (!by_device || (!ours && below(2) == 0)) {
      rule.from = prefix(one_of({"192.0.2.2/32", "198.51.100.2/32", "10.9.9.9/32"}));
    }
    return rule;
  }

  /// Without a selector, or with a mark: of others all of `main`, of ours what the front is made of.
  Rule any_rule_of_the_front(Rule rule) {
    const bool ours = rule.protocol == kNumbers.protocol;
    const bool marked = below(2) == 0;
    rule.priority = (marked ? 5210U : 32766U) - (ours ? 1U : 0U);
    if (marked) rule.mark = MarkMatch{0x80000, 0xff0000};
    rule.table = ours && below(2) == 0 ? kNumbers.table_base : kMainTable;
    if (ours && rule.table == kMainTable) rule.suppress_prefix = 0;
    return rule;
  }

  std::mt19937_64& random_;
};

template <class Item>
std::vector<Item> owned(const std::vector<Item>& all) {
  std::vector<Item> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [](const Item& item) { return item.protocol == kNumbers.protocol; });
  std::sort(out.begin(), out.end());
  return out;
}

bool has_owned_default(const KernelState& state) {
  return owned_default(state, Family::v4, kNumbers) != nullptr;
}

TEST(RouteDiff, LeadsFromAnyStateToTheWantedOneAndTouchesNothingElse) {
  auto random = seeded_random();
  for (int round = 0; round < kRounds; ++round) {
    AnyKernel any(random);
    const auto wanted = any.any_wanted();
    const auto before = any.kernel.read().value();
    const auto foreign = fakes::foreign_state(any.kernel);
    const bool must_not_lack = has_owned_default(before);
    for (const auto& operation : diff_routes(before, wanted, kNumbers)) {
      const auto applied = any.kernel.apply(operation);
      ASSERT_TRUE(applied) << to_string(operation, before) << ": " << applied.error().message;
      const auto now = any.kernel.read().value();
      ASSERT_TRUE(!must_not_lack || has_owned_default(now)) << to_string(operation, before);
    }
    const auto after = any.kernel.read().value();
    ASSERT_EQ(owned(after.routes), owned(wanted.routes));
    ASSERT_EQ(owned(after.rules), owned(wanted.rules));
    ASSERT_EQ(fakes::foreign_state(any.kernel), foreign);
    ASSERT_THAT(diff_routes(after, wanted, kNumbers), IsEmpty());
  }
}

TEST(RouteDiff, AtNoStepIsThePathToTheInternetWorse) {
  auto random = seeded_random();
  const fakes::Flow flow{.destination = address("203.0.113.9")};
  for (int round = 0; round < kRounds; ++round) {
    AnyKernel any(random);
    const auto wanted = any.any_wanted();
    const auto before = any.kernel.read().value();
    bool carried = !any.kernel.carrier_of(flow).empty();
    for (const auto& operation : diff_routes(before, wanted, kNumbers)) {
      const auto applied = any.kernel.apply(operation);
      ASSERT_TRUE(applied) << to_string(operation, before) << ": " << applied.error().message;
      const bool carries = !any.kernel.carrier_of(flow).empty();
      ASSERT_TRUE(carries || !carried) << to_string(operation, before);
      carried = carries;
    }
  }
}

TEST(RouteDiff, PutsTheDefaultOfMainFirstAndTakesTheOldOneLast) {
  fakes::FakeScheduler scheduler;
  fakes::FakeKernel kernel(scheduler);
  fakes::add_two_uplinks_and_lan(kernel);
  Route old = default_via(kernel, "192.0.2.1", "eth0", 1);
  old.protocol = kNumbers.protocol;
  Route fresh = default_via(kernel, "198.51.100.1", "eth1", 1);
  fresh.protocol = kNumbers.protocol;
  Route in_table = fresh;
  in_table.table = 7002;
  Route stale = old;
  stale.table = 7001;
  Rule stale_rule;
  stale_rule.priority = 1010;
  stale_rule.protocol = kNumbers.protocol;
  stale_rule.oif = "eth0";
  stale_rule.table = 7001;
  Rule rule = stale_rule;
  rule.table = 7002;
  for (const auto& route : {old, stale}) ASSERT_TRUE(kernel.add_route(route));
  ASSERT_TRUE(kernel.add_rule(stale_rule));
  const std::vector<RouteOperation> expected{PrependRoute{fresh}, PrependRoute{in_table},
                                             AddRule{rule},       DeleteRule{stale_rule},
                                             DeleteRoute{stale},  DeleteRoute{old}};
  EXPECT_EQ(diff_routes(kernel.read().value(), {{fresh, in_table}, {rule}}, kNumbers), expected);
  EXPECT_TRUE(supersedes(expected[0], expected[5]));
  EXPECT_FALSE(supersedes(expected[1], expected[5]));
  EXPECT_FALSE(supersedes(expected[5], expected[0]));
}

TEST(RouteDiff, WhatLeadsPacketsOfNewMarksComesFirstWhereTheMaskChanges) {
  const auto by_mark = [](std::uint32_t mask) {
    Rule rule;
    rule.priority = 1020;
    rule.mark = MarkMatch{0x10000U, mask};
    rule.table = 7001;
    return rule;
  };
  Rule policy;
  policy.from = prefix("10.0.0.0/8");
  policy.table = 7101;
  Route in_main;
  in_main.table = kMainTable;
  Route in_table;
  in_table.table = 7001;
  Route in_policy;
  in_policy.table = 7101;
  const std::vector<RouteOperation> planned{PrependRoute{in_main},       PrependRoute{in_table},
                                            PrependRoute{in_policy},     AddRule{policy},
                                            AddRule{by_mark(0xff0000U)}, DeleteRule{by_mark(0x3f000000U)}};
  auto operations = planned;
  EXPECT_EQ(put_steering_first(operations, 0xff0000U), 2U);
  EXPECT_EQ(operations, (std::vector<RouteOperation>{planned[1], planned[4], planned[0], planned[2],
                                                     planned[3], planned[5]}));
  operations.pop_back();
  EXPECT_EQ(put_steering_first(operations, 0xff0000U), 0U) << "the mask stays";
}

/// The rules and routes of so many uplinks.
OwnedState many_uplinks(unsigned count) {
  OwnedState out;
  for (unsigned i = 1; i <= count; ++i) {
    const auto own =
        IpAddress::from_v4({10, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i), 2});
    Route route;
    route.table = kNumbers.table_base + i;
    route.protocol = kNumbers.protocol;
    route.destination = IpPrefix::default_of(Family::v4);
    route.next_hops = {{i + 1, own}};
    out.routes.push_back(route);
    for (const std::uint32_t priority : {1010U, 1020U, 1030U, 1040U}) {
      Rule rule;
      rule.priority = priority;
      rule.protocol = kNumbers.protocol;
      rule.table = route.table;
      if (priority < 1030) rule.oif = "wan" + std::to_string(i);
      if (priority >= 1030) rule.from = IpPrefix{own, 32};
      out.rules.push_back(rule);
    }
  }
  return out;
}

TEST(RouteDiff, WithThousandsOfUplinksItIsNotEachComparedWithEach) {
  const auto wanted = many_uplinks(4000);
  auto random = seeded_random();
  KernelState actual;
  actual.routes = wanted.routes;
  actual.rules = wanted.rules;
  EXPECT_THAT(diff_routes(actual, wanted, kNumbers), IsEmpty());

  std::shuffle(actual.rules.begin(), actual.rules.end(), random);
  std::shuffle(actual.routes.begin(), actual.routes.end(), random);
  const auto begun = std::clock();  // of this process: others may want the processor too
  const auto in_any_order = diff_routes(actual, wanted, kNumbers);
  const auto added = diff_routes({}, wanted, kNumbers);
  const auto removed = diff_routes(actual, {}, kNumbers);
  const auto took = static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  EXPECT_THAT(in_any_order, IsEmpty()) << "their rules select different packets";
  EXPECT_EQ(added.size(), 20000U);
  EXPECT_EQ(removed.size(), 20000U);
  EXPECT_LE(took, 5) << "some 20 ms without sanitisers; each compared with each took many times that";
}

TEST(RouteDiff, RulesForTheSamePacketsComeInTheWantedOrder) {
  OwnedState wanted;
  for (const std::uint32_t table : {7001U, 7002U, 7003U}) {
    Rule rule;
    rule.priority = 1010;
    rule.protocol = kNumbers.protocol;
    rule.oif = "eth0";
    rule.table = table;
    wanted.rules.push_back(rule);
  }
  const auto& [first, second, third] = std::tie(wanted.rules[0], wanted.rules[1], wanted.rules[2]);
  const auto diff = [&](std::vector<Rule> present) {
    return diff_routes({{}, {}, {}, std::move(present)}, wanted, kNumbers);
  };
  using Operations = std::vector<RouteOperation>;
  EXPECT_EQ(diff({first, second, third}), Operations{});
  EXPECT_EQ(diff({first, third, second}), (Operations{AppendRule{third}, DeleteRule{third}}));
  EXPECT_EQ(diff({second, third}), (Operations{AddRule{first}, AppendRule{second}, AppendRule{third},
                                               DeleteRule{third}, DeleteRule{second}}));
}

}  // namespace route_diff_test
}  // namespace multilink
