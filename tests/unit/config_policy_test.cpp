// SPDX-License-Identifier: GPL-2.0-or-later
// Sections [policy NAME]: what they come to as values, and as selectors of the kernel's rules.
#include <gmock/gmock.h>

#include "multilink/core/config.hpp"
#include "multilink/core/config_report.hpp"
#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/policy_rules.hpp"
#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink {
namespace config_policy_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kUplinks = "[eth0]\nname = fibre\n[wwan0]\nname = lte\n";

ParsedConfig parse(std::string_view policies) {
  return parse_config(cat(kUplinks, policies), "f.conf");
}

std::vector<PolicyConfig> policies_of(std::string_view text) {
  const auto parsed = parse(text);
  EXPECT_TRUE(parsed.config) << (parsed.errors.empty() ? "" : parsed.errors[0].to_string());
  return parsed.config ? parsed.config->policies : std::vector<PolicyConfig>{};
}

std::vector<std::string> warnings_of(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& warning : parse(text).warnings) out.push_back(warning.to_string());
  return out;
}

IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}

TEST(ConfigPolicy, HoldsWhatItsSectionSays) {
  const auto policies = policies_of(
      "[policy web]\nfrom = 192.168.20.0/24, 2001:db8::1\nto = 198.51.100.0/24,2001:db8:1::/48\niif = lan0, "
      "lo\n"
      "proto = tcp, 17\nport = 443, 8000 - 8099\nmark = 0x10/0xff\nuse = lte, fibre, none\n"
      "[policy  voice]\nproto = icmp\nuse = fibre\n");
  ASSERT_EQ(policies.size(), 2U);
  const auto& web = policies[0];
  EXPECT_EQ(web.name, "web");
  EXPECT_THAT(web.from, ElementsAre(prefix("192.168.20.0/24"), prefix("2001:db8::1/128")));
  EXPECT_THAT(web.to, ElementsAre(prefix("198.51.100.0/24"), prefix("2001:db8:1::/48")));
  EXPECT_THAT(web.iif, ElementsAre("lan0", "lo"));
  EXPECT_THAT(web.protocols, ElementsAre(ip_protocol::kTcp, ip_protocol::kUdp));
  EXPECT_THAT(web.ports, ElementsAre(PortRange{443, 443}, PortRange{8000, 8099}));
  EXPECT_EQ(web.mark, (MarkMatch{0x10, 0xff}));
  EXPECT_THAT(web.use, ElementsAre("lte", "fibre"));
  EXPECT_EQ(policies[1].name, "voice");
  EXPECT_THAT(policies[1].protocols, ElementsAre(ip_protocol::kIcmp));
}

TEST(ConfigPolicy, NoneSaysWhatHoldsAnyway) {
  EXPECT_EQ(policies_of("[policy a]\niif = lan0\nuse = lte, none\n"),
            policies_of("[policy a]\niif = lan0\nuse = lte\n"));
}

TEST(ConfigPolicy, AMarkWithoutAMaskLooksAtAllBitsButOurs) {
  EXPECT_EQ(policies_of("[policy a]\nmark = 16\nuse = lte\n").at(0).mark, (MarkMatch{16, 0xc0ffffff}));
  EXPECT_EQ(policies_of("[multilink]\nmark_mask = 0xff00\n[policy a]\nmark = 0x10\nuse = lte\n").at(0).mark,
            (MarkMatch{16, 0xffff00ff}));
  EXPECT_EQ(policies_of("[policy a]\nmark = 0/0xff\nuse = lte\n").at(0).mark, (MarkMatch{0, 0xff}));
}

TEST(ConfigPolicy, ManyErrorsOfOneSectionAreAllTold) {
  const auto parsed = parse("[policy a]\nport = 0\nuse = dsl\nmark = 0x1000000/0xff000000\n");
  std::vector<unsigned> lines;
  for (const auto& error : parsed.errors) lines.push_back(error.line);
  EXPECT_THAT(lines, ElementsAre(6, 7, 8));
}

TEST(ConfigPolicy, ARefusedValueIsNotHeldAgainstOtherKeys) {
  EXPECT_EQ(parse("[policy a]\nproto = sip\nport = 443\nuse = lte\n").errors.size(), 1U);
  EXPECT_EQ(parse("[policy a]\nfrom = x\nto = 2001:db8::1\nuse = lte\n").errors.size(), 1U);
  EXPECT_EQ(parse("[policy a]\niif = x y\nuse = lte\n").errors.size(), 1U);
  EXPECT_EQ(parse("[multilink]\nmark_mask = 5\n[policy a]\nmark = 0x1000000\nuse = lte\n").errors.size(), 1U);
}

