// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/newest_word.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace newest_word_test {

using Age = NewestWord::Age;

MonoTime at(int seconds) {
  return MonoTime(std::chrono::seconds(seconds));
}

TEST(NewestWord, WhatIsOlderThanWhatWasBelievedIsOutdated) {
  NewestWord word;
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(10), at(20)), Age::current);
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(9), at(20)), Age::outdated);
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(10), at(20)), Age::current) << "the same one, read again";
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(20), at(20)), Age::current);
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(10), at(20)), Age::outdated);
}

TEST(NewestWord, WhatIsFromTheFutureSilencesNobody) {
  NewestWord word;
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(21), at(20)), Age::from_the_future);
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(5), at(20)), Age::current);
}

TEST(NewestWord, TheTimesOfAnotherBootSayNothing) {
  NewestWord word;
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(10), at(20)), Age::current);
  EXPECT_EQ(word.judge("0badcafe", "12345678", at(1000), at(20)), Age::current);
  EXPECT_EQ(word.judge("0badcafe", "12345678", at(1), at(20)), Age::current);
  EXPECT_EQ(word.judge("0badcafe", "0badcafe", at(11), at(20)), Age::current);
}

}  // namespace newest_word_test
}  // namespace multilink
