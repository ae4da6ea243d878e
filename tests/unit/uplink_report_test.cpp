// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_report.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "fakes/simulated_month.hpp"
#include "seeded.hpp"

namespace multilink {
namespace uplink_report_test {

using namespace std::chrono_literals;
using fakes::SimulatedLink;
using testing::HasSubstr;
using testing::Not;

const HistoryTime kBegin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);
constexpr auto kMonth = std::chrono::hours(30 * 24);

HistoryRecord good_minute() {
  HistoryRecord record;
  record.up = 60s;
  record.probes = 60;
  record.rtt = record.rtt_most = 20ms;
  return record;
}

/// A month in which all is well.
class UplinkReportTest : public testing::Test {
 protected:
  UplinkReport report() {
    HistorySeries hours{HistoryStep::hour, kBegin, {}};
    for (const auto& hour : grouped(minutes, 60)) hours.records.push_back(hour);
    if (!hours_only_until) return make_report("lte", Family::v4, minutes, hours, kBegin + kMonth, events);
    auto left = minutes;
    std::fill_n(left.records.begin(), hours_only_until, HistoryRecord{});
    return make_report("lte", Family::v4, left, hours, kBegin + kMonth, events);
  }
  void cut(int minute, Duration length, Duration down = {}) {
    auto& record = minutes.records.at(static_cast<std::size_t>(minute));
    record.up -= length;
    record.down = down;
    record.suspect = length - down;
  }
  EventRecord event(Duration at, const std::string& to, const std::string& reason) {
    EventRecord out;
    out.at = kBegin + std::chrono::floor<std::chrono::milliseconds>(at);
    out.kind = "health";
    out.uplink = "lte";
    out.family = Family::v4;
    out.to = to;
    out.reason = reason;
    return out;
  }
  ReportPaper paper() { return {"local", "lte", "2026-11", kBegin + kMonth, {report()}}; }

  HistorySeries minutes{HistoryStep::minute, kBegin, std::vector<HistoryRecord>(30 * 1440, good_minute())};
  std::vector<EventRecord> events;
  std::ptrdiff_t hours_only_until = 0;
};

TEST_F(UplinkReportTest, ADrillIsToldAsTheCauseOfItsOutage) {
  cut(10, 20s, 15s);
  events.push_back(event(10min + 6s, "down", "no answer"));
  auto drill = event(10min + 1s, "drilled", "a drill of 20 s, by root, with multilinkctl");
  drill.kind = "drill";
  drill.family.reset();
  events.push_back(drill);
  ASSERT_EQ(report().outages.size(), 1U);
  EXPECT_EQ(report().outages.front().cause, "a drill of 20 s, by root, with multilinkctl");
}

TEST_F(UplinkReportTest, NothingHappened) {
  const auto good = report();
  EXPECT_TRUE(good.outages.empty());
  EXPECT_EQ(good.all.up, kMonth);
  EXPECT_EQ(good.rtt, (Percentiles<Duration>{20ms, 20ms, 20ms}));
  EXPECT_THAT(render_report_text(paper()), HasSubstr("Availability                            100 %"));
}

TEST_F(UplinkReportTest, AnOutageOverSeveralMinutesBeginsWhereItsFirstMinuteTells) {
  cut(100, 12500ms, 12s);
  cut(101, 60s, 60s);
  cut(102, 5s, 5s);
  cut(500, 1s);
  events = {event(101min + 700s, "down", "of another time"),
            event(100min + 48s, "suspect", "3 probes unanswered"),
            event(100min + 51s, "down", "silent for 3 s"), event(500min + 30s, "suspect", "a glitch")};
  const auto seen = report().outages;
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].begin, kBegin + 100min + 47500ms);
  EXPECT_EQ(seen[0].length, 77500ms);
  EXPECT_EQ(seen[0].down, 77s);
  EXPECT_EQ(seen[0].cause, "silent for 3 s");
  EXPECT_EQ(seen[1].begin, kBegin + 500min);
  EXPECT_EQ(seen[1].cause, "a glitch");
}

TEST_F(UplinkReportTest, TheEventsOfOthersAreNoCause) {
  cut(100, 10s, 10s);
  auto other = event(100min + 5s, "down", "x");
  other.uplink = "fibre";
  auto route = event(100min + 5s, "down", "x");
  route.kind = "route";
  events = {other, route, event(100min + 5s, "up", "x")};
  EXPECT_EQ(report().outages.at(0).cause, "");
  EXPECT_THAT(render_report_text(paper()), HasSubstr("no longer known"));
}

