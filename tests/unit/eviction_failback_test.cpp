// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "multilink/core/eviction.hpp"
#include "unit/eviction_fixture.hpp"

namespace multilink {
namespace eviction_failback_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kUdp = EvictionScope::udp;
constexpr auto kAll = EvictionScope::all;

/// lte has carried the traffic for a while.
class FailbackTest : public EvictionTest {
 protected:
  FailbackTest() { fail_over(); }

  void fail_over() {
    fibre().health = HealthState::down;
    lead_over(lte());
    step();
    pass(10min);
    step();
    fibre().health = HealthState::up;
  }
  std::vector<EvictionOrder> fail_back() {
    lead_over(fibre());
    return step();
  }
};

TEST_F(FailbackTest, GracefulMovesUdpThatStillRunsAfterAWhileAndNothingElse) {
  EXPECT_THAT(fail_back(), IsEmpty());
  EXPECT_EQ(next_, now_ + 2min);
  pass(2min - 1ns);
  EXPECT_THAT(step(), IsEmpty());
  pass(1ns);
  const auto udp = order(lte(), kUdp, EvictionCause::failback);
  EXPECT_THAT(step(), ElementsAre(udp));
  EXPECT_THAT(step(), IsEmpty());
  pass(1s);
  EXPECT_THAT(step(), ElementsAre(again(udp)));
  EXPECT_FALSE(next_);
  pass(24h);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(FailbackTest, EachFailbackCountsAnew) {
  fail_back();
  pass(2min);
  step();
  fail_over();
  fail_back();
  pass(1min);
  EXPECT_THAT(step(), IsEmpty());
  pass(1min);
  EXPECT_THAT(step(), ElementsAre(order(lte(), kUdp, EvictionCause::failback)));
}

TEST_F(FailbackTest, TheSettingsAreThoseOfTheUplinkThatReturned) {
  config(fibre()).failback_udp_after = 0s;
  config(lte()).failback = Failback::flush;
  EXPECT_THAT(fail_back(), ElementsAre(order(lte(), kUdp, EvictionCause::failback)));
}

TEST_F(FailbackTest, FlushMovesAllAtOnce) {
  config(fibre()).failback = Failback::flush;
  const auto all = order(lte(), kAll, EvictionCause::failback);
  EXPECT_THAT(fail_back(), ElementsAre(all));
  pass(1s);
  EXPECT_THAT(step(), ElementsAre(again(all)));
  pass(10min);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(FailbackTest, FlushWaitsForTheRoute) {
  config(fibre()).failback = Failback::flush;
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(FailbackTest, AStartIsNoFailback) {
  config(fibre()).failback = Failback::flush;
  policy_ = {};
  EXPECT_THAT(fail_back(), IsEmpty());
  pass(2min);
  EXPECT_THAT(step(), ElementsAre(order(lte(), kUdp, EvictionCause::failback)));  // one that began before it
}

TEST_F(FailbackTest, ManualFailbackMovesNothingBetweenTwoThatAreWell) {
  config(fibre()).failback = Failback::manual;
  pass(24h);
  EXPECT_THAT(step(), IsEmpty());  // fibre is up, and lte carries
  EXPECT_THAT(fail_back(), IsEmpty());
  pass(2min);
  EXPECT_THAT(step(), ElementsAre(order(lte(), kUdp, EvictionCause::failback)));
}

TEST_F(FailbackTest, AnotherFailoverInTheMeantimeEndsIt) {
  fail_back();
  pass(1min);
  fail_over();
  pass(2min);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(FailbackTest, WhatIsUnknownIsLeftUntilItIsKnown) {
  fail_back();
  lte().health = HealthState::unknown;
  pass(5min);
  EXPECT_THAT(step(), IsEmpty());
  lte().health = HealthState::up;
  EXPECT_THAT(step(), ElementsAre(order(lte(), kUdp, EvictionCause::failback)));
}

TEST_F(FailbackTest, MembersOfATierThatCarryAreLeftAlone) {
  config(lte()).precedence = 1;
  config(lte()).metered = 0s;
  config(fibre()).failback = Failback::flush;
  fibre().carries = lte().carries = true;
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(step(), IsEmpty());
    pass(1min);
  }
}

TEST_F(FailbackTest, AnEqualIsNoBetterOne) {
  config(lte()).precedence = 1;
  config(lte()).metered = 0s;
  EXPECT_THAT(fail_back(), IsEmpty());
  pass(1h);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(FailbackTest, EverythingLeavesAMeteredOneAfterItsGrace) {
  config(lte()).metered = 1min;
  EXPECT_THAT(fail_back(), IsEmpty());
  EXPECT_EQ(next_, now_ + 1min);
  pass(1min);
  const auto all = order(lte(), kAll, EvictionCause::metered);
  EXPECT_THAT(step(), ElementsAre(all));
  pass(1s);
  EXPECT_THAT(step(), ElementsAre(again(all)));
  pass(1h);
  EXPECT_THAT(step(), ElementsAre(order(lte(), kUdp, EvictionCause::failback)));
}

TEST_F(FailbackTest, AMeteredOneIsLeftAloneWhileItIsNeeded) {
  config(lte()).metered = 0s;
  pass(1h);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(FailbackTest, WhatFailedIsTriedAgain) {
  config(lte()).metered = 1min;
  config(fibre()).failback_udp_after = 1min;
  fail_back();
  pass(1min);
  const auto all = order(lte(), kAll, EvictionCause::metered);
  const auto udp = order(lte(), kUdp, EvictionCause::failback);
  EXPECT_THAT(step(), ElementsAre(all, udp));
  policy_.failed(all, now_);
  policy_.failed(udp, now_);
  pass(EvictionPolicy::kRetry);
  EXPECT_THAT(step(), ElementsAre(all, udp));
}

TEST_F(FailbackTest, AFlushThatFailedIsTriedAgain) {
  config(fibre()).failback = Failback::flush;
  fail_back();
  const auto all = order(lte(), kAll, EvictionCause::failback);
  policy_.failed(all, now_);
  pass(EvictionPolicy::kRetry);
  EXPECT_THAT(step(), ElementsAre(all));
}

}  // namespace eviction_failback_test
}  // namespace multilink
