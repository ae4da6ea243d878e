// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_seats.hpp"

#include <gtest/gtest.h>

#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink {
namespace parent_seats_test {

Config config_of(const std::vector<std::string>& names) {
  Config config;
  config.squid.enabled = true;
  for (const auto& name : names) config.uplinks.emplace_back().name = name;
  return config;
}

TEST(ParentSeats, AreAllottedInTheOrderOfTheConfiguration) {
  EXPECT_EQ(allot_seats(config_of({"b", "a"}), {}), (ParentSeats{{"b", 1}, {"a", 2}}));
}

TEST(ParentSeats, AnUplinkKeepsItsOwnWhoeverComesAndGoes) {
  auto seats = allot_seats(config_of({"a", "b", "c"}), {});
  seats = allot_seats(config_of({"c", "b"}), seats);
  EXPECT_EQ(seats, (ParentSeats{{"b", 2}, {"c", 3}}));
  seats = allot_seats(config_of({"d", "e", "c", "b"}), seats);
  EXPECT_EQ(seats, (ParentSeats{{"b", 2}, {"c", 3}, {"d", 1}, {"e", 4}}));
  EXPECT_EQ(allot_seats(config_of({"d", "e", "c", "b"}), seats), seats);
}

TEST(ParentSeats, AreNotTakenOverFromWhoMayStillRunWhereThereAreOthers) {
  EXPECT_EQ(allot_seats(config_of({"renamed", "b"}), {{"a", 1}, {"b", 2}}),
            (ParentSeats{{"renamed", 3}, {"b", 2}}));
  ParentSeats all;
  std::vector<std::string> names;
  for (unsigned seat = 1; seat <= kMostParents; ++seat) all[names.emplace_back(cat("u", seat))] = seat;
  names[6] = "renamed";
  EXPECT_EQ(allot_seats(config_of(names), all).at("renamed"), 7U);
}

TEST(ParentSeats, NobodyHasOneWithoutTheProxy) {
  auto config = config_of({"a"});
  config.squid.enabled = false;
  EXPECT_TRUE(allot_seats(config, {{"a", 1}}).empty());
}

TEST(ParentSeats, NoTwoShareOneWhateverWasBefore) {
  auto random = seeded_random();
  for (int run = 0; run < 50; ++run) {
    std::vector<std::string> names;
    ParentSeats before;
    for (unsigned i = 0; i < kMostParents; ++i) {
      const auto name = cat("u", i);
      if (random() % 2 == 0) names.push_back(name);
      if (random() % 2 == 0) before[name] = 1 + static_cast<unsigned>(random() % kMostParents);
    }
    const auto seats = allot_seats(config_of(names), before);
    EXPECT_EQ(seats.size(), names.size());
    std::set<unsigned> taken;
    for (const auto& [name, seat] : seats)
      EXPECT_TRUE(seat >= 1 && seat <= kMostParents && taken.insert(seat).second);
    EXPECT_EQ(parse_seats(write_seats(seats)), seats);
  }
}

TEST(ParentSeats, AFileThatIsWrongIsRefusedAtItsFirstWrongLine) {
  EXPECT_EQ(parse_seats("1 a\n2 b\n"), (ParentSeats{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(parse_seats(""), ParentSeats{});
  for (const auto* text : {"0 a", "17 a", "1", "x a", "1 a b", "1 a\n1 b", "1 a\n2 a", "1 \x01"}) {
    EXPECT_FALSE(parse_seats(text)) << text;
  }
}

TEST(ParentSeats, UsersAndPorts) {
  EXPECT_EQ(user_of_seat(16), "multilink-squid-16");
  EXPECT_EQ(port_of_seat(1), 3221);
  EXPECT_EQ(ranges_of({5, 3, 4, 9, 10, 12}), (std::vector<UidRange>{{3, 5}, {9, 10}, {12, 12}}));
  EXPECT_TRUE(ranges_of({}).empty());
}

}  // namespace parent_seats_test
}  // namespace multilink
