// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/admin_order.hpp"

#include <gmock/gmock.h>

#include <random>

#include "multilink/core/admin_replies.hpp"

namespace multilink {
namespace admin_order_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kBoot = "0123abcd";
const Now kNow{MonoTime(1h), WallTime(1'793'872'800s)};

Now later(Duration mono, std::chrono::milliseconds wall) {
  return {kNow.mono + mono, kNow.wall + wall};
}

AdminRecord sample(AdminMode mode = AdminMode::disabled, std::optional<Duration> length = 10min) {
  return AdminRecord::make(mode, length, kBoot, "root", kNow);
}

TEST(AdminRecord, IsInForceUntilItsEndAndNoLonger) {
  EXPECT_EQ(sample().in_force(kBoot, kNow).mode, AdminMode::disabled);
  EXPECT_EQ(sample().in_force(kBoot, kNow).until, kNow.wall + 10min);
  EXPECT_EQ(sample().in_force(kBoot, later(10min - 1ms, 10min - 1ms)).mode, AdminMode::disabled);
  EXPECT_EQ(sample().in_force(kBoot, later(10min, 10min)), AdminOrder{});
  EXPECT_EQ(sample(AdminMode::drained, {}).in_force(kBoot, later(24h * 1000, 24h * 1000)).mode,
            AdminMode::drained);
}

TEST(AdminRecord, AStepOfTheClockMovesNoEnd) {
  EXPECT_EQ(sample().in_force(kBoot, later(1min, 24h)).mode, AdminMode::disabled);
  EXPECT_EQ(sample().in_force(kBoot, later(10min, -24h)).mode, AdminMode::none);
}

TEST(AdminRecord, AfterARebootTheWallClockTells) {
  const auto booted = [](std::chrono::milliseconds wall) { return Now{MonoTime(5s), kNow.wall + wall}; };
  EXPECT_EQ(sample().in_force("fedcba98", booted(5min)).mode, AdminMode::disabled);
  EXPECT_EQ(sample().in_force("fedcba98", booted(10min)).mode, AdminMode::none);
}

/// Whatever the wall clock does: within one boot an order is in force for exactly its length.
TEST(AdminRecord, OverRandomClocksItLastsItsLength) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  const auto up_to = [&](std::int64_t most) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most));
  };
  for (int i = 0; i < 2000; ++i) {
    const Duration length = 1s + std::chrono::milliseconds(up_to(366LL * 24 * 3600 * 1000 - 1000));
    const auto asked = sample(AdminMode::drained, length);
    const auto read = AdminRecord::decode(asked.encode());
    ASSERT_TRUE(read) << "seed " << seed << ": " << read.error().message;
    ASSERT_EQ(*read, asked) << "seed " << seed;
    const Duration passed(up_to(2 * length.count()));
    const Now now = later(passed, std::chrono::milliseconds(up_to(1'000'000'000'000) - 500'000'000'000));
    ASSERT_EQ(read->in_force(kBoot, now).mode == AdminMode::drained, passed < length) << "seed " << seed;
  }
}

TEST(AdminRecord, BelievesNothing) {
  const std::map<std::string, std::vector<std::string>> bad{
      {"enabled", {"", "2", "yes"}},          {"drained", {"1", "x"}},  // sample() is disabled
      {"since", {"", "-1", "tomorrow"}},      {"until", {"1", "x", "", "253402300799999"}},
      {"until_ns", {"", "-5", "x"}},          {"boot", {"", "0123ABCD", "0123abcd0"}},
      {"by", {"a\nb", std::string(600, 'x')}}};
  for (const auto& [field, values] : bad) {
    for (const auto& value : values) {
      auto fields = sample().encode();
      fields[field] = value;
      EXPECT_FALSE(AdminRecord::decode(fields)) << field << "=" << value;
    }
    auto fields = sample().encode();
    fields.erase(field);
    EXPECT_FALSE(AdminRecord::decode(fields)) << field;
  }
}

TEST(AdminRecord, OverRandomBytesItIsRefusedOrOneThatCanBeWritten) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5000; ++i) {
    auto fields = sample().encode();
    auto& value = std::next(fields.begin(), static_cast<std::ptrdiff_t>(random() % fields.size()))->second;
    value.insert(value.begin() + static_cast<std::ptrdiff_t>(random() % (value.size() + 1)),
                 static_cast<char>(random()));
    const auto read = AdminRecord::decode(fields);
    if (read) {
      ASSERT_EQ(AdminRecord::decode(read->encode()), *read) << "seed " << seed;
    }
  }
}

TEST(AdminOrder, SaysWhoAndUntilWhen) {
  EXPECT_EQ(to_text(sample().in_force(kBoot, kNow)),
            "disabled by root with multilinkctl until 2026-11-05T10:10:00.000Z");
  EXPECT_EQ(to_text({AdminMode::drained, {}, ""}), "drained by multilinkctl");
  EXPECT_EQ(to_text({}), "in use again");
}

std::map<std::string, HealthRecord> both(HealthState a, HealthState b) {
  std::map<std::string, HealthRecord> out;
  out["a"].families[Family::v4].state = a;
  out["b"].families[Family::v4].state = b;
  return out;
}

TEST(AdminOrder, LeavesWhatIsNotDisabledAsTheFileHasIt) {
  Config config;
  config.uplinks.resize(3);
  config.uplinks[0].name = "a";
  config.uplinks[1].name = "b";
  config.uplinks[2].name = "c";
  config.uplinks[1].enabled = false;
  auto health = both(HealthState::up, HealthState::up);
  health["a"].admin = AdminMode::disabled;
  health["b"].admin = AdminMode::drained;
  const auto ordered = under_orders(config, health);
  EXPECT_FALSE(ordered.uplinks[0].enabled);
  EXPECT_THAT(ordered.uplinks[0].disabled_by, HasSubstr("disabled by its administrator"));
  EXPECT_FALSE(ordered.uplinks[1].enabled);
  EXPECT_EQ(ordered.uplinks[1].disabled_by, "");
  EXPECT_TRUE(ordered.uplinks[2].enabled);
}

TEST(AdminReplies, AnotherUsableOneIsUpAndEnabledInEachFamilyOfTheFirst) {
  EXPECT_TRUE(has_another_usable("a", both(HealthState::up, HealthState::up)));
  EXPECT_FALSE(has_another_usable("a", both(HealthState::up, HealthState::suspect)));
  EXPECT_TRUE(has_another_usable("a", both(HealthState::down, HealthState::down)));
  auto health = both(HealthState::up, HealthState::up);
  health["b"].enabled = false;
  EXPECT_FALSE(has_another_usable("a", health));
  health["b"].enabled = true;
  health["a"].families[Family::v6].state = HealthState::up;
  EXPECT_FALSE(has_another_usable("a", health));
}

TEST(AdminReplies, ANameThatIsNoneIsAnsweredByThoseThatAre) {
  EXPECT_TRUE(check_name("a", both(HealthState::up, HealthState::up)));
  EXPECT_THAT(check_name("x", both(HealthState::up, HealthState::up)).error().message,
              HasSubstr("there is: a, b"));
  EXPECT_THAT(check_name("x", {}).error().message, HasSubstr("healthd has not reported"));
}

}  // namespace admin_order_test
}  // namespace multilink
