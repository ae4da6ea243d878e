// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/text.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cstdint>
#include <limits>

#include "seeded.hpp"

namespace multilink {
namespace text_test {

using Parts = std::vector<std::string_view>;
using std::string_view_literals::operator""sv;

TEST(Text, CatPutsPiecesEndToEndAndWritesNumbersAsNumbers) {
  EXPECT_EQ(cat("a", std::string("b"), "c"sv, 'd', -5, std::uint8_t{65}, std::size_t{7}), "abcd-5657");
  EXPECT_EQ(cat(), "");
}

TEST(Text, TrimTakesBlanksOffBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\t\r"), "a b");
  EXPECT_EQ(trim(" \t\r"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,,b,", ','), (Parts{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), Parts{""});
  EXPECT_EQ(split("a", ','), Parts{"a"});
}

TEST(Text, JoinPutsSeparatorsBetween) {
  EXPECT_EQ(join({"a", "a", "b"}, ", "), "a, a, b");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, JoinOfWhatSplitGaveIsTheSameText) {
  auto random = seeded_random();
  for (int round = 0; round < 1000; ++round) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = ",ab"[random() % 3];
    const auto parts = split(text, ',');
    EXPECT_EQ(join({parts.begin(), parts.end()}, ","), text);
  }
}

TEST(Text, ParseNumberTakesAWholeNumberInDecimalAndNothingElse) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint8_t>("255"), 255);
  EXPECT_EQ(parse_number<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const auto bad : {"", " 1", "1 ", "+1", "0x1", "1.0", "-", "x", "1e3"}) {
    EXPECT_EQ(parse_number<int>(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_number<std::uint8_t>("256"), std::nullopt);
  EXPECT_EQ(parse_number<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(parse_number<int>("1\0"sv), std::nullopt);
}

TEST(Text, ParseDecimalTakesAFiniteFractionAndNothingElse) {
  EXPECT_EQ(parse_decimal("2.5"), 2.5);
  EXPECT_EQ(parse_decimal("-0.25"), -0.25);
  EXPECT_EQ(parse_decimal("7"), 7.0);
  for (const auto bad :
       {"", ".", "1,5", "1e3", "inf", "nan", "-inf", "0x1", " 1", "1 ", "1.5.2", "+1", "infinity"}) {
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_decimal(std::string(400, '9')), std::nullopt);
}

TEST(Text, FormatDecimalDropsTrailingZeros) {
  EXPECT_EQ(format_decimal(2.50, 3), "2.5");
  EXPECT_EQ(format_decimal(100, 2), "100");
  EXPECT_EQ(format_decimal(100, 0), "100");
  EXPECT_EQ(format_decimal(0.126, 2), "0.13");
  EXPECT_EQ(format_decimal(-0.001, 2), "0");
  EXPECT_EQ(format_decimal(-1.5, 1), "-1.5");
  EXPECT_EQ(format_decimal(std::numeric_limits<double>::max(), 0).size(), 309U);
}

TEST(Text, DecimalsSurviveTheRoundTrip) {
  auto random = seeded_random();
  for (int round = 0; round < 1000; ++round) {
    const double value = static_cast<double>(static_cast<std::int64_t>(random() % 2000001) - 1000000) / 1000;
    EXPECT_EQ(parse_decimal(format_decimal(value, 3)), value);
  }
}

TEST(Text, PrintableShowsEveryByteAndCutsLongText) {
  EXPECT_EQ(printable("plain 'text'"), "plain 'text'");
  EXPECT_EQ(printable("a\0b\n\x1b[31m\x7f\xc3\xa9"sv), "a\\x00b\\x0a\\x1b[31m\\x7f\\xc3\\xa9");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

TEST(Text, PrintableGivesPrintableAsciiForAnyBytes) {
  auto random = seeded_random();
  for (int round = 0; round < 1000; ++round) {
    std::string text(random() % 100, ' ');
    for (char& c : text) c = static_cast<char>(random());
    for (const char c : printable(text)) {
      EXPECT_TRUE(c >= ' ' && c <= '~');
    }
  }
}

TEST(Text, QuotedHidesWhatMayBeAPassword) {
  EXPECT_EQ(quoted("x"), "'x'");
  EXPECT_EQ(quoted("redis://user:secret@host:1/0"), "'***@host:1/0'");
  EXPECT_EQ(quoted("redis://user:sec@ret@host"), "'***@host'");
}

}  // namespace text_test
}  // namespace multilink
