// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config.hpp"

#include <gtest/gtest.h>

#include "multilink/core/squid_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace config_test {

using namespace std::chrono_literals;

constexpr std::string_view kFile = "interfaces.conf";

std::vector<std::string> lines(const std::vector<ConfigProblem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(problem.to_string());
  return out;
}

Config valid(std::string_view text) {
  const auto parsed = parse_config(text, kFile);
  EXPECT_EQ(lines(parsed.errors), std::vector<std::string>{});
  return parsed.config.value_or(Config{});
}

std::vector<std::string> warnings(std::string_view text) {
  const auto parsed = parse_config(text, kFile);
  EXPECT_TRUE(parsed.config);
  return lines(parsed.warnings);
}

std::string names(const Config& config) {
  std::vector<std::string> out;
  for (const auto& uplink : config.uplinks) out.push_back(uplink.name);
  return join(out, " ");
}

TEST(Config, EmptySectionsAreEnough) {
  const auto config = valid("[eth0]\n[wwan0]");
  ASSERT_EQ(config.uplinks.size(), 2U);
  EXPECT_EQ(config.suite, SuiteConfig{});
  EXPECT_EQ(config.suite.redis.unix_path, "/run/multilink/redis.sock");
  UplinkConfig expected;
  expected.device = "wwan0";
  expected.name = "wwan0";
  expected.precedence = 2;
  for (const auto target :
       {"1.1.1.1", "8.8.8.8", "9.9.9.9", "2606:4700:4700::1111", "2001:4860:4860::8888"}) {
    expected.targets.push_back(IpAddress::parse(target).value());
  }
  EXPECT_EQ(config.uplinks[1], expected);
}

TEST(Config, TheSuiteSetsDefaultsWhereverItStands) {
  const auto config = valid(
      "[eth0]\nprobe_interval = 2s\n"
      "[wwan0]\n"
      "[multilink]\nprobe_interval = 500ms\ntargets = 192.0.2.1, 192.0.2.2\nlatency_down = 300ms\n"
      "[eth1]\nlatency_down = off\n");
  EXPECT_EQ(config.uplink_named("eth0")->probe_interval, 2s);
  EXPECT_EQ(config.uplink_named("wwan0")->probe_interval, 500ms);
  EXPECT_EQ(config.uplink_named("wwan0")->latency_down, 300ms);
  EXPECT_EQ(config.uplink_named("eth1")->latency_down, std::nullopt);
  EXPECT_EQ(config.uplink_named("eth1")->targets_of(Family::v4).size(), 2U);
  EXPECT_TRUE(config.uplink_named("eth1")->targets_of(Family::v6).empty());
  EXPECT_EQ(config.uplink_named("eth2"), nullptr);
}

TEST(Config, UplinksAreOrderedByPrecedenceThenByPosition) {
  EXPECT_EQ(names(valid("[a]\n[b]\n[c]\n")), "a b c");
  EXPECT_EQ(names(valid("[a]\nprecedence = 3\n[b]\n[c]\n")), "b a c");
  EXPECT_EQ(names(valid("[a]\nprecedence = 9\n[b]\nprecedence = 1\n[c]\nprecedence = 1\n")), "b c a");
  EXPECT_EQ(valid("[multilink]\n[squid]\n[a]\n[notify]\n[b]\n").uplinks[1].precedence, 2U);
}

