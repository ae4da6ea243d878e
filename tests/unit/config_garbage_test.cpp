// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever bytes a file holds: a configuration or errors, never both, never neither, never a crash.
#include <gtest/gtest.h>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/config_report.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/policy_rules.hpp"
#include "seeded.hpp"

namespace multilink {
namespace config_garbage_test {

void expect_sound(const std::string& text) {
  const auto parsed = parse_config(text, "garbage.conf");
  ASSERT_EQ(parsed.config.has_value(), parsed.errors.empty()) << printable(text, text.size());
  unsigned last = 0;
  for (const auto& error : parsed.errors) {
    const unsigned line = error.line == 0 ? ~0U : error.line;
    EXPECT_GE(line, last) << printable(text, text.size());
    last = line;
    for (const char c : error.to_string()) ASSERT_TRUE(c >= ' ' && c <= '~') << printable(text, text.size());
  }
  if (!parsed.config) return;
  EXPECT_FALSE(parsed.config->uplinks.empty());
  for (const auto& uplink : parsed.config->uplinks) {
    EXPECT_TRUE(is_token(uplink.name) && !uplink.device.empty() && uplink.device.size() <= 15);
    EXPECT_EQ(parsed.config->uplink_named(uplink.name), &uplink) << "names are unique";
    EXPECT_GE(uplink.loss_window, 20 * uplink.probe_interval);
    EXPECT_LT(uplink.loss_up, uplink.loss_down);
    EXPECT_FALSE(uplink.targets.empty());
  }
  for (const auto& policy : parsed.config->policies) {
    EXPECT_TRUE(is_token(policy.name));
    EXPECT_FALSE(policy.use.empty());
    for (const auto& name : policy.use) EXPECT_NE(parsed.config->uplink_named(name), nullptr);
    EXPECT_FALSE(selectors_of(policy, Family::v4).empty() && selectors_of(policy, Family::v6).empty());
  }
  EXPECT_FALSE(describe_check(parsed, {}).empty());
}

std::string random_bytes(std::mt19937_64& random, std::size_t most) {
  std::string out(random() % most, ' ');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

/// Lines that nearly or wholly make sense, so that the rules behind the grammar are reached as well.
std::string random_file(std::mt19937_64& random) {
  const std::vector<std::string> sections{"multilink", "eth0",     "eth1", "wwan0",
                                          "squid",     "policy a", "lo",   ""};
  const auto& keys = config_keys();
  std::string out;
  const auto lines = random() % 12;
  for (std::size_t line = 0; line < lines; ++line) {
    const auto& key = keys[random() % keys.size()];
    const auto& policy_key = policy_keys()[random() % policy_keys().size()];
    switch (random() % 10) {
      case 0:
      case 1:
      case 2:
        out += cat('[', sections[random() % sections.size()], ']');
        break;
      case 3:
        out += cat(key.name, " = ", random_bytes(random, 10));
        break;
      case 4:
        out += random_bytes(random, 20);
        break;
      case 5:
        out += cat("[eth0]\n[policy b]\n", policy_key.name, " = ", policy_key.example,
                   "\nuse = eth0\niif = ", random_bytes(random, 3));
        break;
      case 6:
        out += cat(policy_key.name, " = ", policy_key.example);
        break;
      default:
        out += cat(key.name, " = ", random() % 2 == 0 ? key.example : key.fallback);
    }
    out += '\n';
  }
  return out;
}

TEST(ConfigGarbage, RandomBytesAreRefusedAndExplained) {
  auto random = seeded_random();
  for (int round = 0; round < 2000; ++round) expect_sound(random_bytes(random, 400));
}

TEST(ConfigGarbage, RandomFilesAreAConfigurationOrErrors) {
  auto random = seeded_random();
  unsigned accepted = 0;
  constexpr unsigned kRounds = 5000;
  for (unsigned round = 0; round < kRounds; ++round) {
    const auto text = random_file(random);
    expect_sound(text);
    if (parse_config(text, "garbage.conf").config) ++accepted;
  }
  EXPECT_GT(accepted, kRounds / 100) << "the generator must reach both outcomes";
  EXPECT_LT(accepted, kRounds / 2);
}

TEST(ConfigGarbage, AFileFullOfSectionsIsReadInReasonableTime) {
  std::string text = "[multilink]\nmark_mask = 0xffffffff\n";
  for (int i = 0; i < 20000; ++i) text += cat("[d", i, "]\n");
  const auto parsed = parse_config(text, "large.conf");
  ASSERT_TRUE(parsed.config);
  EXPECT_EQ(parsed.config->uplinks.size(), 20000U);
}

}  // namespace config_garbage_test
}  // namespace multilink
