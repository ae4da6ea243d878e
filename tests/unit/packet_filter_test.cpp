// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/packet_filter.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink {
namespace packet_filter_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

FilteredUplink uplink(unsigned index, std::string device, std::set<IpAddress> addresses = {}) {
  FilteredUplink out;
  out.index = index;
  out.device = std::move(device);
  out.addresses = std::move(addresses);
  return out;
}

PacketFilterTable two_uplinks() {
  return {.mark_mask = 0x3f000000,
          .uplinks = {uplink(1, "wan1", {address("192.0.2.2"), address("2001:db8:1::2"), address("fe80::2")}),
                      uplink(2, "wan2", {address("198.51.100.2")})}};
}

std::string anew(const PacketFilterTable& table) {
  return filter_anew(table).value();
}

/// The rules of a chain as the text has them, without the line that makes it a base chain.
std::vector<std::string> rules_of(const std::string& text, std::string_view chain) {
  std::vector<std::string> rules;
  bool inside = false;
  for (const auto line : split(text, '\n')) {
    const auto words = trim(line);
    if (inside && words == "}") return rules;
    if (inside && !words.starts_with("type ")) rules.emplace_back(words);
    inside |= words == cat("chain ", chain, " {");
  }
  ADD_FAILURE() << "no chain " << chain << " in\n" << text;
  return {};
}

TEST(PacketFilter, TheParentsOfTheProxyBeginNothingOnThisHost) {
  auto table = two_uplinks();
  EXPECT_THAT(rules_of(anew(table), "local_resets"), IsEmpty());
  table.parents = {{901, 904}, {910, 921}};
  const auto rules = rules_of(anew(table), "local_resets");
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_THAT(rules[1], AllOf(HasSubstr("meta skuid 901-904 "), HasSubstr("ct direction original"),
                              HasSubstr("fib daddr type local reject")));
  EXPECT_THAT(rules[2], HasSubstr("meta skuid 910-921 "));
}

TEST(PacketFilter, RestoresTheMarkOfAnUplinkAndLeavesTheBitsOfOthers) {
  const auto text = anew(two_uplinks());
  const auto rules = rules_of(text, "prerouting");
  EXPECT_EQ(rules.at(0), "ct mark and 0x3f000000 == 0x01000000 goto steer_1");
  EXPECT_EQ(rules.at(1), "ct mark and 0x3f000000 == 0x02000000 goto steer_2");
  EXPECT_EQ(rules.at(2), "ct mark and 0x3f000000 == 0x3f000000 goto probed");
  EXPECT_THAT(rules_of(text, "steer_2"), ElementsAre("meta mark set meta mark and 0xc0ffffff or 0x02000000"));
}

TEST(PacketFilter, LocalPacketsWithAForeignOrTheReservedMarkComeBeforeTheRestore) {
  EXPECT_THAT(rules_of(anew(two_uplinks()), "output"),
              ElementsAre("meta mark and 0xc0ffffff != 0 accept",
                          "meta mark and 0x3f000000 == 0x3f000000 "
                          "ct mark set ct mark and 0xc0ffffff or 0x3f000000 accept",
                          "ct mark and 0x3f000000 == 0x01000000 goto steer_1",
                          "ct mark and 0x3f000000 == 0x02000000 goto steer_2"));
}

TEST(PacketFilter, PinsByTheDeviceOfArrivalAndOfDeparture) {
  const auto text = anew(two_uplinks());
  const auto arriving = rules_of(text, "prerouting");
  EXPECT_EQ(arriving.at(3), "iifname \"lo\" accept");
  EXPECT_EQ(arriving.at(4), "meta ipsec missing iifname \"wan1\" goto enter_1");
  EXPECT_EQ(arriving.at(5), "meta ipsec missing iifname \"wan2\" goto enter_2");
  EXPECT_EQ(rules_of(text, "postrouting").at(2), "rt ipsec missing oifname \"wan2\" goto leave_2");
  EXPECT_THAT(
      rules_of(text, "enter_1"),
      ElementsAre("jump unpinnable", "ct mark set ct mark and 0xc0ffffff or 0x01000000", "goto steer_1"));
  EXPECT_THAT(rules_of(text, "leave_1"),
              ElementsAre("jump unpinnable", "ct mark set ct mark and 0xc0ffffff or 0x01000000"));
}

