// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rtt_estimator.hpp"

#include <gtest/gtest.h>

#include "seeded.hpp"

namespace multilink {
namespace rtt_estimator_test {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RttEstimator, WaitsASecondBeforeItKnows) {
  const RttEstimator fresh;
  EXPECT_EQ(fresh.timeout(), seconds(1));
  EXPECT_FALSE(fresh.smoothed());
}

TEST(RttEstimator, FirstSampleSetsBothAsInRfc6298) {
  RttEstimator rtt;
  rtt.add(milliseconds(100));
  EXPECT_EQ(rtt.smoothed(), milliseconds(100));
  EXPECT_EQ(rtt.timeout(), milliseconds(100 + 4 * 50));
}

TEST(RttEstimator, LaterSamplesMoveByTheGainsOfRfc6298) {
  RttEstimator rtt;
  rtt.add(milliseconds(100));
  rtt.add(milliseconds(180));
  EXPECT_EQ(rtt.smoothed(), milliseconds(110));                            // 100 + 80/8
  EXPECT_EQ(rtt.timeout(), milliseconds(110) + 4 * microseconds(57'500));  // 50 + (80 - 50)/4
}

TEST(RttEstimator, SteadyLinkKeepsTheLeastMargin) {
  RttEstimator rtt;
  for (int i = 0; i < 100; ++i) rtt.add(milliseconds(80));
  EXPECT_EQ(rtt.timeout(), milliseconds(90));
}

TEST(RttEstimator, FloorAndCeilingHold) {
  RttEstimator quick;
  RttEstimator slow;
  for (int i = 0; i < 100; ++i) quick.add(microseconds(50));
  slow.add(seconds(30));
  EXPECT_EQ(quick.timeout(), milliseconds(20));
  EXPECT_EQ(slow.timeout(), milliseconds(1200));
}

TEST(RttEstimator, TimeoutIsAlwaysWithinBoundsAndCoversTheSmoothedRtt) {
  auto random = seeded_random();
  for (int run = 0; run < 100; ++run) {
    RttEstimator rtt;
    for (int i = 0; i < 200; ++i) {
      rtt.add(microseconds(static_cast<std::int64_t>(random() % 2'900'000) - 1000));
      ASSERT_GE(rtt.timeout(), RttEstimator::kLeastTimeout);
      ASSERT_LE(rtt.timeout(), RttEstimator::kMostTimeout);
      ASSERT_GE(*rtt.smoothed(), Duration::zero());
      ASSERT_GE(rtt.timeout(), std::min(*rtt.smoothed(), RttEstimator::kMostTimeout));
    }
  }
}

}  // namespace rtt_estimator_test
}  // namespace multilink
