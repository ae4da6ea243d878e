// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/quantity.hpp"

#include <gtest/gtest.h>

#include "seeded.hpp"

namespace multilink {
namespace quantity_test {

using namespace std::chrono_literals;

TEST(Quantity, DurationsAreWholeNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("200ms"), 200ms);
  EXPECT_EQ(parse_duration("1s"), 1s);
  EXPECT_EQ(parse_duration("5 min"), 5min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("30d"), 720h);
  EXPECT_EQ(parse_duration("0s"), 0s);
  for (const auto bad :
       {"", "1", "s", "-1s", "+1s", "1.5s", "1 5s", "1S", "1m", "1us", "1s 2ms", " 1s", "1sec"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Quantity, DurationsThatDoNotFitAreRefused) {
  EXPECT_EQ(parse_duration("106751d"), 106751 * 24h);
  EXPECT_EQ(parse_duration("106752d"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999999999999s"), std::nullopt);
}

TEST(Quantity, DurationsAreWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2min");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_duration(1500us), "1.5ms");
}

TEST(Quantity, DurationsSurviveTheRoundTrip) {
  auto random = seeded_random();
  for (int round = 0; round < 1000; ++round) {
    const auto any = std::chrono::milliseconds(random() % 100000000);
    EXPECT_EQ(parse_duration(format_duration(any)), any);
  }
}

TEST(Quantity, RatiosCarryAPercentSign) {
  EXPECT_EQ(parse_percent("20%"), 0.2);
  EXPECT_EQ(parse_percent("2.5 %"), 0.025);
  EXPECT_EQ(parse_percent("0%"), 0.0);
  EXPECT_EQ(parse_percent("100%"), 1.0);
  for (const auto bad : {"", "%", "20", "0.2", "-1%", "100.1%", "20%%", "x%", "nan%", "1e1%"}) {
    EXPECT_EQ(parse_percent(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(format_percent(0.2), "20%");
  EXPECT_EQ(format_percent(0.025), "2.5%");
}

}  // namespace quantity_test
}  // namespace multilink
