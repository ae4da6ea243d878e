// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/swallowing_rules.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/doctor.hpp"
#include "multilink/core/host_check.hpp"

namespace multilink {
namespace swallowing_rules_test {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class SwallowingRulesTest : public testing::Test {
 protected:
  SwallowingRulesTest() { fakes::add_two_uplinks_and_lan(kernel_); }

  std::vector<SwallowingRule> found() {
    return swallowing_rules(kernel_.read().value(), {kernel_.link("eth0").index, kernel_.link("eth1").index},
                            {});
  }
  /// "PRIORITY: from all lookup 200", with a default there.
  Rule add_catch_all(std::uint32_t priority = 100, std::string_view device = "eth0",
                     std::string_view gateway = "192.0.2.1") {
    Route route = fakes::default_via(kernel_, gateway, device);
    route.table = 200;
    EXPECT_TRUE(kernel_.add_route(route));
    Rule rule;
    rule.priority = priority;
    rule.table = 200;
    return rule;
  }
  void add(const Rule& rule) { ASSERT_TRUE(kernel_.add_rule(rule)); }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
};

TEST_F(SwallowingRulesTest, AnOrdinaryHostHasNone) {
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(SwallowingRulesTest, ACatchAllBeforeMainTakesTheDefaultAway) {
  add(add_catch_all());
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].by, SwallowedBy::device);
  EXPECT_THAT(describe(found()[0]), AllOf(StartsWith(kOfARule), HasSubstr("takes all IPv4 packets"),
                                          HasSubstr("default via 192.0.2.1 dev eth0 table 200"),
                                          HasSubstr("ip -4 rule del pref 100")));
  const auto config = fakes::two_uplinks();
  EXPECT_THAT(check_host(config, kernel_.read().value(), {}, {}).warnings, Contains(StartsWith(kOfARule)))
      << "on the page and in the log, too";
  EXPECT_THAT(check_foreign_rules(config, kernel_.read().value(), {}),
              Contains(AllOf(Field(&Check::verdict, Verdict::problem),
                             Field(&Check::remedy, HasSubstr("ip -4 rule del pref 100")))));
}

TEST_F(SwallowingRulesTest, WhatDoesNotReachTheDefaultIsNone) {
  add(add_catch_all(32'767));  // behind main
  Rule narrow;
  narrow.priority = 100;
  narrow.table = 200;
  narrow.from = fakes::prefix("192.0.2.2/32");
  add(narrow);
  Rule specifics;
  specifics.priority = 101;
  specifics.table = 200;
  specifics.suppress_prefix = 0;
  add(specifics);
  Rule empty;
  empty.priority = 102;
  empty.table = 201;
  add(empty);
  Rule ours;
  ours.priority = 103;
  ours.table = 200;
  ours.protocol = RoutingNumbers{}.protocol;
  add(ours);
  Rule marked;
  marked.priority = 104;
  marked.table = 200;
  marked.mark = MarkMatch{0x1, 0xff};
  add(marked);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(SwallowingRulesTest, ATunnelThatIsToCarryEverythingIsSaidButNoProblem) {
  kernel_.add_link("wg0", true);
  kernel_.add_address("wg0", "10.9.0.1/24");
  auto rule = add_catch_all(32'765, "wg0", "10.9.0.9");
  rule.inverted = true;  // wg-quick
  rule.mark = MarkMatch{0xca6c, 0xffffffff};
  add(rule);
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].by, SwallowedBy::tunnel);
  const auto config = fakes::two_uplinks();
  EXPECT_THAT(check_host(config, kernel_.read().value(), {}, {}).warnings,
              Not(Contains(StartsWith(kOfARule))));
  EXPECT_EQ(count_of(check_foreign_rules(config, kernel_.read().value(), {}), Verdict::problem), 0U);
  EXPECT_EQ(count_of(check_foreign_rules(config, kernel_.read().value(), {}), Verdict::note), 1U);
}

TEST_F(SwallowingRulesTest, ARuleThatRefusesEverythingIsOne) {
  Rule rule;
  rule.priority = 50;
  rule.unreachable = true;
  add(rule);
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_THAT(describe(found()[0]), HasSubstr("they are refused (unreachable)"));
}

}  // namespace swallowing_rules_test
}  // namespace multilink
