// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/probe_scores.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "seeded.hpp"

namespace multilink {
namespace probe_scores_test {

using namespace std::chrono_literals;

/// Both clocks of one host.
struct Clocks {
  Now now{MonoTime(100h), WallTime(std::chrono::milliseconds(1'767'225'600'000))};

  void pass(std::chrono::milliseconds time) {
    now.mono += time;
    now.wall += time;
  }
};

bool holds(const std::vector<ProbeScores::Range>& ranges, WallTime time) {
  const auto score = time.time_since_epoch().count();
  return std::ranges::any_of(
      ranges, [&](const auto& range) { return range.first <= score && score <= range.second; });
}

TEST(ProbeScores, IsOneRangeInCalmTimes) {
  Clocks clocks;
  ProbeScores scores;
  for (int i = 0; i < 100; ++i) {
    clocks.pass(1s);
    scores.note(clocks.now);
  }
  const auto ranges = scores.ranges(clocks.now.mono - 5s, clocks.now);
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_TRUE(holds(ranges, clocks.now.wall));
  EXPECT_TRUE(holds(ranges, clocks.now.wall - 5s));
  EXPECT_FALSE(holds(ranges, clocks.now.wall - 6s));
  EXPECT_FALSE(holds(ranges, clocks.now.wall + 1s));
}

TEST(ProbeScores, IsTwoRangesForAWhileAfterAStep) {
  Clocks clocks;
  ProbeScores scores;
  scores.note(clocks.now);
  const auto before = clocks.now.wall;
  clocks.pass(1s);
  clocks.now.wall -= 1h;
  scores.note(clocks.now);
  const auto after = clocks.now.wall;
  const auto both = scores.ranges(clocks.now.mono - 5s, clocks.now);
  EXPECT_EQ(both.size(), 2U);
  EXPECT_TRUE(holds(both, before));
  EXPECT_TRUE(holds(both, after));
  clocks.pass(10s);
  scores.note(clocks.now);
  const auto one = scores.ranges(clocks.now.mono - 5s, clocks.now);
  EXPECT_EQ(one.size(), 1U);
  EXPECT_FALSE(holds(one, before)) << "the future that was, an hour ahead, is not read for ever";
}

/// Whenever probes are sent and the clock is set or slewed, those since the time asked for are found.
TEST(ProbeScores, FindsEveryProbe) {
  auto random = seeded_random();
  for (int run = 0; run < 100; ++run) {
    Clocks clocks;
    ProbeScores scores;
    std::vector<Now> sent;
    scores.note(clocks.now);
    for (int i = 0; i < 300; ++i) {
      clocks.pass(std::chrono::milliseconds(random() % 500));
      clocks.now.wall += std::chrono::milliseconds(random() % 2);
      const bool is_set = random() % 60 == 0;
      if (is_set)
        clocks.now.wall += std::chrono::milliseconds(static_cast<std::int64_t>(random() % 7'200'000)) - 1h;
      sent.push_back(clocks.now);
      if (is_set || random() % 3 == 0) scores.note(clocks.now);
    }
    scores.note(clocks.now);
    const auto since = clocks.now.mono - 5s;
    const auto ranges = scores.ranges(since, clocks.now);
    for (const auto& probe : sent) {
      ASSERT_TRUE(probe.mono <= since || holds(ranges, probe.wall));
    }
  }
}

}  // namespace probe_scores_test
}  // namespace multilink
