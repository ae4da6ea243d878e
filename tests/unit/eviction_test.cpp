// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/eviction.hpp"

#include <gmock/gmock.h>

#include "unit/eviction_fixture.hpp"

namespace multilink {
namespace eviction_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kUdp = EvictionScope::udp_and_opening;
constexpr auto kAll = EvictionScope::all;

TEST_F(EvictionTest, NothingLeavesWhatIsWell) {
  EXPECT_THAT(step(), IsEmpty());
  fibre().carries = lte().carries = true;
  EXPECT_THAT(step(), IsEmpty());
  EXPECT_FALSE(next_);
  pass(1h);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(EvictionTest, UdpAloneLeavesASuspectOnceTheOtherCarries) {
  fibre().health = HealthState::suspect;
  EXPECT_THAT(step(), IsEmpty());  // the route still leads over it
  lead_over(lte());
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kUdp, EvictionCause::suspect)));
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(EvictionTest, StragglersAreLookedForSlowerAndSlower) {
  fibre().health = HealthState::suspect;
  lead_over(lte());
  step();
  std::vector<Duration> pauses;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(next_);
    pauses.push_back(*next_ - now_);
    now_ = *next_ - 1ns;
    EXPECT_THAT(step(), IsEmpty());
    now_ += 1ns;
    EXPECT_THAT(step(), ElementsAre(again(order(fibre(), kUdp, EvictionCause::suspect))));
  }
  EXPECT_THAT(pauses, ElementsAre(250ms, 1s, 4s, 15s, 1min, 1min));
}

TEST_F(EvictionTest, SuspectMovesNoneLeavesUdpWhereItIs) {
  config(fibre()).suspect_moves = SuspectMoves::none;
  fibre().health = HealthState::suspect;
  lead_over(lte());
  EXPECT_THAT(step(), IsEmpty());
  fibre().health = HealthState::down;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, EverythingLeavesWhatIsDown) {
  fibre().health = HealthState::suspect;
  lead_over(lte());
  step();
  pass(3s);
  fibre().health = HealthState::down;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, NothingLeavesWhileNoOtherIsUsable) {
  fibre().health = HealthState::down;
  lte().health = HealthState::down;
  lead_over(lte());
  EXPECT_THAT(step(), IsEmpty());
  lte().health = HealthState::suspect;
  EXPECT_THAT(step(), IsEmpty());
  lte().health = HealthState::up;
  lte().fact = LinkFact::no_carrier;
  EXPECT_THAT(step(), IsEmpty());
  lte().fact = LinkFact::ok;
  config(lte()).enabled = false;
  EXPECT_THAT(step(), IsEmpty());
  config(lte()).enabled = true;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, WhatIsUnknownRelievesWhileItCarries) {
  fibre().health = HealthState::down;
  lte().health = HealthState::unknown;
  EXPECT_THAT(step(), IsEmpty());
  lead_over(lte());
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, WhatOnlyAnswersRelievesWhatDoesNot) {
  fibre().health = HealthState::down;
  fibre().answers = true;
  lte().health = HealthState::suspect;
  lte().answers = true;
  lead_over(lte());
  EXPECT_THAT(step(), IsEmpty());
  fibre().answers = false;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, NothingLeavesWhatIsUnknown) {
  fibre().health = HealthState::unknown;
  lead_over(lte());
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(EvictionTest, ALostLinkLosesUdpAtOnceAndTheRestAfterEvictAfter) {
  fibre().fact = LinkFact::no_carrier;
  lead_over(lte());
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kUdp, EvictionCause::link_fact)));
  fibre().health = HealthState::down;  // healthd has heard of it too
  pass(3s - 1ns);
  EXPECT_THAT(step(), ElementsAre(again(order(fibre(), kUdp, EvictionCause::link_fact))));
  EXPECT_EQ(next_, now_ + 1ns);
  pass(1ns);
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::link_fact)));
}

TEST_F(EvictionTest, AnotherFactOfTheSameLossDoesNotBeginAnew) {
  fibre().fact = LinkFact::no_carrier;
  lead_over(lte());
  step();
  pass(2s);
  fibre().fact = LinkFact::no_address;
  step();
  pass(1s);
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::link_fact)));
}

TEST_F(EvictionTest, SuspectMovesNoneIsNotAboutLostLinks) {
  config(fibre()).suspect_moves = SuspectMoves::none;
  fibre().fact = LinkFact::no_carrier;
  lead_over(lte());
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kUdp, EvictionCause::link_fact)));
}

class ACableThatWasOutForAMoment : public EvictionTest {
 protected:
  ACableThatWasOutForAMoment() {
    fibre().fact = LinkFact::no_carrier;
    lead_over(lte());
    step();
    fibre().health = HealthState::down;
    pass(500ms);
    fibre().fact = LinkFact::ok;
    EXPECT_THAT(scopes(step()), testing::Each(kUdp));
  }
};