TEST(ConfigPolicy, WhatItsAuthorHardlyMeantIsWarnedOf) {
  EXPECT_THAT(warnings_of("[policy a]\niif = lan0\nuse = lte\n[policy b]\niif = lan1\nuse = lte\n"),
              IsEmpty());
  EXPECT_THAT(
      warnings_of("[policy a]\niif = lan0\nuse = lte\n[policy b]\niif = lan0\nuse = fibre\n"),
      ElementsAre(
          "f.conf:8: [policy b]: it selects what [policy a] on line 5 selects already, so that nothing "
          "is left for it; take it out"));
  EXPECT_THAT(
      warnings_of("[ppp0]\nenabled = no\n[policy a]\niif = lan0\nuse = ppp0\n"),
      ElementsAre("f.conf:9: use: every uplink that [policy a] names has enabled = no, so its traffic is "
                  "refused"));
}

TEST(ConfigPolicy, TheReportTellsWhatItMeans) {
  EXPECT_THAT(
      describe_check(parse("[policy web]\niif = lan0\nproto = tcp\nport = 443, 80\nuse = lte, fibre\n"), {}),
      HasSubstr("\n  policy web: iif lan0; proto tcp; port 443, 80 by lte, else fibre, else refused\n"));
}

TEST(ConfigPolicy, WhatAKeyWritesItReadsBackAsTheSame) {
  for (const auto& key : policy_keys()) {
    EXPECT_EQ(find_section_key(policy_keys(), key.name), &key);
    PolicyConfig policy;
    ASSERT_TRUE(read_section_value(key, key.example, policy)) << key.name;
    const auto text = key.write(policy);
    PolicyConfig again;
    ASSERT_TRUE(read_section_value(key, text, again)) << key.name << " = " << text;
    EXPECT_EQ(again, policy) << key.name;
    EXPECT_EQ(key.write(PolicyConfig{}), "") << key.name;
  }
  EXPECT_EQ(find_section_key(policy_keys(), "ports"), nullptr);
}

TEST(ConfigPolicy, ARefusedValueChangesNothingAndIsExplained) {
  auto random = seeded_random();
  for (const auto& key : policy_keys()) {
    for (int round = 0; round < 200; ++round) {
      std::string text(random() % 12, ' ');
      for (char& c : text) c = "0123456789abcdefx/.,:- \xff"[random() % 24];
      PolicyConfig policy;
      const auto done = read_section_value(key, text, policy);
      if (done) continue;
      EXPECT_TRUE(done.error().message.starts_with(cat(key.name, ": '"))) << done.error().message;
      EXPECT_NE(done.error().message.find("; "), std::string::npos) << done.error().message;
      EXPECT_EQ(policy, PolicyConfig{}) << key.name << " = " << text;
    }
  }
}

TEST(PolicyRules, OneForEachCombinationThatFitsTheFamily) {
  const auto policy = policies_of(
                          "[policy web]\nfrom = 192.168.20.0/24, 192.168.21.0/24, 2001:db8::/64\niif = lan0, "
                          "lan1\nproto = tcp, udp\n"
                          "port = 443\nmark = 0x10/0xff\nuse = lte\n")
                          .at(0);
  const auto v4 = selectors_of(policy, Family::v4);
  ASSERT_EQ(v4.size(), 8U);
  Rule first;
  first.from = prefix("192.168.20.0/24");
  first.iif = "lan0";
  first.ip_protocol = ip_protocol::kTcp;
  first.destination_ports = PortRange{443, 443};
  first.mark = MarkMatch{0x10, 0xff};
  EXPECT_EQ(v4[0], first);
  const auto v6 = selectors_of(policy, Family::v6);
  ASSERT_EQ(v6.size(), 4U);
  for (const auto& rule : v6) EXPECT_EQ(rule.from, prefix("2001:db8::/64"));
}

TEST(PolicyRules, NoneOfAFamilyThatALoneListLeavesOut) {
  EXPECT_THAT(selectors_of(policies_of("[policy a]\nto = 2001:db8::1\nuse = lte\n").at(0), Family::v4),
              IsEmpty());
  EXPECT_EQ(selectors_of(policies_of("[policy a]\niif = lan0\nuse = lte\n").at(0), Family::v6).size(), 1U);
}

TEST(PolicyRules, IcmpIsThatOfTheFamily) {
  const auto policy = policies_of("[policy a]\nproto = icmp, 58\nuse = lte\n").at(0);
  const auto v6 = selectors_of(policy, Family::v6);
  ASSERT_EQ(v6.size(), 1U);
  EXPECT_EQ(v6[0].ip_protocol, ip_protocol::kIcmpv6);
  EXPECT_EQ(selectors_of(policy, Family::v4).size(), 2U);
}

}  // namespace config_policy_test
}  // namespace multilink
