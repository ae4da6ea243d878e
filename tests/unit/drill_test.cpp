// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/drill.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "multilink/core/drill_report.hpp"

namespace multilink {
namespace drill_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kBoot = "0123abcd";
constexpr MonoTime kNow{1h};

DrillRecord sample() {
  return {"fibre", "0123abcd-1f", kBoot, kNow, 30s, false, "root"};
}

std::vector<DrillUplink> uplinks() {
  return {{"fibre", "eth0", true, {Family::v4}}, {"lte", "wwan0", true, {Family::v4}}};
}

std::string refusal(const DrillRecord& asked, const std::vector<DrillUplink>& all = uplinks(),
                    const std::optional<std::string>& running = {}, MonoTime now = kNow) {
  return why_no_drill(asked, all, running, kBoot, now).value_or("");
}

TEST(Drill, IsAllowedWhereAnotherUplinkIsUsable) {
  EXPECT_EQ(refusal(sample()), "");
  EXPECT_EQ(refusal(sample(), uplinks(), {}, kNow + 5s), "");
}

TEST(Drill, IsRefusedWithTheReason) {
  auto asked = sample();
  asked.length = 999ms;
  EXPECT_THAT(refusal(asked), HasSubstr("from 1s to 10min"));
  asked.length = 10min + 1us;
  EXPECT_THAT(refusal(asked), HasSubstr("from 1s to 10min"));
  asked = sample();
  asked.uplink = "cable";
  EXPECT_THAT(refusal(asked), HasSubstr("no uplink is called 'cable'"));
  asked = sample();
  asked.boot = "fedcba98";
  EXPECT_THAT(refusal(asked), HasSubstr("before this host was started"));
  EXPECT_THAT(refusal(sample(), uplinks(), {}, kNow + 5001ms), HasSubstr("more than 5s ago"));
  EXPECT_THAT(refusal(sample(), uplinks(), {}, kNow - 1ns), HasSubstr("in the future"));
  EXPECT_THAT(refusal(sample(), uplinks(), "lte"), HasSubstr("the drill of lte is still on"));
  auto all = uplinks();
  all[0].enabled = false;
  EXPECT_THAT(refusal(sample(), all), HasSubstr("disabled"));
  all = uplinks();
  all[0].usable = {};
  EXPECT_THAT(refusal(sample(), all), HasSubstr("not up"));
}

TEST(Drill, NeedsAnotherUsableUplinkInEachFamilyUnlessForced) {
  auto all = uplinks();
  all[0].usable.insert(Family::v6);
  EXPECT_THAT(refusal(sample(), all), HasSubstr("in IPv6; --force"));
  auto forced = sample();
  forced.force = true;
  EXPECT_EQ(refusal(forced, all), "");
  all = uplinks();
  all[1].enabled = false;
  EXPECT_THAT(refusal(sample(), all), HasSubstr("no other uplink is usable in IPv4"));
  EXPECT_EQ(refusal(forced, all), "");
}

TEST(Drill, SurvivesTheWireAndBelievesNothing) {
  EXPECT_EQ(DrillRecord::decode(sample().encode()), sample());
  const std::map<std::string, std::vector<std::string>> bad{
      {"uplink", {"", "a b", "a/b"}},
      {"id", {"", "x", "0123abcd-"}},
      {"boot", {"", "0123"}},
      {"asked_ns", {"", "-1", "9223372036854775807", "99999999999999999999"}},
      {"length_us", {"", "-1", "86400000001"}},
      {"force", {"", "yes"}},
      {"by", {"\x1b[31m"}}};
  for (const auto& [field, values] : bad) {
    for (const auto& value : values) {
      auto fields = sample().encode();
      fields[field] = value;
      EXPECT_FALSE(DrillRecord::decode(fields)) << field << "=" << value;
    }
    auto fields = sample().encode();
    fields.erase(field);
    EXPECT_FALSE(DrillRecord::decode(fields)) << field;
  }
}

/// Over random requests: whatever is allowed ends within ten minutes from now, on an uplink that there is.
TEST(Drill, OverRandomRequestsWhatIsAllowedIsBounded) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  const auto up_to = [&](std::int64_t most) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1));
  };
  for (int i = 0; i < 20000; ++i) {
    auto asked = sample();
    asked.asked = kNow + std::chrono::milliseconds(up_to(20000) - 10000);
    asked.length = std::chrono::milliseconds(up_to(1'200'000));
    asked.force = up_to(1) == 0;
    if (up_to(9) == 0) asked.uplink = "cable";
    auto all = uplinks();
    for (auto& each : all) {
      if (up_to(3) == 0) each.usable.clear();
      if (up_to(3) == 0) each.enabled = false;
    }
    if (!refusal(asked, all).empty()) continue;
    ASSERT_LE(asked.end() - kNow, DrillRecord::kLongest) << "seed " << seed;
    ASSERT_EQ(asked.uplink, "fibre") << "seed " << seed;
    ASSERT_TRUE(asked.force || all[1].usable.contains(Family::v4)) << "seed " << seed;
  }
}