TEST(PacketFilter, UdpThatBeganHereLeavesAnUplinkThatGivesWay) {
  auto table = two_uplinks();
  table.uplinks[1].udp_moves = {Family::v6};
  const auto text = anew(table);
  EXPECT_THAT(rules_of(text, "steer_1"), SizeIs(1));
  EXPECT_THAT(rules_of(text, "steer_2"),
              ElementsAre("meta nfproto ipv6 meta l4proto 17 ct direction original iifname != "
                          "{ \"wan1\", \"wan2\" } accept",
                          "meta mark set meta mark and 0xc0ffffff or 0x02000000"));
  EXPECT_EQ(rules_of(text, "postrouting").at(1),
            "ct mark and 0x3f000000 == 0x02000000 meta nfproto ipv6 meta "
            "l4proto 17 accept")
      << "its mark stays";
}

TEST(PacketFilter, MarksFollowTheMask) {
  auto table = two_uplinks();
  table.mark_mask = 0x0000ff00;
  EXPECT_THAT(anew(table), AllOf(HasSubstr("ct mark and 0x0000ff00 == 0x00000100 goto steer_1"),
                                 HasSubstr("meta mark and 0xffff00ff or 0x00000200")));
}

TEST(PacketFilter, AMaskOfAllBitsKnowsNoForeignMarks) {
  auto table = two_uplinks();
  table.mark_mask = 0xffffffff;
  EXPECT_THAT(rules_of(anew(table), "output").front(), HasSubstr("== 0xffffffff"));
}

TEST(PacketFilter, AnAddressLeadsToTheOneUplinkThatHasIt) {
  auto table = two_uplinks();
  table.uplinks[1].addresses.insert(address("192.0.2.2"));
  table.uplinks[1].addresses.insert(address("fe80::2"));
  const auto text = anew(table);
  const auto rules = rules_of(text, "unmarked");
  ASSERT_EQ(rules.size(), 4U);
  EXPECT_EQ(rules[0], "ct direction original ct reply ip daddr vmap { 198.51.100.2 : goto enter_2 }");
  EXPECT_EQ(rules[1],
            "ct direction reply fib daddr oifname { \"wan1\", \"wan2\" } ct original ip daddr vmap "
            "{ 198.51.100.2 : goto enter_2 }");
  EXPECT_EQ(rules[2], "ct direction original ct reply ip6 daddr vmap { 2001:db8:1::2 : goto enter_1 }");
}

TEST(PacketFilter, AnAddressThatTwoUplinksHaveIsEachOnesOwn) {
  auto table = two_uplinks();
  table.uplinks[1].addresses = {address("192.0.2.2")};
  const auto text = anew(table);
  EXPECT_EQ(rules_of(text, "translate_1").front(), "ip saddr { 192.0.2.2 } accept");
  EXPECT_EQ(rules_of(text, "translate_2").front(), "ip saddr { 192.0.2.2 } accept");
}

TEST(PacketFilter, WithoutBeingAskedOnlyAddressesOfOtherUplinksAreTranslated) {
  const auto text = anew(two_uplinks());
  EXPECT_THAT(rules_of(text, "translate_1"),
              ElementsAre("ip saddr { 192.0.2.2 } accept", "ip6 saddr { 2001:db8:1::2 } accept",
                          "jump foreign_source"));
  EXPECT_THAT(rules_of(text, "translate_2"),
              ElementsAre("ip saddr { 198.51.100.2 } accept", "jump foreign_source"));
  EXPECT_THAT(rules_of(text, "foreign_source"), ElementsAre("ip saddr { 192.0.2.2, 198.51.100.2 } masquerade",
                                                            "ip6 saddr { 2001:db8:1::2 } masquerade"));
}

TEST(PacketFilter, MasqueradesPerUplinkAndFamily) {
  auto table = two_uplinks();
  table.uplinks[0].masquerade = {Family::v4};
  table.uplinks[1].masquerade = {Family::v4, Family::v6};
  const auto text = anew(table);
  EXPECT_EQ(rules_of(text, "translate_1").back(), "jump masquerade4");
  EXPECT_THAT(text, Not(HasSubstr("translate_1 {\n    jump masquerade6")));
  const auto second = rules_of(text, "translate_2");
  EXPECT_EQ(second.at(second.size() - 2), "jump masquerade4");
  EXPECT_EQ(second.back(), "jump masquerade6");
  // Packets of both families come there.
  EXPECT_EQ(rules_of(text, "masquerade4").back(), "meta nfproto ipv4 masquerade");
  EXPECT_EQ(rules_of(text, "masquerade6").back(), "meta nfproto ipv6 masquerade");
}

