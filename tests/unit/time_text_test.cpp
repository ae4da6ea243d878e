// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/time_text.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace time_text_test {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

WallTime wall(std::int64_t ms) {
  return WallTime(milliseconds(ms));
}

TEST(TimeText, WritesRfc3339InUtc) {
  EXPECT_EQ(format_utc(wall(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_utc(wall(1'793'872'800'123)), "2026-11-05T10:00:00.123Z");
  EXPECT_EQ(format_utc(wall(1'709'164'799'999)), "2024-02-28T23:59:59.999Z");
  EXPECT_EQ(format_utc(wall(253'402'300'799'999)), "9999-12-31T23:59:59.999Z");
}

TEST(TimeText, SaysNothingOfTimesNoClockShows) {
  EXPECT_EQ(format_utc(wall(-1)), "");
  EXPECT_EQ(format_utc(wall(253'402'300'800'000)), "");
}

TEST(TimeText, GivesSpansInTheirLargestUnit) {
  EXPECT_EQ(format_span(seconds(-5)), "0 s");
  EXPECT_EQ(format_span(milliseconds(59'999)), "59 s");
  EXPECT_EQ(format_span(minutes(59)), "59 min");
  EXPECT_EQ(format_span(hours(47)), "47 h");
  EXPECT_EQ(format_span(hours(48)), "2 d");
}

TEST(TimeText, GivesMilliseconds) {
  EXPECT_EQ(format_milliseconds(std::chrono::microseconds(20'340)), "20.3 ms");
  EXPECT_EQ(format_milliseconds(std::chrono::microseconds(250), 3), "0.25 ms");
  EXPECT_EQ(format_milliseconds(seconds(1), 0), "1000 ms");
}

TEST(TimeText, WritesAndReadsMonths) {
  using std::chrono::year;
  EXPECT_EQ(format_day(year(2026) / 2 / 3), "2026-02-03");
  EXPECT_EQ(format_month(year(2026) / 11), "2026-11");
  EXPECT_EQ(parse_month("2026-11"), year(2026) / 11);
  EXPECT_EQ(parse_month("1970-01"), year(1970) / 1);
  for (const auto* text :
       {"", "2026", "2026-13", "2026-00", "2026-1", "2026/11", "1969-12", "2026-11-01", "-026-11"}) {
    EXPECT_FALSE(parse_month(text)) << text;
  }
}

}  // namespace time_text_test
}  // namespace multilink