EventRecord event(std::chrono::milliseconds at, std::string kind, std::string uplink, std::string from,
                  std::string to, std::string reason = "") {
  EventRecord out;
  out.id = kind == "drill" ? "0123abcd-1f" : "0123abcd-2";
  out.at = WallTime(1'793'872'800s) + at;
  out.source = "routed";
  out.kind = std::move(kind);
  out.uplink = std::move(uplink);
  if (out.kind != "drill") out.family = Family::v4;
  out.from = std::move(from);
  out.to = std::move(to);
  out.reason = std::move(reason);
  return out;
}

/// Newest first, as from Redis; the first `count` that happened.
std::vector<EventRecord> story(std::size_t count = 9) {
  std::vector<EventRecord> all{event(-5s, "health", "fibre", "down", "up"),
                               event(0s, "drill", "fibre", "in use", "drilled", "a drill of 30s, by root"),
                               event(310ms, "health", "fibre", "up", "suspect"),
                               event(312ms, "route", "lte", "fibre", "lte"),
                               event(330ms, "flows", "fibre", "fibre", "lte", "it is suspect: 3 UDP"),
                               event(3100ms, "health", "fibre", "suspect", "down"),
                               event(30s, "drill", "fibre", "drilled", "in use", "its time is over"),
                               event(40500ms, "health", "fibre", "down", "up"),
                               event(40502ms, "route", "fibre", "lte", "fibre")};
  all.resize(count);
  return {all.rbegin(), all.rend()};
}

const DrillBefore kBefore{"fibre", {Family::v4}, {Family::v4}};

DrillReport report(std::size_t count = 9, const DrillBefore& before = kBefore) {
  return make_drill_report(before, "0123abcd-1f", story(count));
}

TEST(DrillReport, TellsWhenWhatHappened) {
  const auto told = report();
  const auto& v4 = told.families.at(Family::v4);
  EXPECT_EQ(v4.noticed, 310ms);
  EXPECT_EQ(v4.switched, 312ms);
  EXPECT_EQ(v4.to, "lte");
  EXPECT_EQ(v4.up_again, 10500ms);
  EXPECT_EQ(v4.returned, 10502ms);
  ASSERT_EQ(told.moved.size(), 1U);
  EXPECT_EQ(told.moved[0].after, 330ms);
  EXPECT_TRUE(told.failed_over());
  EXPECT_TRUE(told.came_back());
}

TEST(DrillReport, KnowsWhatHasNotHappenedYet) {
  EXPECT_FALSE(report(1).begun);
  EXPECT_FALSE(report(2).failed_over());
  EXPECT_FALSE(report(3).failed_over());
  EXPECT_TRUE(report(4).failed_over());
  EXPECT_FALSE(report(7).came_back());
  EXPECT_FALSE(report(8).came_back());
  auto manual = kBefore;
  manual.waits_at_return = true;
  EXPECT_TRUE(report(8, manual).came_back());
}

TEST(DrillReport, OfOneThatDoesNotCarryTheDefaultAsksForNoSwitch) {
  const DrillBefore idle{"fibre", {Family::v4}, {}};
  EXPECT_TRUE(report(3, idle).failed_over());
  EXPECT_TRUE(report(8, idle).came_back());
  EXPECT_THAT(render_drill_text(report(8, idle)),
              HasSubstr("Drill of fibre: the default route was on another; it was noticed and came back\n"));
  EXPECT_THAT(render_drill_text(report(7, idle)),
              HasSubstr("the default route was on another; it was noticed and did not come back"));
  EXPECT_THAT(render_drill_text(report(2, idle)),
              HasSubstr("the default route was on another; it was not noticed to be silent"));
  EXPECT_THAT(render_drill_text(report(2, {"fibre", {}, {}})),
              HasSubstr("it was not up: there was nothing to notice"));
}

TEST(DrillReport, IsRenderedForPeopleAndPrograms) {
  const auto text = render_drill_text(report());
  EXPECT_THAT(text, HasSubstr("Drill of fibre: it failed over and came back\n"));
  EXPECT_THAT(text, HasSubstr("noticed after         310 ms\n"));
  EXPECT_THAT(text,
              HasSubstr("route switched after  312 ms, to lte\n"
                        "  users felt            312 ms without an answer; what was open then, up to 330 ms\n"
                        "  flows moved after     330 ms: it is suspect: 3 UDP\n"));
  EXPECT_THAT(text,
              testing::EndsWith(
                  "a real failure may be noticed sooner: the device's counters see what a drill drops.\n"));
  EXPECT_THAT(render_drill_text(report(3)), testing::Not(HasSubstr("users felt"))) << "it did not switch";
  EXPECT_THAT(render_drill_text(report(3)), testing::Not(HasSubstr("a real failure")));
  EXPECT_THAT(text, HasSubstr("traffic back          10502 ms after the end\n"));
  const auto json = nlohmann::json::parse(render_drill_json(report(7)));
  EXPECT_EQ(json["failed_over"], true);
  EXPECT_EQ(json["came_back"], false);
  EXPECT_EQ(json["families"]["4"]["noticed_ms"], 310);
  EXPECT_EQ(json["families"]["4"]["felt_ms"], 312);
  EXPECT_EQ(json["families"]["4"]["returned_ms"], nullptr);
  EXPECT_EQ(nlohmann::json::parse(render_drill_json(report(3))).at("families").at("4").at("felt_ms"),
            nullptr);
  EXPECT_EQ(json["moved"][0]["reason"], "it is suspect: 3 UDP");
}

TEST(DrillReport, OfARefusalSaysWhy) {
  const auto told = make_drill_report(
      kBefore, "0123abcd-1f", {event(0s, "drill", "fibre", "", "refused", "the drill of lte is still on")});
  EXPECT_FALSE(told.failed_over());
  EXPECT_EQ(render_drill_text(told), "Drill of fibre: refused\n  the drill of lte is still on\n");
}

TEST(DrillReport, KnowsWhenItWasCutShort) {
  const auto with = [](const EventRecord& other) {
    auto events = story();
    events.push_back(other);
    std::ranges::sort(events, std::greater{}, &EventRecord::at);
    return make_drill_report(kBefore, "0123abcd-1f", events);
  };
  const auto disabled = event(10s, "admin", "fibre", "in use", "disabled", "disabled by root");
  EXPECT_EQ(report().cut_short, "");
  EXPECT_EQ(with(disabled).cut_short, "disabled by root");
  EXPECT_THAT(render_drill_text(with(disabled)), HasSubstr("Drill of fibre: cut short: disabled by root\n"));
  EXPECT_EQ(nlohmann::json::parse(render_drill_json(with(disabled)))["cut_short"], "disabled by root");
  EXPECT_EQ(nlohmann::json::parse(render_drill_json(report()))["cut_short"], nullptr);
  EXPECT_EQ(with(event(35s, "link", "fibre", "ok", "no_carrier", "eth0 has no carrier")).cut_short,
            "it failed in earnest: eth0 has no carrier");
  EXPECT_EQ(with(event(41s, "link", "fibre", "ok", "no_carrier")).cut_short, "") << "it was back before";
  EXPECT_EQ(with(event(-1s, "admin", "fibre", "in use", "drained")).cut_short, "") << "that was before";
  EXPECT_EQ(with(event(10s, "admin", "lte", "in use", "drained")).cut_short, "") << "another uplink";
  EXPECT_EQ(with(event(10s, "link", "fibre", "no_gateway", "ok")).cut_short, "");

  auto taken_back = story(7);
  taken_back.front().reason = "it was taken back before its time";
  EXPECT_EQ(make_drill_report(kBefore, "0123abcd-1f", taken_back).cut_short,
            "it was taken back before its time");
}

}  // namespace drill_test
}  // namespace multilink
