// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <cmath>

#include "multilink/ports/store.hpp"

namespace multilink {
namespace store_replies_test {

Reply text(std::string value) {
  return {std::move(value)};
}

const Reply kNil{Reply::Nil{}};
const Reply kNumber{std::int64_t{7}};
const Reply kFailure{Reply::Failure{"WRONGTYPE Operation against a key holding the wrong kind of value"}};

TEST(StoreReplies, AStringIsOnlyAString) {
  EXPECT_EQ(as_string(text("TRUE")), "TRUE");
  for (const auto& other : {kNil, kNumber, kFailure, Reply{Reply::Array{}}}) EXPECT_FALSE(as_string(other));
  EXPECT_NE(as_string(kFailure).error().message.find("WRONGTYPE"), std::string::npos);
}

TEST(StoreReplies, AnIntegerIsOnlyAnInteger) {
  EXPECT_EQ(as_integer(kNumber), 7);
  for (const auto& other : {kNil, text("7"), kFailure, Reply{Reply::Array{}}})
    EXPECT_FALSE(as_integer(other));
}

TEST(StoreReplies, FieldsComeInPairsOfStrings) {
  EXPECT_EQ(as_fields({Reply::Array{text("a"), text("1"), text("b"), text("2")}}),
            (Fields{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(as_fields({Reply::Array{}}), Fields{});
  for (const auto& other : {kNil, kNumber, kFailure, text("a"), Reply{Reply::Array{text("a")}},
                            Reply{Reply::Array{text("a"), kNumber}}, Reply{Reply::Array{kNil, text("a")}}}) {
    EXPECT_FALSE(as_fields(other));
  }
}

TEST(StoreReplies, ScoresAreNumbersAsRedisWritesThem) {
  const auto scored =
      as_scored({Reply::Array{text("a"), text("1767225600123"), text("b"), text("-1.5"), text("c"),
                              text("1e+30"), text("d"), text("inf"), text("e"), text("-inf")}});
  ASSERT_TRUE(scored) << scored.error().message;
  ASSERT_EQ(scored->size(), 5U);
  EXPECT_EQ((*scored)[0], std::pair(std::string("a"), 1767225600123.0));
  EXPECT_EQ((*scored)[1].second, -1.5);
  EXPECT_EQ((*scored)[2].second, 1e30);
  EXPECT_TRUE(std::isinf((*scored)[3].second));
  EXPECT_LT((*scored)[4].second, 0);
  for (const char* score : {"", "x", "1 ", " 1", "1x"}) {
    EXPECT_FALSE(as_scored({Reply::Array{text("a"), text(score)}})) << score;
  }
  EXPECT_FALSE(as_scored(kFailure));
}

}  // namespace store_replies_test
}  // namespace multilink
