// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/ini.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace ini_test {

using std::string_view_literals::operator""sv;

/// The file as "[section]@line key=value@line …", then "!line" for each problem.
std::string outline(std::string_view text) {
  std::string out;
  const auto file = parse_ini(text);
  for (const auto& section : file.sections) {
    out += "[" + section.name + "]@" + std::to_string(section.line) + " ";
    for (const auto& entry : section.entries) {
      out += entry.key + "=" + entry.value + "@" + std::to_string(entry.line) + " ";
    }
  }
  for (const auto& problem : file.problems) out += "!" + std::to_string(problem.line) + " ";
  return out;
}

TEST(Ini, ReadsSectionsAndEntriesWithTheirLines) {
  EXPECT_EQ(outline("[a]\nx = 1\n\n[b c]\ny=2=3\n"), "[a]@1 x=1@2 [b c]@4 y=2=3@5 ");
  EXPECT_EQ(outline(""), "");
  EXPECT_EQ(outline("\n\n  \n"), "");
}

TEST(Ini, CarriageReturnsByteOrderMarkAndAMissingLastNewlineAreFine) {
  EXPECT_EQ(outline("\xef\xbb\xbf[a]\r\nx = 1\r\n[b]\r\ny = 2"), "[a]@1 x=1@2 [b]@3 y=2@4 ");
}

TEST(Ini, IndentedLinesAreLinesOfTheirOwn) {
  EXPECT_EQ(outline("  [ a ]\n\tx =\t1  \n   y = 2\n"), "[a]@1 x=1@2 y=2@3 ");
  EXPECT_EQ(outline("[a]\nx = 1\n   and more\n"), "[a]@1 x=1@2 !3 ");
}

TEST(Ini, CommentsStandAloneOrBehindABlank) {
  EXPECT_EQ(outline("# c = 1\n;c\n [a] # note\nx = 1 ; note\ny = 2\t# note\nz = #\n"),
            "[a]@3 x=1@4 y=2@5 z=@6 ");
  EXPECT_EQ(outline("[a]\nx = unix:/tmp/a#b;c\n"), "[a]@1 x=unix:/tmp/a#b;c@2 ");
}

TEST(Ini, AfterABrokenLineItReadsOn) {
  EXPECT_EQ(outline("x = 1\n[a\ny = 2\n= 3\nnonsense\n[b] z\nz = 4\n"),
            "[a]@2 y=2@3 [b]@6 z=4@7 !1 !2 !4 !5 !6 ");
}

TEST(Ini, ALineWithANulByteIsRefusedAndSaidOnce) {
  EXPECT_EQ(outline("[a]\nx = 1\0\ny\0 = 2\nz = 3\n"sv), "[a]@1 z=3@4 !2 ");
}

TEST(Ini, OverlongLinesAreRefusedUnlessTheyAreComments) {
  const std::string fits = "x = " + std::string(kLongestIniLine - 4, 'y');
  EXPECT_EQ(parse_ini("[a]\n" + fits + "\n").sections.at(0).entries.size(), 1U);
  EXPECT_EQ(outline("[a]\n" + fits + "y\n"), "[a]@1 !2 ");
  EXPECT_EQ(outline("[a]\n#" + fits + "y\n"), "[a]@1 ");
}

TEST(Ini, ShowsOnlyTheFirstWordOfWhatItDoesNotUnderstand) {
  const auto file = parse_ini("[a]\nrequirepass hunter2\n");
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_NE(file.problems[0].message.find("'requirepass'"), std::string::npos);
  EXPECT_EQ(file.problems[0].message.find("hunter2"), std::string::npos);
}

}  // namespace ini_test
}  // namespace multilink