TEST(PacketFilter, APrefixIsTranslatedBeforeTheRestIsMasqueraded) {
  auto table = two_uplinks();
  table.uplinks[0].masquerade = {Family::v6};
  table.uplinks[0].translation =
      PrefixTranslation{IpPrefix::parse("fd00:1::/56").value(), IpPrefix::parse("2001:db8:1::/56").value()};
  const auto rules = rules_of(anew(table), "translate_1");
  EXPECT_EQ(rules.at(rules.size() - 2), "ip6 saddr fd00:1::/56 snat ip6 prefix to 2001:db8:1::/56");
  EXPECT_EQ(rules.back(), "jump masquerade6");
}

TEST(PacketFilter, WhatComesForATranslatedPrefixAndReachesNoHostIsNotSentBack) {
  auto table = two_uplinks();
  table.uplinks[1].translation =
      PrefixTranslation{IpPrefix::parse("fd00:1::/56").value(), IpPrefix::parse("2001:db8:1::/56").value()};
  const std::string comes_back =
      R"(iifname { "wan1", "wan2" } oifname { "wan1", "wan2" } ip6 daddr 2001:db8:1::/56)";
  const auto are_refused = ElementsAre(comes_back + " meta l4proto 6 reject with tcp reset",
                                       comes_back + " reject with icmpv6 type addr-unreachable");
  EXPECT_THAT(rules_of(anew(table), "forward"), are_refused);
  auto first = rules_of(filter_anew(table, Exceptions::possible).value(), "forward");
  first.resize(2);
  EXPECT_THAT(first, are_refused) << "also while evicted connections are asked for";
}

TEST(PacketFilter, ADrillComesBeforeAllElseAndSparesAddressesAndNeighbours) {
  const auto text = filter_anew(two_uplinks(), Exceptions::possible).value();
  EXPECT_THAT(text, HasSubstr("set drilled {\n    type ifname\n    size 64\n    flags timeout\n  }\n"));
  EXPECT_EQ(rules_of(text, "prerouting").front(), "iifname @drilled goto drill");
  EXPECT_EQ(rules_of(text, "forward").front(), "oifname @drilled drop");
  EXPECT_EQ(rules_of(text, "postrouting").front(), "oifname @drilled meta l4proto 6 drop");
  EXPECT_EQ(rules_of(text, "drill").back(), "drop");
  EXPECT_EQ(begin_drill("wan1", std::chrono::milliseconds(1500)),
            "add element inet multilink drilled { \"wan1\" timeout 1500ms }\n");
}

TEST(PacketFilter, WhatBelongsToNoConnectionIsResetWhereThatIsAskedFor) {
  EXPECT_THAT(rules_of(filter_anew(two_uplinks(), Exceptions::possible).value(), "forward"),
              ElementsAre("oifname @drilled drop",
                          "tcp flags & (syn | rst) == 0 ct state new oifname { \"wan1\", \"wan2\" } "
                          "meta nfproto @orphaned reject with tcp reset"));
}

TEST(PacketFilter, WithoutExceptionsNoPacketIsHeldAgainstASet) {
  const auto text = anew(two_uplinks());
  for (const auto* base : {"forward", "local_resets"}) EXPECT_THAT(rules_of(text, base), IsEmpty()) << base;
  for (const auto* base : {"prerouting", "postrouting", "input", "output", "translation"}) {
    for (const auto& rule : rules_of(text, base)) EXPECT_THAT(rule, Not(HasSubstr("@"))) << base;
  }
}

TEST(PacketFilter, WithoutUplinksThereIsATableThatPinsNothing) {
  const auto text = anew({});
  EXPECT_THAT(text,
              AllOf(HasSubstr("set evicted4"), Not(HasSubstr("iifname \"")), Not(HasSubstr("vmap { }"))));
  EXPECT_THAT(rules_of(text, "prerouting"), ElementsAre("ct mark and 0x3f000000 == 0x3f000000 goto probed"));
  EXPECT_THAT(rules_of(text, "unmarked"), IsEmpty());
}