TEST(Config, EveryKeyIsRead) {
  const auto config = valid(
      "[multilink]\n"
      "redis = redis://[2001:db8::1]:7000/3\nsite = office-2\nhash = address\nmark_mask = 0xff000000\n"
      "history = 2h\n"
      "[wwan0]\n"
      "name = lte\nmac = 02-00-5E-10-00-0A\ngateway = fe80::1, 192.0.2.1\nweight = 256\nprecedence = 7\n"
      "masquerade = yes\ntranslate_prefix = fd00:1::/56>2001:db8:0:100::/56\ntargets = "
      "192.0.2.9\nprobe_interval = 100ms\nloss_window = 2s\nloss_down = 30.5%\n"
      "loss_up = 0.5 %\nlatency_down = 400ms\njitter_down = 50 ms\nup_after = 1min\nevict_after = 100ms\n"
      "suspect_moves = none\nfailback = manual\nfailback_udp_after = 0s\nmetered = yes\nenabled = no\n");
  SuiteConfig suite;
  suite.redis = {"", "2001:db8::1", 7000, 3};
  suite.site = "office-2";
  suite.hash = Hash::address;
  suite.mark_mask = 0xff000000;
  suite.history = 2h;
  EXPECT_EQ(config.suite, suite);
  UplinkConfig lte;
  lte.device = "wwan0";
  lte.name = "lte";
  lte.mac = "02:00:5e:10:00:0a";
  lte.gateways = {{Family::v4, *IpAddress::parse("192.0.2.1")}, {Family::v6, *IpAddress::parse("fe80::1")}};
  lte.weight = 256;
  lte.precedence = 7;
  lte.masquerade = {Family::v4, Family::v6};
  lte.translate_prefix =
      PrefixTranslation{*IpPrefix::parse("fd00:1::/56"), *IpPrefix::parse("2001:db8:0:100::/56")};
  lte.metered = 2min;
  lte.enabled = false;
  lte.targets = {*IpAddress::parse("192.0.2.9")};
  lte.probe_interval = 100ms;
  lte.loss_window = 2s;
  lte.loss_down = 0.305;
  lte.loss_up = 0.005;
  lte.latency_down = 400ms;
  lte.jitter_down = 50ms;
  lte.up_after = 1min;
  lte.evict_after = 100ms;
  lte.suspect_moves = SuspectMoves::none;
  lte.failback = Failback::manual;
  lte.failback_udp_after = 0s;
  EXPECT_EQ(config.uplinks.at(0), lte);
}

TEST(Config, DevicesMayHaveAnyNameThatLinuxAllows) {
  EXPECT_EQ(valid("[eth0.100]\n[br-lan_2]\n[enp0s20f0u4u1c2]\n").uplinks.size(), 3U);
  EXPECT_EQ(names(valid("[tun@home]\nname = tunnel\n[w\xc3\xa9]\nname = radio\n")), "tunnel radio");
}

TEST(Config, AllErrorsAreToldAtOnceInFileOrder) {
  const auto parsed = parse_config(
      "[multilink]\nloss_up = 30%\nwieght = 2\nhistory = 1\n[eth0]\nweight = "
      "x\n[lo]\n[eth0]\nprobe_interval\n",
      kFile);
  EXPECT_FALSE(parsed.config);
  std::vector<unsigned> at;
  for (const auto& error : parsed.errors) {
    EXPECT_EQ(error.file, kFile);
    at.push_back(error.line);
  }
  EXPECT_EQ(at, (std::vector<unsigned>{2, 3, 4, 6, 7, 8, 9}));
}

TEST(Config, WhatIsWrongByItselfIsNotHeldAgainstOthers) {
  // 10s would break the rule of 20 probes against the default window, and the default interval would not.
  const auto parsed =
      parse_config("[multilink]\nloss_window = 1x\n[eth0]\nprobe_interval = 10s\n[b]\n", kFile);
  EXPECT_EQ(lines(parsed.errors).size(), 1U);
}

TEST(Config, ARuleBrokenInTheSuiteIsToldOnceNotForEveryUplink) {
  const auto parsed = parse_config("[multilink]\nprobe_interval = 5s\n[a]\n[b]\nenabled = no\n", kFile);
  ASSERT_EQ(parsed.errors.size(), 1U);
  EXPECT_EQ(parsed.errors[0].line, 2U);
}

TEST(Config, AnUplinkMayMendWhatItInherits) {
  EXPECT_EQ(valid("[a]\nprobe_interval = 5s\nloss_window = 100s\n[b]\n").uplinks[0].loss_window, 100s);
}

TEST(Config, TheMaskHoldsAllUplinksButTheProbesOwnValue) {
  std::string text;
  for (int i = 0; i < 62; ++i) text += cat("[eth", i, "]\n");
  EXPECT_EQ(valid(text).uplinks.size(), 62U);
  const auto refused = parse_config(text + "[eth62]\n", kFile);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].line, 63U);
  EXPECT_NE(refused.errors[0].message.find("mark_mask = 0xfe000000"), std::string::npos);
  EXPECT_EQ(valid("[multilink]\nmark_mask = 0xfe000000\n" + text + "[eth62]\n").uplinks.size(), 63U);
  EXPECT_EQ(valid("[multilink]\nmark_mask = 0xffffffff\n[a]\n").suite.mark_mask, 0xffffffffU);
}

TEST(Config, TheProxyIsOffAndServesLocalNetworksOnlyUnlessToldOtherwise) {
  const auto squid = valid("[a]\n[b]\n").squid;
  EXPECT_EQ(squid, default_squid());
  EXPECT_FALSE(squid.enabled);
  EXPECT_EQ(squid.listen, (std::vector<ListenPlace>{{std::nullopt, 3128}}));
  for (const auto* public_address : {"203.0.113.9", "100.64.0.1", "2001:db8::1", "169.254.1.1"}) {
    for (const auto& network : squid.allow)
      EXPECT_FALSE(network.contains(*IpAddress::parse(public_address))) << public_address;
  }
}