TEST_F(UplinkReportTest, HoursSpeakWhereTheirMinutesAreGone) {
  cut(100, 10s, 10s);
  cut(2000, 20s, 20s);
  const auto whole = report();
  hours_only_until = 1440;
  const auto old = report();
  EXPECT_EQ(old.all.out(), whole.all.out());
  EXPECT_EQ(old.all.probes, whole.all.probes);
  ASSERT_EQ(old.outages.size(), 2U);
  EXPECT_TRUE(old.outages[0].is_to_the_hour);
  EXPECT_EQ(old.outages[0].begin, kBegin + 1h);
  EXPECT_EQ(old.outages[0].length, 10s);
  EXPECT_EQ(old.outages[1], whole.outages[1]);
}

TEST_F(UplinkReportTest, WhatNobodyWatchedIsNeitherUpNorDown) {
  std::fill(minutes.records.begin() + 1440, minutes.records.end(), HistoryRecord{});
  const auto day = report();
  EXPECT_EQ(day.unknown(), kMonth - 24h);
  EXPECT_THAT(render_report_text(paper()), HasSubstr("1 d 00:00:00 (3.333 % of the time)"));
  const auto json = nlohmann::json::parse(render_report_json(paper()));
  EXPECT_EQ(json["families"][0]["availability"], 1.0);
}

TEST_F(UplinkReportTest, TheTextFromRedisIsEscaped) {
  cut(100, 10s, 10s);
  events = {event(100min, "down", "<script>alert('1')</script>\n\x1b[31m")};
  EXPECT_THAT(render_report_html(paper()), Not(HasSubstr("<script")));
  EXPECT_THAT(render_report_html(paper()), HasSubstr("&lt;script&gt;alert(&#39;1&#39;)"));
  EXPECT_THAT(render_report_text(paper()), Not(HasSubstr("\x1b")));
}

TEST_F(UplinkReportTest, AReportOverASimulatedMonthIsTheSimulatedTruth) {
  auto random = seeded_random();
  const auto truth = SimulatedLink::run(random, kBegin, kMonth);
  minutes.records.clear();
  for (const auto& [time, record] : truth.minutes) minutes.records.push_back(record);
  HistorySeries hours{HistoryStep::hour, kBegin, {}};
  for (const auto& [time, record] : truth.hours) hours.records.push_back(record);
  const auto seen = make_report("lte", Family::v4, minutes, hours, kBegin + kMonth, {});

  EXPECT_EQ(seen.all.probes, truth.probes);
  EXPECT_EQ(seen.all.lost, truth.lost);
  EXPECT_EQ(seen.all.rtt_most, truth.rtt_most);
  EXPECT_EQ(seen.unknown(), 0s);
  const auto quantile = [](auto values, double part) {
    std::ranges::sort(values);
    const auto place = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
    return values[std::max<std::size_t>(place, 1) - 1];
  };
  EXPECT_EQ(seen.rtt->half, quantile(truth.minute_rtts, 0.5));
  EXPECT_EQ(seen.rtt->p95, quantile(truth.minute_rtts, 0.95));
  EXPECT_EQ(seen.rtt->p99, quantile(truth.minute_rtts, 0.99));
  EXPECT_EQ(seen.loss->half, quantile(truth.minute_losses, 0.5));
  EXPECT_EQ(seen.loss->p99, quantile(truth.minute_losses, 0.99));

  // Outages in one minute, or in successive ones, are one.
  std::vector<SimulatedLink::Outage> outages;
  HistoryTime last{};
  for (const auto& outage : truth.outages) {
    const auto begin = std::chrono::floor<std::chrono::minutes>(outage.begin);
    const auto end = outage.begin + std::chrono::floor<std::chrono::milliseconds>(outage.length);
    if (!outages.empty() && begin <= last + 1min) {
      outages.back().length += outage.length;
    } else {
      outages.push_back(outage);
    }
    last = std::chrono::floor<std::chrono::minutes>(end - 1ms);
  }
  // A piece below an eighth of a second in a minute of its own is rounded away, and may divide or join two.
  EXPECT_NEAR(static_cast<double>(seen.outages.size()), static_cast<double>(outages.size()), 2);
  const auto total = [](const auto& all) {
    Duration sum{};
    for (const auto& one : all) sum += one.length;
    return sum;
  };
  EXPECT_LE(std::chrono::abs(total(seen.outages) - total(outages)),
            kHistoryTick * static_cast<std::int64_t>(truth.outages.size()));
  for (const auto& outage : outages) {
    if (outage.length < 2s) continue;
    EXPECT_TRUE(std::ranges::any_of(seen.outages, [&](const ReportedOutage& other) {
      return std::chrono::abs(other.begin - outage.begin) < 1min &&
             std::chrono::abs(other.length - outage.length) <= 2s;
    })) << (outage.begin - kBegin).count();
  }
}

}  // namespace uplink_report_test
}  // namespace multilink
