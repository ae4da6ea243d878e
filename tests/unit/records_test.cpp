// SPDX-License-Identifier: GPL-2.0-or-later
// The exact wire form of each record, and what its decoder refuses, field by field.
#include "multilink/core/records.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "multilink/core/record_fields.hpp"

namespace multilink {
namespace records_test {

using std::chrono::microseconds;
using std::chrono::milliseconds;

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

WallTime at(std::int64_t ms) {
  return WallTime(milliseconds(ms));
}

const ProbeRecord kProbe{"0badcafe",
                         42,
                         Outcome::answered,
                         microseconds(20123),
                         {},
                         ProbeKind::regular,
                         MonoTime(Duration(5'000'000'001)),
                         at(1'767'225'600'123),
                         ip("2606:4700:4700::1111")};
const LinkRecord kLink{"wwan0",
                       "0badcafe",
                       true,
                       at(1'767'225'600'000),
                       {{Family::v4, {LinkFact::ok, {ip("192.0.2.5"), ip("192.0.2.6")}, ip("192.0.2.1")}},
                        {Family::v6, {LinkFact::no_address, {}, std::nullopt}}},
                       MonoTime(std::chrono::seconds(6))};
const HealthRecord kHealth{"wwan0",
                           2,
                           3,
                           true,
                           "0badcafe",
                           {{Family::v4,
                             {HealthState::down,
                              at(1'767'225'600'000),
                              "loss 24 % over 60 s exceeds loss_down 20 %",
                              "0badcafe-1f",
                              0.24,
                              60,
                              microseconds(20123),
                              microseconds(512),
                              true,
                              0.025,
                              {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.7")},
                              MonoTime(Duration(5'000'000'001)),
                              MonoTime(Duration(4'000'000'000)),
                              {}}}},
                           AdminMode::drained,
                           at(1'767'225'600'000),
                           MonoTime(std::chrono::seconds(6))};
const RoutingRecord kRouting{"in_sync",
                             {{Family::v4,
                               {{{"fibre", "eth0", ip("192.0.2.1"), 2}, {"lte", "ppp0", std::nullopt, 1}},
                                at(1'767'225'600'000),
                                "0badcafe-1f",
                                microseconds(180),
                                microseconds(912),
                                {{"voice", "lte"}, {"backup", ""}}}},
                              {Family::v6, {{}, at(0), "", std::nullopt, std::nullopt}}},
                             {"rp_filter is strict", "net.ipv4.ip_forward = 0"},
                             "lte"};
const EventRecord kEvent{"0badcafe-1f",
                         at(1'767'225'600'000),
                         "healthd",
                         "health",
                         "fibre",
                         Family::v4,
                         "up",
                         "down",
                         "no answer",
                         microseconds(203'000),
                         MonoTime(Duration(5'000'000'001)),
                         microseconds(640)};
const DaemonRecord kDaemon{4711, "0.1.0", at(1'767'225'600'000), "0123456789abcdef"};

TEST(Records, TheWireFormOfAProbe) {
  EXPECT_EQ(kProbe.encode(), "0badcafe:42:1:20123:6:r:5000000001:2606:4700:4700::1111");
  auto lost = kProbe;
  lost.outcome = Outcome::lost;
  lost.rtt = {};
  lost.waited = microseconds(61'234);
  lost.kind = ProbeKind::burst;
  lost.target = ip("1.1.1.1");
  EXPECT_EQ(lost.encode(), "0badcafe:42:0:61234:4:b:5000000001:1.1.1.1");
}

TEST(Records, AProbeIsSettledByItsAnswerOrAfterTheWait) {
  EXPECT_EQ(kProbe.settled(), kProbe.sent + kProbe.rtt);
  auto lost = kProbe;
  lost.outcome = Outcome::lost;
  lost.rtt = {};
  EXPECT_EQ(lost.settled(), std::nullopt) << "it is not known how long was waited";
  lost.waited = microseconds(61'234);
  EXPECT_EQ(lost.settled(), lost.sent + microseconds(61'234));
  EXPECT_EQ(ProbeRecord::decode(lost.encode(), 1'767'225'600'123), lost);
}

TEST(Records, TheWireFormOfALink) {
  const Fields expected{{"device", "wwan0"},
                        {"boot", "0badcafe"},
                        {"carrier", "1"},
                        {"since", "1767225600000"},
                        {"written_ns", "6000000000"},
                        {"families", "4 6"},
                        {"4.fact", "ok"},
                        {"4.addresses", "192.0.2.5 192.0.2.6"},
                        {"4.gateway", "192.0.2.1"},
                        {"6.fact", "no_address"},
                        {"6.addresses", ""},
                        {"6.gateway", ""}};
  EXPECT_EQ(kLink.encode(), expected);
}

TEST(Records, TheWireFormOfHealth) {
  const Fields expected{{"device", "wwan0"},
                        {"precedence", "2"},
                        {"weight", "3"},
                        {"enabled", "1"},
                        {"admin", "drained"},
                        {"admin_until", "1767225600000"},
                        {"boot", "0badcafe"},
                        {"written_ns", "6000000000"},
                        {"families", "4"},
                        {"4.state", "down"},
                        {"4.since", "1767225600000"},
                        {"4.reason", "loss 24 % over 60 s exceeds loss_down 20 %"},
                        {"4.event", "0badcafe-1f"},
                        {"4.loss", "0.24"},
                        {"4.probes", "60"},
                        {"4.rtt_us", "20123"},
                        {"4.jitter_us", "512"},
                        {"4.answers", "1"},
                        {"4.baseline", "0.025"},
                        {"4.aside", "192.0.2.1 192.0.2.7"},
                        {"4.decided_ns", "5000000001"},
                        {"4.entered_ns", "4000000000"},
                        {"4.forgiven_ns", ""},
                        {"4.damping_us", "0"}};
  EXPECT_EQ(kHealth.encode(), expected);
}

TEST(Records, TheWireFormOfRouting) {
  const Fields expected{{"sync", "in_sync"},
                        {"families", "4 6"},
                        {"warnings", "rp_filter is strict | net.ipv4.ip_forward = 0"},
                        {"drill", "lte"},
                        {"drill_until", ""},
                        {"4.active", "fibre/eth0/2/192.0.2.1 lte/ppp0/1/"},
                        {"4.since", "1767225600000"},
                        {"4.event", "0badcafe-1f"},
                        {"4.decided_to_kernel_us", "180"},
                        {"4.chain_us", "912"},
                        {"4.policies", "backup/ voice/lte"},
                        {"6.active", ""},
                        {"6.since", "0"},
                        {"6.event", ""},
                        {"6.decided_to_kernel_us", ""},
                        {"6.chain_us", ""},
                        {"6.policies", ""}};
  EXPECT_EQ(kRouting.encode(), expected);
}

TEST(Records, NoWarningBreaksTheListOfThem) {
  RoutingRecord record{"in_sync", {}, {"one | two", "", std::string(1000, 'x'), "a\nb"}};
  record.warnings.resize(100, "more");
  const auto read = RoutingRecord::decode(record.encode());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->warnings[0], "one / two");
  EXPECT_EQ(read->warnings[1], std::string(kMaxText, 'x'));
  EXPECT_EQ(read->warnings.size(), kMaxWarnings);
  EXPECT_TRUE(RoutingRecord::decode(RoutingRecord{"in_sync", {}, {}}.encode())->warnings.empty());
}

TEST(Records, TheWireFormOfAnEvent) {
  const Fields expected{{"id", "0badcafe-1f"},
                        {"at", "1767225600000"},
                        {"source", "healthd"},
                        {"kind", "health"},
                        {"uplink", "fibre"},
                        {"family", "4"},
                        {"from", "up"},
                        {"to", "down"},
                        {"reason", "no answer"},
                        {"took_us", "203000"},
                        {"decided_ns", "5000000001"},
                        {"chain_us", "640"}};
  EXPECT_EQ(kEvent.encode(), expected);
}

TEST(Records, TheWireFormOfADaemon) {
  const Fields expected{{"pid", "4711"},
                        {"version", "0.1.0"},
                        {"started", "1767225600000"},
                        {"config_hash", "0123456789abcdef"},
                        {"stores", "1"}};
  EXPECT_EQ(kDaemon.encode(), expected);
}

TEST(Records, FieldsOfALaterVersionArePassedOver) {
  auto fields = kHealth.encode();
  fields["baseline"] = "0.02";
  fields["6.state"] = "not of this record's families";
  EXPECT_EQ(HealthRecord::decode(fields), kHealth);
}

TEST(Records, ButNotAnyNumberAndSizeOfThem) {
  auto many = kHealth.encode();
  for (std::size_t i = 0; i <= kMaxFields; ++i) many["later" + std::to_string(i)] = "";
  EXPECT_FALSE(HealthRecord::decode(many));
  auto long_name = kHealth.encode();
  long_name[std::string(kMaxFieldName + 1, 'n')] = "";
  EXPECT_FALSE(HealthRecord::decode(long_name));
  auto long_value = kHealth.encode();
  long_value["later"] = std::string(kMaxFieldValue + 1, 'v');
  EXPECT_FALSE(HealthRecord::decode(long_value));
}

TEST(Records, AWriterCannotMakeATextThatReadersRefuse) {
  auto record = kHealth;
  record.families[Family::v4].reason =
      std::string("\x1b[31m\n\xff \xc3\xa9\xc2\x9b") + std::string(2000, 'x');
  const auto read = HealthRecord::decode(record.encode());
  ASSERT_TRUE(read) << read.error().message;
  const auto& reason = read->families.at(Family::v4).reason;
  EXPECT_EQ(reason.size(), kMaxText);
  EXPECT_EQ(reason.substr(0, 12), "?[31m?? \xc3\xa9??");
}

/// `field` set to each of `values` makes `decode` fail with a message that names it; so does its absence.
template <class Record>
void refuses(const Record& record, const std::string& field, const std::vector<std::string>& values) {
  ASSERT_EQ(record.encode().count(field), 1U) << field;
  for (const auto& value : values) {
    auto fields = record.encode();
    fields[field] = value;
    const auto result = Record::decode(fields);
    ASSERT_FALSE(result) << field << " = " << value;
    EXPECT_NE(result.error().message.find("'" + field + "'"), std::string::npos) << result.error().message;
  }
  auto fields = record.encode();
  fields.erase(field);
  const auto result = Record::decode(fields);
  ASSERT_FALSE(result) << "without " << field;
  EXPECT_NE(result.error().message.find("'" + field + "' is missing"), std::string::npos)
      << result.error().message;
}

const std::vector<std::string> kNoName{"", "a b", "a/b", "\x01", "\xc3\xa9", std::string(kMaxName + 1, 'a')};
const std::vector<std::string> kNoBoot{"", "0badcaf", "0badcafe0", "0BADCAFE", "0badcafg", "0badcaf\n"};
const std::vector<std::string> kNoFlag{"", "2", "true", " 1", "01"};
const std::vector<std::string> kNoTime{"",   "-1", "x", "1.5", "253402300800000", "99999999999999999999",
                                       " 1", "1 "};
const std::vector<std::string> kNoLength{"-1", "x", "1.5", "86400000001", "1e3"};
const std::vector<std::string> kNoMono{"-1", "x", "1.5", "9223372036854775808"};
const std::vector<std::string> kNoText{"\n",       "\x1b[2J",
                                       "\x7f",     "\xff",
                                       "\xc0\x80", "\xed\xa0\x80",
                                       "\xc2\x85", "\xf4\x90\x80\x80",
                                       "\xe2\x82", std::string(kMaxText + 1, 'x')};
const std::vector<std::string> kNoEvent{"x", "0badcafe", "0badcafe-", "0badcafe-xyz",
                                        "0badcafe-11112222333344445"};
const std::vector<std::string> kNoFamilies{"5", "6 4", "4  6", "4,6", "4 6 "};
const std::vector<std::string> kNoGateway{"x", "::1", "192.0.2", "192.0.2.1/24", "192.0.2.1 "};

TEST(Records, ALinkRefusesGarbage) {
  refuses(kLink, "device", kNoName);
  refuses(kLink, "boot", kNoBoot);
  refuses(kLink, "carrier", kNoFlag);
  refuses(kLink, "since", kNoTime);
  refuses(kLink, "written_ns", kNoMono);
  refuses(kLink, "written_ns", {""});
  refuses(kLink, "families", kNoFamilies);
  refuses(kLink, "4.fact", {"", "OK", "no carrier", "sunny"});
  std::string too_many = "192.0.2.1";
  for (std::size_t i = 0; i < kMaxAddresses; ++i) too_many += " 192.0.2.1";
  refuses(kLink, "4.addresses", {"x", " ", "192.0.2.5,192.0.2.6", "2001:db8::1", "192.0.2.5 ", too_many});
  refuses(kLink, "4.gateway", kNoGateway);
  refuses(kLink, "6.gateway", {"192.0.2.1", "fe80::1%eth0"});
}

TEST(Records, HealthRefusesGarbage) {
  refuses(kHealth, "device", kNoName);
  refuses(kHealth, "precedence", {"", "0", "-1", "1000001", "x"});
  refuses(kHealth, "weight", {"", "0", "257", "1.5"});
  refuses(kHealth, "enabled", kNoFlag);
  refuses(kHealth, "admin", {"DRAINED", "up", "1"});
  refuses(kHealth, "admin_until", {"-1", "x", "253402300800000"});
  refuses(kHealth, "boot", kNoBoot);
  refuses(kHealth, "written_ns", kNoMono);
  refuses(kHealth, "written_ns", {""});
  refuses(kHealth, "families", kNoFamilies);
  refuses(kHealth, "4.state", {"", "UP", "dead"});
  refuses(kHealth, "4.since", kNoTime);
  refuses(kHealth, "4.reason", kNoText);
  refuses(kHealth, "4.event", kNoEvent);
  refuses(kHealth, "4.loss", {"", "-0.1", "1.000001", "nan", "inf", "0,5", "50%", "1e-1"});
  refuses(kHealth, "4.probes", {"", "-1", "4294967296"});
  refuses(kHealth, "4.rtt_us", kNoLength);
  refuses(kHealth, "4.rtt_us", {""});
  refuses(kHealth, "4.jitter_us", kNoLength);
  refuses(kHealth, "4.answers", {"", "2", "yes"});
  refuses(kHealth, "4.baseline", {"", "1.1"});
  refuses(kHealth, "4.decided_ns", kNoMono);
  refuses(kHealth, "4.entered_ns", kNoMono);
  refuses(kHealth, "4.forgiven_ns",
          {"-2400000000001", "-9223372036854775808", "x", "1.5", "9223372036854775808"});
  refuses(kHealth, "4.aside", {"x", "2001:db8::1", "192.0.2.1,192.0.2.2"});
}

TEST(Records, RoutingRefusesGarbage) {
  std::string too_many_texts = "a";
  for (std::size_t i = 0; i < kMaxWarnings; ++i) too_many_texts += " | a";
  refuses(kRouting, "drill", {"a b", "a/b", std::string(65, 'x')});
  refuses(kRouting, "drill_until", {"-1", "x"});
  refuses(kRouting, "warnings", {"a\x01", "a | ", " | a", "a |  | b", std::string(513, 'x'), too_many_texts});
  refuses(kRouting, "sync", kNoText);
  refuses(kRouting, "families", kNoFamilies);
  std::string too_many = "a/b/1/";
  for (std::size_t i = 0; i < kMaxActive; ++i) too_many += " a/b/1/";
  refuses(kRouting, "4.active",
          {"fibre", "fibre/eth0/1", "fibre/eth0/0/", "fibre/eth0/257/", "fibre/eth0/1/x", "/eth0/1/",
           "fibre//1/", "fibre/eth0/1/::1", "fibre/eth0/1/192.0.2.1/", "fibre/eth0/1/ ", too_many});
  refuses(kRouting, "4.since", kNoTime);
  refuses(kRouting, "4.event", kNoEvent);
  refuses(kRouting, "4.decided_to_kernel_us", kNoLength);
  refuses(kRouting, "4.chain_us", kNoLength);
  refuses(kRouting, "4.policies",
          {"voice", "/lte", "voice/lte/1", "voice/lte voice/", "voice/lte  backup/", " "});
}

TEST(Records, AnEventRefusesGarbage) {
  refuses(kEvent, "id", kNoEvent);
  refuses(kEvent, "id", {""});
  refuses(kEvent, "at", kNoTime);
  refuses(kEvent, "source", kNoName);
  refuses(kEvent, "kind", kNoName);
  refuses(kEvent, "uplink", {"a b", "\n", std::string(kMaxName + 1, 'a')});
  refuses(kEvent, "family", {"5", "v4"});
  refuses(kEvent, "from", kNoText);
  refuses(kEvent, "to", kNoText);
  refuses(kEvent, "reason", kNoText);
  refuses(kEvent, "took_us", kNoLength);
  refuses(kEvent, "decided_ns", kNoMono);
  refuses(kEvent, "chain_us", kNoLength);
}

TEST(Records, ADaemonRefusesGarbage) {
  refuses(kDaemon, "pid", {"", "0", "-1", "4194305", "self"});
  refuses(kDaemon, "version", kNoText);
  refuses(kDaemon, "started", kNoTime);
  refuses(kDaemon, "config_hash", {"", "0123456789abcde", "0123456789abcdefg", "0123456789ABCDEF"});
}

TEST(Records, AProbeRefusesGarbage) {
  constexpr double kScore = 1'767'225'600'123;
  ASSERT_EQ(ProbeRecord::decode(kProbe.encode(), kScore), kProbe);
  for (const std::string_view member :
       {"", ":::::::", "garbage", "0badcafe:42:1:20123:4:r:5",
        "0badcafe:42:1:20123:4:r:5:", "0badcaf:42:1:20123:4:r:5:1.1.1.1", "0badcafe:-1:1:20123:4:r:5:1.1.1.1",
        "0badcafe:18446744073709551616:1:20123:4:r:5:1.1.1.1", "0badcafe:42:2:20123:4:r:5:1.1.1.1",
        "0badcafe:42:1:86400000001:4:r:5:1.1.1.1", "0badcafe:42:0:86400000001:4:r:5:1.1.1.1",
        "0badcafe:42:1:20123:6:r:5:1.1.1.1", "0badcafe:42:1:20123:4:x:5:1.1.1.1",
        "0badcafe:42:1:20123:4:r:-5:1.1.1.1", "0badcafe:42:1:20123:4:r:9223372036854775808:1.1.1.1",
        "0badcafe:42:1:20123:4:r:5:1.1.1.1:", "0badcafe:42:1:20123:4:r:5:one.one.one.one"}) {
    EXPECT_FALSE(ProbeRecord::decode(member, kScore)) << member;
  }
  EXPECT_FALSE(ProbeRecord::decode(kProbe.encode() + std::string(200, '0'), kScore));
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  for (const double score :
       {-1.0, 0.5, 1e30, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_FALSE(ProbeRecord::decode(kProbe.encode(), score)) << score;
  }
}

TEST(Records, TokensOfFactsAndStates) {
  for (const auto fact : {LinkFact::ok, LinkFact::no_device, LinkFact::admin_down, LinkFact::no_carrier,
                          LinkFact::no_address, LinkFact::no_gateway}) {
    EXPECT_EQ(parse_link_fact(to_string(fact)), fact);
  }
  for (const auto state : {HealthState::unknown, HealthState::up, HealthState::suspect, HealthState::down}) {
    EXPECT_EQ(parse_health_state(to_string(state)), state);
  }
}

}  // namespace records_test
}  // namespace multilink
