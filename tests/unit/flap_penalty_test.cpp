// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/flap_penalty.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace flap_penalty_test {

using namespace std::chrono_literals;

const MonoTime kStart{std::chrono::hours(10)};

TEST(FlapPenalty, OneFailureCostsNothing) {
  FlapPenalty penalty;
  EXPECT_EQ(penalty.extra_wait(kStart), 0s);
  penalty.on_down(false, kStart);
  EXPECT_EQ(penalty.extra_wait(kStart), 0s);
}

TEST(FlapPenalty, NorDoesASecondOneHoursLater) {
  FlapPenalty penalty;
  penalty.on_down(false, kStart);
  penalty.on_down(false, kStart + 4h);
  EXPECT_GT(penalty.at(kStart + 4h), FlapPenalty::kFree);
  EXPECT_EQ(penalty.extra_wait(kStart + 4h), 0s);
}

TEST(FlapPenalty, HalvesEveryHalfLife) {
  FlapPenalty penalty;
  for (int i = 0; i < 8; ++i) penalty.on_down(false, kStart);
  EXPECT_NEAR(penalty.at(kStart), 8, 1e-9);
  EXPECT_NEAR(penalty.at(kStart + FlapPenalty::kHalfLife), 4, 1e-9);
  EXPECT_NEAR(penalty.at(kStart + 3 * FlapPenalty::kHalfLife), 1, 1e-9);
}

TEST(FlapPenalty, TheWaitGrowsWithEachFailureUpToItsMost) {
  FlapPenalty penalty;
  Duration last{};
  for (int i = 0; i < 40; ++i) {
    penalty.on_suspect(kStart);
    const Duration wait = penalty.extra_wait(kStart);
    EXPECT_GE(wait, last);
    EXPECT_LE(wait, FlapPenalty::kMostWait);
    last = wait;
  }
  EXPECT_EQ(last, FlapPenalty::kMostWait);
}

TEST(FlapPenalty, ALinkThatStuttersAHundredTimesAnHourReturnsAtMostThirtyTimes) {
  FlapPenalty penalty;
  MonoTime now = kStart;
  int returns = 0;
  while (now < kStart + 1h) {
    penalty.on_suspect(now);
    now += 36s;  // the next stutter, if it were not for the wait before traffic returns
    if (penalty.extra_wait(now) < 36s) ++returns;
  }
  EXPECT_LE(returns, 30);
}

}  // namespace flap_penalty_test
}  // namespace multilink
