// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_text.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_words.hpp"

namespace multilink {
namespace status_text_test {

using testing::HasSubstr;

TEST(StatusText, IsAnAlignedTable) {
  const std::string text = render_status_text(fakes::failed_over_snapshot());
  EXPECT_THAT(text, testing::StartsWith("attention: fibre is down. lte carries the traffic.\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "UPLINK  FAMILY  STATE  STATUS  TRAFFIC  LOSS  RTT      JITTER  SINCE  REASON\n"
          "fibre   IPv4    down   FALSE   none     5 %   20.3 ms  1.2 ms  3 min  loss 24 % over 60 s exceeds "
          "loss_down 20 %\n"
          "lte     IPv4    up     TRUE    carries  5 %   20.3 ms  1.2 ms  3 min  first answer\n"));
  EXPECT_THAT(text, HasSubstr("  healthd: runs since 5 min, process 101, version 0.1.0\n"));
  EXPECT_THAT(text,
              HasSubstr("  2026-11-05T09:57:00.000Z  health  fibre  IPv4  unknown -> up  first answer\n"));
}

TEST(StatusText, OnlyAnUplinkThatCouldCarryIsOnStandby) {
  auto snapshot = fakes::sample_snapshot();
  auto& health = *snapshot.uplinks[1].health;
  auto& state = health.families[Family::v4].state;
  const auto traffic = [&] { return describe(snapshot, snapshot.uplinks[1], Family::v4).traffic; };
  state = HealthState::up;
  EXPECT_EQ(traffic(), "standby");
  state = HealthState::suspect;
  EXPECT_EQ(traffic(), "standby");
  health.enabled = false;
  EXPECT_EQ(traffic(), "none");
  health.enabled = true;
  for (const auto other : {HealthState::down, HealthState::unknown}) {
    state = other;
    EXPECT_EQ(traffic(), "none") << to_string(other);
  }
  snapshot.routing->families[Family::v4].active = {{"lte", "eth1", std::nullopt, 1}};
  EXPECT_EQ(traffic(), "carries") << "the least bad one";
  snapshot.routing = fail("nothing");
  EXPECT_EQ(traffic(), "unknown");
}

TEST(StatusText, TellsByWhichUplinkEachPolicyGoes) {
  auto snapshot = fakes::sample_snapshot();
  EXPECT_THAT(render_status_text(snapshot), testing::Not(HasSubstr("Policies")));
  snapshot.routing->families[Family::v4].policies = {{"voice", "lte"}, {"backup", ""}};
  snapshot.routing->families[Family::v6].policies = {{"voice", ""}};
  EXPECT_THAT(render_status_text(snapshot), HasSubstr("\nPolicies\n"
                                                      "  backup  IPv4  refused\n"
                                                      "  voice   IPv4  by lte\n\nDaemons"))
      << "no uplink has IPv6: that it is refused there is no news";
  snapshot.uplinks[1].link->families[Family::v6].addresses = {*IpAddress::parse("2001:db8::2")};
  EXPECT_THAT(render_status_text(snapshot), HasSubstr("  voice   IPv6  refused\n"));
}

TEST(StatusText, NamesTheTargetsThatAreSetAside) {
  auto snapshot = fakes::sample_snapshot();
  snapshot.uplinks[0].health->families[Family::v4].aside = {*IpAddress::parse("192.0.2.7"),
                                                            *IpAddress::parse("192.0.2.8")};
  EXPECT_THAT(render_status_text(snapshot), HasSubstr("first answer; set aside: 192.0.2.7, 192.0.2.8\n"));
}

TEST(StatusText, SaysForHowLongFlapDampingHoldsItBack) {
  auto snapshot = fakes::failed_over_snapshot();
  snapshot.uplinks[0].health->families[Family::v4].damping = std::chrono::seconds(100);
  EXPECT_THAT(render_status_text(snapshot),
              HasSubstr("; after several failures, 100 s more of clean probing are asked "
                        "for (flap damping)"));
}

TEST(StatusText, LetsNoControlCharacterIntoTheTerminal) {
  auto snapshot = fakes::sample_snapshot();
  const std::string attack = "\x1b]0;title\x07\n\r\x9b" + std::string(10'240, 'x');
  snapshot.uplinks[0].name = attack;
  snapshot.uplinks[0].health->families[Family::v4].reason = attack;
  snapshot.daemons[0].name = attack;
  snapshot.daemons[1].record = fail(attack);
  snapshot.routing->sync = attack;
  snapshot.routing->families[Family::v4].policies = {{attack, attack}, {"x", attack}};
  snapshot.routing->warnings = {attack};
  snapshot.events[0].reason = snapshot.events[0].uplink = snapshot.events[0].to = attack;
  snapshot.problems = {{attack, attack}};
  const std::string text = render_status_text(snapshot);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  EXPECT_LT(text.size(), 20'000U);
}

TEST(StatusText, TellsWarningsAboutTheHost) {
  auto snapshot = fakes::sample_snapshot();
  EXPECT_EQ(render_status_text(snapshot).find("Warnings"), std::string::npos);
  const std::string long_one(300, 'x');
  snapshot.routing->warnings = {"net.ipv4.ip_forward is 0", long_one};
  EXPECT_THAT(render_status_text(snapshot),
              HasSubstr("\nWarnings about this host\n  net.ipv4.ip_forward is 0\n  " + long_one + "\n"));
}

TEST(StatusText, SaysWhatIsMissing) {
  StatusSnapshot empty;
  empty.routing = fail("no record yet");
  empty.daemons = {{"pingd", fail("no record yet")}};
  const std::string text = render_status_text(empty);
  EXPECT_THAT(text, HasSubstr("unknown: No uplink is known"));
  EXPECT_THAT(text, HasSubstr("pingd: does not report: no record yet"));
  EXPECT_THAT(text, HasSubstr("Last events\n  none yet\n"));
}

}  // namespace status_text_test
}  // namespace multilink