TEST(PacketFilter, InPlaceNothingIsDeletedButChainsOfUplinksThatAreGone) {
  PresentFilter present{.exists = true,
                        .chains = {"prerouting", "steer_1", "enter_1", "steer_7", "leave_7"},
                        .sets = {"evicted4", "evicted6"}};
  ASSERT_TRUE(holds_only_ours(present));
  const auto text = filter_in_place(two_uplinks(), Exceptions::none, present).value();
  EXPECT_TRUE(
      text.starts_with("add table inet multilink\nflush table inet multilink\n"
                       "delete chain inet multilink leave_7\ndelete chain inet multilink steer_7\n"
                       "table inet multilink {\n"))
      << text;
  EXPECT_EQ(text.substr(text.find("table inet multilink {")),
            anew(two_uplinks()).substr(anew(two_uplinks()).find("table inet multilink {")));
}

TEST(PacketFilter, WhatOthersPutIntoTheTableIsSeen) {
  EXPECT_TRUE(holds_only_ours({}));
  EXPECT_FALSE(holds_only_ours({.exists = true, .chains = {"drop_all"}, .sets = {}}));
  EXPECT_FALSE(holds_only_ours({.exists = true, .chains = {"steer_"}, .sets = {}}));
  EXPECT_FALSE(holds_only_ours({.exists = true, .chains = {"steer_01"}, .sets = {}}));
  EXPECT_FALSE(holds_only_ours({.exists = true, .chains = {"steer_1 }"}, .sets = {}}));
  EXPECT_FALSE(holds_only_ours({.exists = true, .chains = {}, .sets = {"theirs"}}));
  EXPECT_FALSE(holds_only_ours({.exists = true, .chains = {}, .sets = {}, .has_objects = true}));
}

TEST(PacketFilter, ADeviceThatNftCannotNameIsRefusedWithTheRemedy) {
  for (const auto* name : {"a\"b", "\"", "wan*", "*", "", "sixteen-bytes-xx", "a b", "a\nb"}) {
    EXPECT_FALSE(why_not_filterable(name).empty()) << name;
    for (const auto& text :
         {filter_anew({.uplinks = {uplink(1, name)}}),
          filter_in_place({.uplinks = {uplink(1, name)}}, Exceptions::none, PresentFilter{})}) {
      ASSERT_FALSE(text) << name;
      EXPECT_THAT(text.error().message,
                  AllOf(testing::StartsWith("device '"), HasSubstr("; rename the device")));
    }
  }
  for (const auto* name :
       {"wan1", "eth0.100", "tun@home", "w\xc3\xa9", "a*b", "a;b", "$x", "{}", "a#b", "\\"}) {
    EXPECT_EQ(why_not_filterable(name), "") << name;
  }
}

/// The text with every quoted string taken out, as the lexer of nft finds them: from quote to quote, with nothing
/// that escapes.
std::string without_quoted(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted) out += c;
  }
  EXPECT_FALSE(quoted);
  return out;
}

TEST(PacketFilter, NoNameOfADeviceCanSayMoreThanItself) {
  auto random = seeded_random();
  const auto plain = without_quoted(anew(two_uplinks()));
  const std::string_view nasty = "\"\\*;{}#$@\n\t '`%&|<>()=,.:!0a\xff\xc3\x7f";
  unsigned written = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::string name(1 + random() % 15, ' ');
    for (char& c : name) {
      c = random() % 2 == 0 ? nasty[random() % nasty.size()] : static_cast<char>(random());
    }
    auto table = two_uplinks();
    table.uplinks[random() % 2].device = name;
    const auto text = filter_anew(table);
    EXPECT_EQ(text.has_value(), why_not_filterable(name).empty());
    if (!text) continue;
    ++written;
    ASSERT_EQ(without_quoted(*text), plain) << printable(name);
    EXPECT_NE(text->find(cat('"', name, "\" goto")), std::string::npos);
  }
  EXPECT_GT(written, 100U);
}

TEST(PacketFilter, AddressesAreWrittenAsAddressesOnly) {
  auto random = seeded_random();
  for (int round = 0; round < 300; ++round) {
    auto table = two_uplinks();
    for (int i = 0; i < 5; ++i) {
      std::array<std::uint8_t, 16> bytes{};
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
      table.uplinks[0].addresses.insert(IpAddress::from_v6(bytes));
      table.uplinks[1].addresses.insert(IpAddress::from_v4({bytes[0], bytes[1], bytes[2], bytes[3]}));
    }
    for (const auto& rule : rules_of(anew(table), "foreign_source")) {
      EXPECT_EQ(rule.find_first_not_of("0123456789abcdef.: ,{}ipsdrmque"), std::string::npos) << rule;
      EXPECT_EQ(std::count(rule.begin(), rule.end(), '{'), 1);
    }
  }
}

}  // namespace packet_filter_test
}  // namespace multilink
