// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_keys.hpp"

#include <gtest/gtest.h>

#include <set>

#include "seeded.hpp"

namespace multilink {
namespace config_keys_test {

TEST(ConfigKeys, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const auto& key : config_keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_EQ(find_config_key(key.name), &key);
  }
  EXPECT_EQ(names.size(), 26U);
  EXPECT_EQ(find_config_key("password"), nullptr);
}

TEST(ConfigKeys, EveryDefaultAndExampleKeepsItsOwnRule) {
  for (const auto& key : config_keys()) {
    Settings settings;
    EXPECT_TRUE(read_config_value(key, key.example, settings)) << key.name;
    if (!key.fallback.empty()) {
      EXPECT_TRUE(read_config_value(key, key.fallback, settings)) << key.name;
    }
  }
}

TEST(ConfigKeys, TheTablesDefaultsAreThoseOfTheTypes) {
  auto defaults = default_settings();
  EXPECT_EQ(static_cast<SuiteConfig&>(defaults), SuiteConfig{});
  EXPECT_EQ(defaults.targets.size(), 5U);
  defaults.targets.clear();  // the type leaves them to the table
  EXPECT_EQ(static_cast<UplinkConfig&>(defaults), UplinkConfig{});
}

TEST(ConfigKeys, WhatAKeyWritesItReadsBackAsTheSame) {
  for (const auto& key : config_keys()) {
    Settings settings;
    ASSERT_TRUE(read_config_value(key, key.example, settings)) << key.name;
    const auto text = key.value.write(settings);
    Settings again;
    ASSERT_TRUE(read_config_value(key, text, again)) << key.name << " = " << text;
    EXPECT_EQ(key.value.write(again), text) << key.name;
    EXPECT_EQ(static_cast<SuiteConfig&>(again), static_cast<SuiteConfig&>(settings)) << key.name;
    EXPECT_EQ(static_cast<UplinkConfig&>(again), static_cast<UplinkConfig&>(settings)) << key.name;
  }
}

TEST(ConfigKeys, ARefusedValueChangesNothingAndIsExplained) {
  auto random = seeded_random();
  for (const auto& key : config_keys()) {
    for (int round = 0; round < 50; ++round) {
      std::string text(random() % 12, ' ');
      for (char& c : text) c = static_cast<char>(random());
      auto settings = default_settings();
      const auto before = settings;
      const auto done = read_config_value(key, text, settings);
      if (done) continue;
      EXPECT_TRUE(done.error().message.starts_with(cat(key.name, ": '"))) << done.error().message;
      EXPECT_NE(done.error().message.find("; "), std::string::npos) << done.error().message;
      EXPECT_EQ(static_cast<SuiteConfig&>(settings), static_cast<const SuiteConfig&>(before));
      EXPECT_EQ(static_cast<UplinkConfig&>(settings), static_cast<const UplinkConfig&>(before));
    }
  }
}

TEST(ConfigKeys, ThePlainRefusalNamesValueRuleAndRemedy) {
  Settings settings;
  const auto done = read_config_value(*find_config_key("weight"), "x", settings);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message,
            "weight: 'x' is not a whole number from 1 to 256; write for example weight = 2");
}

TEST(ConfigKeys, TheEndsOfEveryRangeAreInside) {
  const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> good{
      {"history", {"1min", "24h"}},
      {"probe_interval", {"100ms", "60s"}},
      {"loss_window", {"2s", "1h"}},
      {"loss_down", {"1%", "99%"}},
      {"loss_up", {"0.1%", "98%"}},
      {"up_after", {"1s", "1h"}},
      {"evict_after", {"100ms", "10min"}},
      {"latency_down", {"off", "1ms", "10s"}},
      {"jitter_down", {"off", "1ms", "10s"}},
      {"failback_udp_after", {"0s", "1d"}},
      {"weight", {"1", "256"}},
      {"precedence", {"1", "65535"}},
      {"mark_mask", {"0x3", "0xc0000000", "0xffffffff", "0x3F000000"}},
      {"suspect_moves", {"udp", "none"}},
      {"failback", {"graceful", "flush", "manual"}},
      {"metered", {"no", "yes", "0s", "1d"}},
      {"hash", {"flow", "address"}},
      {"masquerade", {"yes", "no", "ipv4", "ipv6"}},
      {"translate_prefix", {"no", "fd00::/16>2001::/16", "fd00:0:0:1::/64 > 2001:db8::/64"}},
  };
  for (const auto& [name, values] : good) {
    for (const auto value : values) {
      Settings settings;
      EXPECT_TRUE(read_config_value(*find_config_key(name), value, settings)) << name << " = " << value;
    }
  }
}

TEST(ConfigKeys, TokensAreSafeAsPartsOfKeysFilesAndArguments) {
  for (const auto good : {"a", "9", "fibre-1", "a.b_c", "Abcdefghijklmnopqrstuvwxyz012345"}) {
    EXPECT_TRUE(is_token(good)) << good;
  }
  for (const auto bad :
       {"", "-a", ".a", "_a", "a b", "a:b", "a/b", "a*", "\xc3\xa9", "Abcdefghijklmnopqrstuvwxyz0123456"}) {
    EXPECT_FALSE(is_token(bad)) << bad;
  }
}

}  // namespace config_keys_test
}  // namespace multilink
