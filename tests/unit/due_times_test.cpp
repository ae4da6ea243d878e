// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/due_times.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "seeded.hpp"

namespace multilink {
namespace due_times_test {

using namespace std::chrono_literals;

MonoTime at(int seconds) {
  return MonoTime(std::chrono::seconds(seconds));
}

TEST(DueTimes, FirstIsTheEarliest) {
  DueTimes<std::string> times;
  EXPECT_EQ(times.first(), std::nullopt);
  times.set("b", at(2));
  times.set("a", at(3));
  EXPECT_EQ(times.first(), at(2));
  times.set("b", at(4));
  EXPECT_EQ(times.first(), at(3));
  times.set("a", std::nullopt);
  EXPECT_EQ(times.first(), at(4));
  times.clear();
  EXPECT_EQ(times.first(), std::nullopt);
}

TEST(DueTimes, WhatIsDueStaysSoUntilItIsSetAnew) {
  DueTimes<std::string> times;
  times.set("c", at(1));
  times.set("a", at(2));
  times.set("b", at(2));
  times.set("d", at(3));
  EXPECT_EQ(times.due(at(0)), std::vector<std::string>{});
  EXPECT_EQ(times.due(at(2)), (std::vector<std::string>{"a", "b", "c"}));
  times.set("a", at(5));
  times.set("c", std::nullopt);
  EXPECT_EQ(times.due(at(2)), std::vector<std::string>{"b"});
}

TEST(DueTimes, AgreesWithAskingAll) {
  auto random = seeded_random();
  DueTimes<int> times;
  std::map<int, MonoTime> all;
  for (int step = 0; step < 2000; ++step) {
    const int key = static_cast<int>(random() % 20);
    if (random() % 4 == 0) {
      times.set(key, std::nullopt);
      all.erase(key);
    } else {
      const auto when = at(static_cast<int>(random() % 30));
      times.set(key, when);
      all[key] = when;
    }
    const auto now = at(static_cast<int>(random() % 30));
    std::vector<int> due;
    std::optional<MonoTime> first;
    for (const auto& [each, when] : all) {
      if (when <= now) due.push_back(each);
      if (!first || when < *first) first = when;
    }
    ASSERT_EQ(times.due(now), due);
    ASSERT_EQ(times.first(), first);
  }
}

}  // namespace due_times_test
}  // namespace multilink
