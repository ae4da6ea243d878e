// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/sequential_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace multilink {
namespace sequential_test_test {

int losses_until_dead(double baseline) {
  SequentialTest test;
  test.set_baseline(baseline);
  int losses = 0;
  while (!test.says_dead()) {
    test.add(Outcome::lost);
    ++losses;
  }
  return losses;
}

TEST(SequentialTest, NeedsAsManyLossesAsTheArithmeticSays) {
  // ceil(ln 10^6 / ln(0.99 / p0))
  EXPECT_EQ(losses_until_dead(0.00), 4);
  EXPECT_EQ(losses_until_dead(0.02), 4);
  EXPECT_EQ(losses_until_dead(0.05), 5);
  EXPECT_EQ(losses_until_dead(0.10), 7);
  EXPECT_EQ(losses_until_dead(0.30), 12);
}

TEST(SequentialTest, FourAnswersTakeAVerdictBack) {
  SequentialTest test;
  for (int i = 0; i < 100; ++i) test.add(Outcome::lost);
  ASSERT_TRUE(test.says_dead());
  for (int i = 0; i < 4; ++i) test.add(Outcome::answered);
  EXPECT_TRUE(test.is_calm());
}

TEST(SequentialTest, ALateAnswerCountsAsAnAnswer) {
  SequentialTest test;
  test.add(Outcome::lost);
  test.add(Outcome::lost);
  test.correct_to_answered();
  SequentialTest other;
  other.add(Outcome::lost);
  other.add(Outcome::answered);
  EXPECT_NEAR(test.score(), other.score(), 1e-9);
}

TEST(SequentialTest, TheScoreStaysInItsRangeAndALossNeverLowersIt) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> any(0, 1);
  SequentialTest test;
  for (int i = 0; i < 100'000; ++i) {
    const double before = test.score();
    if (any(random) < 0.01) test.set_baseline(any(random));
    const auto outcome = any(random) < 0.4 ? Outcome::lost : Outcome::answered;
    test.add(outcome);
    ASSERT_GE(test.score(), 0) << "seed " << seed;
    ASSERT_LE(test.score(), SequentialTest::kDecision) << "seed " << seed;
    if (outcome == Outcome::lost) {
      ASSERT_GE(test.score(), before) << "seed " << seed;
    } else {
      ASSERT_LE(test.score(), before) << "seed " << seed;
    }
  }
}

/// Random loss at the baseline, judged at every probe: how often it is called dead in `probes` probes.
int false_verdicts(double loss, int probes, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution is_lost(loss);
  SequentialTest test;
  test.set_baseline(loss);
  int verdicts = 0;
  for (int i = 0; i < probes; ++i) {
    test.add(is_lost(random) ? Outcome::lost : Outcome::answered);
    if (test.says_dead()) {
      ++verdicts;
      test.reset();
    }
  }
  return verdicts;
}

TEST(SequentialTest, RandomLossAtTheBaselineIsHardlyEverCalledDead) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  for (const double loss : {0.01, 0.05, 0.10, 0.20, 0.30}) {
    // Wald: at most one wrong verdict in a million excursions; a million probes hold fewer excursions than
    // that.
    EXPECT_LE(false_verdicts(loss, 1'000'000, seed), 8) << "loss " << loss << ", seed " << seed;
  }
}

}  // namespace sequential_test_test
}  // namespace multilink
