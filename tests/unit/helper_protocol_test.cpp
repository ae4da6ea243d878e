// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/helper_protocol.hpp"

#include <gtest/gtest.h>

#include "multilink/core/helper_arguments.hpp"
#include "seeded.hpp"

namespace multilink {
namespace helper_protocol_test {

TEST(HelperProtocol, AnswersOnTheChannelOfTheQuestion) {
  EXPECT_EQ(question_id("0 -"), "0");
  EXPECT_EQ(question_id("1999 - what else"), "1999");
  EXPECT_EQ(question_id("7"), "7");
  EXPECT_EQ(helper_answer("7", ChosenParents{"wan1", "wan2"}), "7 OK use=wan1 alt=wan2\n");
  EXPECT_EQ(helper_answer("7", ChosenParents{"wan1", std::nullopt}), "7 OK use=wan1\n");
  EXPECT_EQ(helper_answer("7", std::nullopt), "7 OK\n");
}

TEST(HelperProtocol, GarbageIsNoQuestion) {
  for (const auto* line : {"", " ", "- 1", "x", "-1 -", "0x1 -", "1\t-", "123456789012345678901 -"})
    EXPECT_EQ(question_id(line), std::nullopt) << line;
}

std::vector<std::string> cut(LineCutter& cutter, std::string_view bytes) {
  cutter.add(bytes);
  std::vector<std::string> out;
  while (auto line = cutter.take()) out.push_back(*line);
  return out;
}

TEST(LineCutter, PutsLinesTogetherFromPieces) {
  LineCutter cutter;
  EXPECT_TRUE(cut(cutter, "1 ").empty());
  EXPECT_EQ(cut(cutter, "-\n2 -\r\n3"), (std::vector<std::string>{"1 -", "2 -"}));
  EXPECT_EQ(cut(cutter, "\n\n"), (std::vector<std::string>{"3", ""}));
}

TEST(LineCutter, DropsALineThatIsTooLongAndNoOther) {
  LineCutter cutter;
  const std::string piece(LineCutter::kLongest, 'x');
  EXPECT_TRUE(cut(cutter, piece + "y").empty());
  EXPECT_TRUE(cut(cutter, piece).empty());
  EXPECT_EQ(cut(cutter, "end\n4 -\n"), (std::vector<std::string>{"4 -"}));
  EXPECT_EQ(cut(cutter, piece + "y\n5 -\n"), (std::vector<std::string>{"5 -"}));
}

TEST(LineCutter, IsNeverConfusedByBytes) {
  auto random = seeded_random();
  for (int run = 0; run < 50; ++run) {
    LineCutter cutter;
    for (int i = 0; i < 50; ++i) {
      std::string bytes(random() % 200, ' ');
      for (char& c : bytes) c = random() % 20 == 0 ? '\n' : static_cast<char>(random());
      for (const auto& line : cut(cutter, bytes)) {
        const auto id = question_id(line);
        EXPECT_TRUE(line.starts_with(id.value_or("")));
      }
    }
    cut(cutter, "\n");
    EXPECT_EQ(cut(cutter, "8 -\n"), (std::vector<std::string>{"8 -"}));
  }
}

TEST(ParentArgument, IsReadAsItIsWritten) {
  for (const auto& argument :
       {ParentArgument{{"wan1", false}, 3221}, ParentArgument{{"lte-2.b", true}, 65535}})
    EXPECT_EQ(parse_parent_argument(to_string(argument)), argument);
  for (const auto* text :
       {"", "wan1", "wan1:", "wan1:0", "wan1:x", ":3221", "wan1:3221:paid", "wan1:3221:metered:", "a b:1"})
    EXPECT_EQ(parse_parent_argument(text), std::nullopt) << text;
}

}  // namespace helper_protocol_test
}  // namespace multilink
