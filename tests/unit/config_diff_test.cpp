// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_diff.hpp"

#include <gmock/gmock.h>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/config_text.hpp"
#include "multilink/core/notify_keys.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/squid_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace config_diff_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Config config(std::string_view text) {
  const auto parsed = parse_config(text, "test");
  for (const auto& error : parsed.errors) ADD_FAILURE() << error.to_string();
  return parsed.config.value_or(Config{});
}

std::vector<std::string> diff(std::string_view before, std::string_view after) {
  std::vector<std::string> out;
  for (const auto& change : diff_configs(config(before), config(after))) out.push_back(render_change(change));
  return out;
}

TEST(ConfigDiff, SaysKeysWithTheirEffect) {
  EXPECT_THAT(
      diff("[eth0]\nname = fibre\n[eth1]\n", "[eth0]\nname = fibre\nweight = 3\n[eth1]\n"),
      ElementsAre("uplink fibre: weight 1 -> 3 (new flows are shared anew; those that run stay where they "
                  "are)\n"));
  EXPECT_THAT(diff("[eth0]\n", "# other words\n[eth0]\nweight = 1\n"), IsEmpty());
  EXPECT_THAT(diff("[eth0]\n", "[multilink]\nloss_down = 30%\n[eth0]\n"),
              ElementsAre(HasSubstr("uplink eth0: loss_down 20% -> 30% (")));
}

TEST(ConfigDiff, FollowsUplinksByTheirDevices) {
  EXPECT_THAT(
      diff("[eth0]\n[eth1]\n", "[eth1]\n[wwan0]\nname = lte\n"),
      ElementsAre(HasSubstr("uplink eth0: [eth0] is no more ("),
                  HasSubstr("uplink eth1: precedence 2 -> 1 ("), HasSubstr("uplink lte: [wwan0] is new (")));
  EXPECT_THAT(diff("[eth0]\n", "[eth0]\nmac = 02:00:5e:10:00:01\n"),
              ElementsAre(HasSubstr("mac none -> 02:00:5e:10:00:01")));
}

TEST(ConfigDiff, SaysWhatAReloadRefuses) {
  const auto changes = diff_configs(config("[eth0]\n"), config("[multilink]\nsite = x\n[eth0]\n"));
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_TRUE(changes[0].needs_restart);
  EXPECT_THAT(render_change(changes[0]), HasSubstr("at a restart only"));
}

TEST(ConfigDiff, ComparesPoliciesAndTheirOrder) {
  const std::string head = "[eth0]\n[eth1]\n";
  const std::string a = "[policy a]\niif = lan0\nuse = eth0\n", b = "[policy b]\nproto = tcp\nuse = eth1\n";
  EXPECT_THAT(diff(head + a + b, head + b + a), ElementsAre(HasSubstr("policies: order a, b -> b, a (")));
  EXPECT_THAT(diff(head + a, head + b),
              ElementsAre(HasSubstr("policy a: is no more"), HasSubstr("policy b: is new")));
  EXPECT_THAT(diff(head + a, head + "[policy a]\niif = lan0\nuse = eth0, eth1\n"),
              ElementsAre(HasSubstr("policy a: use eth0 -> eth0, eth1 (")));
}

TEST(ConfigDiff, ShowsNoWebAddress) {
  const auto lines = diff("[eth0]\n", "[eth0]\n[notify]\nwebhook = https://h.example/SECRET\non = down\n");
  EXPECT_THAT(lines, Contains(HasSubstr("notify: webhook is another one")));
  EXPECT_THAT(lines, Contains(HasSubstr("notify: on ")));
  EXPECT_THAT(join(lines, ""), Not(HasSubstr("SECRET")));
}

TEST(ConfigDiff, EveryKeyHasItsEffect) {
  for (const auto& key : config_keys()) {
    EXPECT_FALSE(effect_of(key.place == KeyPlace::suite ? "multilink" : "uplink", key.name).empty())
        << key.name;
  }
  for (const auto& key : policy_keys()) EXPECT_FALSE(effect_of("policy", key.name).empty()) << key.name;
  for (const auto& key : squid_keys()) EXPECT_FALSE(effect_of("squid", key.name).empty()) << key.name;
  for (const auto& key : notify_keys()) EXPECT_FALSE(effect_of("notify", key.name).empty()) << key.name;
}

TEST(ConfigText, MeansTheSameConfiguration) {
  for (const std::string text :
       {"[eth0]\n",
        "[multilink]\nsite = x\nredis = redis://h:1/2\ntargets = 192.0.2.1, 192.0.2.2\nhash = "
        "address\n[b]\nname = n\n[a]\nprecedence = 1\n"
        "weight = 7\nmasquerade = ipv4\nmetered = yes\nenabled = no\ngateway = 192.0.2.9, fe80::1\nmac = "
        "02:00:5e:10:00:01\n",
        "[e#0]\nname = e\ntranslate_prefix = fd00:1::/56 > 2001:db8:1::/56\nlatency_down = 400ms\nfailback = "
        "manual\n[x]\n"
        "[policy p]\nfrom = 10.0.0.0/8\nproto = udp, tcp\nport = 53, 80-90\nmark = 0x5\nuse = x, none\n"
        "[squid]\nenabled = yes\nlisten = 10.0.0.1:3128\n"}) {
    const auto meant = config(text);
    EXPECT_EQ(config(config_text(meant)), meant) << config_text(meant);
  }
  EXPECT_EQ(config_text(config("[multilink]\nloss_up = 5%\n[eth0]\nname = eth0\n")), "[eth0]\n");
}

TEST(ConfigText, TellsNothingOfNotify) {
  const auto with = config("[eth0]\n[notify]\nwebhook = https://h.example/SECRET\nmail = a@example.org\n");
  EXPECT_EQ(config_text(with), "[eth0]\n");
  EXPECT_NE(notify_digest(with), notify_digest(config("[eth0]\n")));
  EXPECT_EQ(
      notify_digest(with),
      notify_digest(config("[eth7]\n[notify]\nwebhook = https://h.example/SECRET\nmail = a@example.org\n")));
}

}  // namespace config_diff_test
}  // namespace multilink