TEST_F(ACableThatWasOutForAMoment, CutsNothingIfTheLinkAnswers) {
  pass(11s);
  fibre().answers = true;
  for (int i = 0; i < 300; ++i) {
    EXPECT_THAT(scopes(step()), testing::Each(kUdp));
    pass(1s);
  }
  fibre().health = HealthState::up;
  lead_over(fibre());
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(ACableThatWasOutForAMoment, CutsAllIfTheLinkDoesNot) {
  pass(EvictionPolicy::kProbation - 1ns);
  EXPECT_THAT(scopes(step()), testing::Each(kUdp));
  pass(1ns);
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(ACableThatWasOutForAMoment, CutsAllIfTheLinkFailsByItselfLater) {
  pass(11s);
  fibre().health = HealthState::up;
  step();
  fibre().health = HealthState::suspect;
  EXPECT_THAT(scopes(step()), testing::Each(kUdp));
  fibre().health = HealthState::down;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, HealthdsWordOnALossMayComeAfterItsEnd) {
  fibre().fact = LinkFact::no_carrier;
  lead_over(lte());
  step();
  pass(200ms);
  fibre().fact = LinkFact::ok;
  step();
  pass(EvictionPolicy::kEcho);
  fibre().health = HealthState::down;
  EXPECT_THAT(scopes(step()), testing::Each(kUdp));
}

TEST_F(EvictionTest, AWordOfHealthdLongAfterALossIsNotAboutIt) {
  fibre().fact = LinkFact::no_carrier;
  lead_over(lte());
  step();
  fibre().fact = LinkFact::ok;
  step();
  pass(EvictionPolicy::kEcho + 1ms);
  fibre().health = HealthState::down;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, ALinkThatWasDownAlreadyGetsNoPatienceForItsCable) {
  fibre().health = HealthState::down;
  lead_over(lte());
  step();
  fibre().fact = LinkFact::no_carrier;
  step();
  fibre().fact = LinkFact::ok;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::down)));
}

TEST_F(EvictionTest, EverythingLeavesWhatIsDisabledOrRemoved) {
  config(fibre()).enabled = false;
  lead_over(lte());
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kAll, EvictionCause::disabled)));
  const auto removed = order(fibre(), kAll, EvictionCause::removed);
  subjects_.erase(subjects_.begin());
  EXPECT_THAT(step(), ElementsAre(removed));
  EXPECT_THAT(step(), IsEmpty());
  pass(1s);
  EXPECT_THAT(step(), ElementsAre(again(removed)));
  pass(1h);
  EXPECT_THAT(step(), IsEmpty());
  EXPECT_FALSE(next_);
}

TEST_F(EvictionTest, WhatWasRemovedBeforeThisPolicyLookedOnLeavesToo) {
  lead_over(lte());
  policy_.expect_removed(Family::v4, 9, "former");
  EXPECT_THAT(step(), ElementsAre(EvictionOrder{"former", 9, Family::v4, kAll, EvictionCause::removed}));
}

TEST_F(EvictionTest, WhatIsRemovedWaitsForAnUplinkThatWorks) {
  lte().health = HealthState::down;
  step();
  const auto removed = order(fibre(), kAll, EvictionCause::removed);
  subjects_.erase(subjects_.begin());
  lead_over(lte());
  EXPECT_THAT(step(), IsEmpty());
  lte().health = HealthState::up;
  EXPECT_THAT(step(), ElementsAre(removed));
}

TEST_F(EvictionTest, TheFamiliesDoNotMixUp) {
  fibre().health = HealthState::suspect;
  lead_over(lte());
  auto six = order(fibre(), kUdp, EvictionCause::suspect);
  six.family = Family::v6;
  EXPECT_THAT(step(), ElementsAre(order(fibre(), kUdp, EvictionCause::suspect)));
  EXPECT_THAT(step(Family::v6), ElementsAre(six));
}

TEST_F(EvictionTest, WhatFailedIsTriedAgainIfItIsStillRight) {
  fibre().health = HealthState::suspect;
  lead_over(lte());
  const auto udp = order(fibre(), kUdp, EvictionCause::suspect);
  step();
  pass(1ms);
  policy_.failed(udp, now_);
  pass(EvictionPolicy::kRetry);
  EXPECT_THAT(step(), ElementsAre(again(udp)));
  policy_.failed(udp, now_);
  fibre().health = HealthState::up;
  pass(EvictionPolicy::kRetry);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(EvictionTest, AFailureOfWhatHasBeenOvertakenDelaysNothing) {
  fibre().health = HealthState::suspect;
  lead_over(lte());
  step();
  fibre().health = HealthState::down;
  step();
  const auto due = next_;
  policy_.failed(order(fibre(), kUdp, EvictionCause::suspect), now_);
  policy_.failed(order(lte(), kUdp, EvictionCause::suspect), now_);
  step();
  EXPECT_EQ(next_, due);
}

}  // namespace eviction_test
}  // namespace multilink
