// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/backoff.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace multilink {
namespace backoff_test {

using std::chrono::milliseconds;

Duration delay(unsigned failures, double random) {
  return backoff(failures, milliseconds(10), milliseconds(250), random);
}

TEST(Backoff, DoublesUpToTheLongest) {
  EXPECT_EQ(delay(0, 1.0), milliseconds(10));
  EXPECT_EQ(delay(1, 1.0), milliseconds(20));
  EXPECT_EQ(delay(4, 1.0), milliseconds(160));
  EXPECT_EQ(delay(5, 1.0), milliseconds(250));
  EXPECT_EQ(delay(std::numeric_limits<unsigned>::max(), 1.0), milliseconds(250));
}

TEST(Backoff, SpreadsOverTheUpperHalf) {
  EXPECT_EQ(delay(5, 0.0), milliseconds(125));
  EXPECT_EQ(delay(5, 0.5), Duration(milliseconds(375)) / 2);
}

}  // namespace backoff_test
}  // namespace multilink