TEST(Config, TheProxyIsSetUpByItsSection) {
  const auto squid = valid(
                         "[squid]\nenabled = yes\nlisten = 8080, 192.168.1.1:3128, [fd00::1]:3128\n"
                         "allow = 192.168.1.0/24, fd00::/64, 192.168.7.7\ncache_memory = 2GB\n[a]\n[b]\n")
                         .squid;
  EXPECT_TRUE(squid.enabled);
  EXPECT_EQ(squid.listen, (std::vector<ListenPlace>{{std::nullopt, 8080},
                                                    {*IpAddress::parse("192.168.1.1"), 3128},
                                                    {*IpAddress::parse("fd00::1"), 3128}}));
  EXPECT_EQ(squid.allow,
            (std::vector<IpPrefix>{*IpPrefix::parse("192.168.1.0/24"), *IpPrefix::parse("fd00::/64"),
                                   *IpPrefix::parse("192.168.7.7/32")}));
  EXPECT_EQ(squid.cache_memory_mib, 2048U);
}

TEST(Config, TheProxyServesNoIpv4UnderTheNameOfIpv6) {
  for (const auto* network : {"::ffff:0:0/96", "::/1", "::/80", "::ffff:203.0.113.9", "::ffff:7f00:0/104"}) {
    const auto refused = parse_config(cat("[squid]\nallow = fd00::/64, ", network, "\n[a]\n[b]\n"), kFile);
    ASSERT_EQ(refused.errors.size(), 1U) << network;
    EXPECT_EQ(refused.errors[0].line, 2U);
    EXPECT_NE(refused.errors[0].message.find(cat("'", network, "' stands for IPv4")), std::string::npos)
        << refused.errors[0].message;
  }
  for (const auto* network : {"::/97", "fc00::/7", "2001:db8::/32", "::fffe:0:0/96"})
    EXPECT_EQ(valid(cat("[squid]\nallow = ", network, "\n[a]\n[b]\n")).squid.allow.size(), 1U) << network;
}

TEST(Config, AsManyUplinksAsThereAreParents) {
  std::string text = "[squid]\nenabled = yes\n";
  for (int i = 0; i < 16; ++i) text += cat("[eth", i, "]\n");
  EXPECT_EQ(valid(text).uplinks.size(), 16U);
  const auto refused = parse_config(text + "[eth16]\n", kFile);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].line, 19U);
  EXPECT_EQ(valid("[squid]\nenabled = no\n" + text.substr(text.find("[eth0]")) + "[eth16]\n").uplinks.size(),
            17U);
}

TEST(Config, WithTheProxyAWeightCountsInEveryRank) {
  EXPECT_EQ(warnings("[a]\nweight = 3\n[b]\n").size(), 1U);
  EXPECT_TRUE(warnings("[squid]\nenabled = yes\n[a]\nweight = 3\n[b]\n").empty());
}

TEST(Config, NamesEveryBadItemOfAList) {
  const auto parsed = parse_config(
      "[a]\ntargets = google.com, 1.1.1.1, 1.1.1.1, 127.0.0.1, 224.0.0.1\n[b]\n[notify]\nmail = x, a@b, y\n",
      kFile);
  ASSERT_EQ(parsed.errors.size(), 6U);
  EXPECT_EQ(parsed.errors[0].line, 2U);
  EXPECT_TRUE(parsed.errors[0].message.starts_with("targets: 'google.com' is not"));
  EXPECT_EQ(parsed.errors[1].message, "targets: '1.1.1.1' is given twice; keep one");
  EXPECT_TRUE(parsed.errors[2].message.starts_with("targets: '127.0.0.1' is a loopback address"));
  EXPECT_TRUE(parsed.errors[3].message.starts_with("targets: '224.0.0.1' is a multicast address"));
  EXPECT_EQ(parsed.errors[5].line, 5U);
  EXPECT_TRUE(parsed.errors[5].message.starts_with("mail: 'y' is no address of mail"));
}

TEST(Config, AMisspeltSectionIsNoUplink) {
  for (const char* name : {"Multilink", "SQUID", "Notify", "multiLink"}) {
    const auto parsed = parse_config(cat("[", name, "]\n[a]\n[b]\n"), kFile);
    ASSERT_FALSE(parsed.errors.empty()) << name;
    EXPECT_NE(parsed.errors[0].message.find("did you mean ["), std::string::npos) << parsed.errors[0].message;
  }
}

