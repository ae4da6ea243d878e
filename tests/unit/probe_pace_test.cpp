// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/probe_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "seeded.hpp"

namespace multilink {
namespace probe_pace_test {

using namespace std::chrono_literals;

TEST(ProbePaceTest, ThePauseIsTheIntervalOnAverageAndNeverMuchLonger) {
  auto random = seeded_random();
  constexpr int kPauses = 100'000;
  Duration sum{};
  for (int i = 0; i < kPauses; ++i) {
    const auto pause = pause_to_next_probe(1s, random());
    ASSERT_GE(pause, 440ms);
    ASSERT_LE(pause, 1080ms);
    sum += pause;
  }
  EXPECT_NEAR(std::chrono::duration<double>(sum).count() / kPauses, 1.0, 0.003);
  EXPECT_EQ(pause_to_next_probe(1s, 0), 1080ms);
  EXPECT_LE(pause_to_next_probe(1s, std::numeric_limits<std::uint64_t>::max()), 441ms);
  EXPECT_EQ(pause_to_next_probe(100ms, 0), 108ms);
}

/// At a fixed interval the share seen would be 0 or 1 for most of these.
TEST(ProbePaceTest, WhateverThePeriodOfALossSixtyProbesSeeAboutItsShare) {
  auto random = seeded_random();
  for (const Duration period : {50ms, 100ms, 250ms, 500ms, 1000ms, 1030ms, 1060ms, 2000ms, 5000ms}) {
    constexpr int kWindows = 300;
    constexpr int kProbes = 60;
    double squares = 0;
    for (int window = 0; window < kWindows; ++window) {
      Duration at(static_cast<Duration::rep>(random() % static_cast<std::uint64_t>(period.count())));
      int lost = 0;
      for (int probe = 0; probe < kProbes; ++probe) {
        lost += at % period < period / 5 ? 1 : 0;
        at += pause_to_next_probe(1s, random());
      }
      squares += std::pow(lost / static_cast<double>(kProbes) - 0.2, 2);
    }
    EXPECT_LE(std::sqrt(squares / kWindows), 0.15) << period / 1ms << " ms";
  }
}

}  // namespace probe_pace_test
}  // namespace multilink
