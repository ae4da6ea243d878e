// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/health_belief.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace health_belief_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HealthBeliefTest : public testing::Test {
 protected:
  void hear(HealthState state, const std::string& event) { belief_.hear(state, event, now_, seconds(10)); }
  void see(LinkFact fact) { belief_.see(fact, now_); }

  HealthBelief belief_;
  MonoTime now_{std::chrono::hours(1)};
};

TEST_F(HealthBeliefTest, NothingHeardIsUnknown) {
  see(LinkFact::ok);
  EXPECT_EQ(belief_.state(), HealthState::unknown);
}

TEST_F(HealthBeliefTest, BelievesAtOnceWhileTheLinkIsFine) {
  see(LinkFact::ok);
  for (const auto state :
       {HealthState::up, HealthState::suspect, HealthState::up, HealthState::down, HealthState::unknown}) {
    hear(state, "e");
    EXPECT_EQ(belief_.state(), state);
  }
}

TEST_F(HealthBeliefTest, AnUpFromBeforeTheLossIsNotBelievedAtTheReturn) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_carrier);
  EXPECT_EQ(belief_.state(), HealthState::unknown);
  hear(HealthState::up, "e1");
  now_ += milliseconds(200);
  see(LinkFact::ok);
  hear(HealthState::up, "e1");
  EXPECT_EQ(belief_.state(), HealthState::unknown);
}

TEST_F(HealthBeliefTest, AnotherStateEndsTheDoubt) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_carrier);
  hear(HealthState::down, "e2");
  EXPECT_EQ(belief_.state(), HealthState::down);
  see(LinkFact::ok);
  hear(HealthState::down, "e2");
  EXPECT_EQ(belief_.state(), HealthState::down);
  hear(HealthState::up, "e3");
  EXPECT_EQ(belief_.state(), HealthState::up);
}

TEST_F(HealthBeliefTest, AnUpByAnotherEventEndsTheDoubt) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_address);
  see(LinkFact::ok);
  hear(HealthState::up, "e3");
  EXPECT_EQ(belief_.state(), HealthState::up);
}

TEST_F(HealthBeliefTest, AnUpHeardWhileTheLinkIsGoneIsDoubtedWhateverItsEvent) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_carrier);
  hear(HealthState::up, "e3");
  EXPECT_EQ(belief_.state(), HealthState::unknown);
}

TEST_F(HealthBeliefTest, ALossThatHealthdNeverNoticedIsForgivenAfterUpAfter) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_carrier);
  see(LinkFact::ok);
  now_ += milliseconds(9'999);
  hear(HealthState::up, "e1");
  EXPECT_EQ(belief_.state(), HealthState::unknown);
  now_ += milliseconds(1);
  hear(HealthState::up, "e1");
  EXPECT_EQ(belief_.state(), HealthState::up);
}

TEST_F(HealthBeliefTest, WithoutAnyWordTheDoubtStays) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_carrier);
  see(LinkFact::ok);
  now_ += std::chrono::hours(1);
  see(LinkFact::ok);
  EXPECT_EQ(belief_.state(), HealthState::unknown);
}

TEST_F(HealthBeliefTest, EachLossStartsTheTimeAnew) {
  hear(HealthState::up, "e1");
  see(LinkFact::no_carrier);
  see(LinkFact::ok);
  now_ += seconds(9);
  see(LinkFact::no_carrier);
  see(LinkFact::ok);
  now_ += seconds(9);
  hear(HealthState::up, "e1");
  EXPECT_EQ(belief_.state(), HealthState::unknown);
}

}  // namespace health_belief_test
}  // namespace multilink