TEST(Config, SaysWhoIsToldOfWhat) {
  const auto parsed = parse_config(
      "[a]\n[notify]\ncommand = /bin/tell\nwebhook = https://example.com/hook\nmail = a@b, c@d\non = "
      "suspect\n",
      kFile);
  ASSERT_TRUE(parsed.config);
  const auto& notify = parsed.config->notify;
  EXPECT_EQ(notify.command, "/bin/tell");
  EXPECT_EQ(notify.webhook, "https://example.com/hook");
  EXPECT_EQ(notify.mail, (std::vector<std::string>{"a@b", "c@d"}));
  EXPECT_EQ(notify.on, std::vector{NotifyOn::suspect});
  EXPECT_EQ(lines(parse_config("[a]\n[b]\n[notify]\n", kFile).warnings),
            (std::vector<std::string>{
                "interfaces.conf:3: [notify]: nobody is told; name a command, a webhook or mail"}));
}

TEST(Config, OrdinaryFilesRaiseNoDoubt) {
  EXPECT_TRUE(warnings("[a]\n[b]\n").empty());
  EXPECT_TRUE(warnings("[a]\nprecedence = 1\nweight = 3\n[b]\nprecedence = 1\n").empty());
  EXPECT_TRUE(warnings("[multilink]\ntargets = 192.0.2.1, 192.0.2.2\n[a]\n[b]\nenabled = no\n").empty());
}

TEST(Config, ASingleTargetOfAFamilyIsWarnedOf) {
  EXPECT_EQ(warnings("[multilink]\ntargets = 192.0.2.1, 192.0.2.2, 2001:db8::1\n[a]\n[b]\n"),
            std::vector<std::string>{"interfaces.conf:2: targets: '2001:db8::1' is the only IPv6 target and "
                                     "decides alone: when it is dead, the link counts as dead; give two or "
                                     "more"});
}

TEST(Config, AnUplinkWithoutAnIpv4TargetIsWarnedOfOncePerList) {
  const auto warning = [](unsigned line, std::string_view device) {
    return cat("interfaces.conf:", line, ": targets: there is no IPv4 target for [", device,
               "]: without one its IPv4 is not probed, never comes up and carries nothing; add two or more "
               "IPv4 addresses");
  };
  EXPECT_EQ(warnings("[a]\ntargets = 2001:db8::1, 2001:db8::2\n[b]\n"),
            std::vector<std::string>{warning(2, "a")});
  EXPECT_EQ(warnings("[multilink]\ntargets = 2001:db8::1, 2001:db8::2\n[a]\n[b]\n[c]\n"
                     "targets = 2001:db8::1, 2001:db8::3\n[d]\ntargets = 192.0.2.1, 192.0.2.2\n"),
            (std::vector<std::string>{warning(2, "a"), warning(6, "c")}));
}

TEST(Config, AnIpv6GatewayWithoutAnIpv6TargetIsWarnedOf) {
  EXPECT_EQ(
      warnings("[multilink]\ntargets = 192.0.2.1, 192.0.2.2\n[a]\ngateway = fe80::1\n[b]\n"),
      std::vector<std::string>{"interfaces.conf:2: targets: there is no IPv6 target for [a]: without one its "
                               "IPv6 is not probed, never comes up and carries nothing; add two or more IPv6 "
                               "addresses"});
}

TEST(Config, WhatIsHardlyMeantIsWarnedOf) {
  const auto first = [](std::string_view text) {
    const auto all = warnings(text);
    return all.empty() ? std::string() : all.front();
  };
  EXPECT_EQ(first("[a]\n"),
            "interfaces.conf:1: [a]: it is the only uplink, so there is nothing to fail over to");
  EXPECT_EQ(
      first("[a]\nweight = 3\n[b]\n"),
      "interfaces.conf:2: weight: '3' has no effect: no other uplink has precedence 1; give uplinks that "
      "shall share the traffic the same precedence");
  EXPECT_EQ(
      first("[a]\ngateway = 192.0.2.1\ntargets = 192.0.2.1, 192.0.2.2\n[b]\n"),
      "interfaces.conf:2: gateway: '192.0.2.1' is also a target: it answers although the Internet behind "
      "it may be gone; take it out of targets");
  EXPECT_EQ(first("[multilink]\nenabled = no\n[a]\n[b]\n"),
            "interfaces.conf: every uplink has enabled = no, so multilink will choose none");
}

}  // namespace config_test
}  // namespace multilink
