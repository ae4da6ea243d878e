// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_chart.hpp"

#include <gmock/gmock.h>

#include <ctime>
#include <iostream>

#include "fakes/history_sample.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/status_page.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace history_chart_test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const HistoryTime kEnd = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 10h;

HistoryRecord good_minute() {
  HistoryRecord record;
  record.up = 60s;
  record.probes = 60;
  record.rtt = 20ms;
  record.rtt_most = 25ms;
  record.jitter = 1ms;
  return record;
}

HistorySeries good_day() {
  return {HistoryStep::minute, kEnd - 24h, std::vector<HistoryRecord>(1440, good_minute())};
}

TEST(HistoryChart, TheStripShowsTheGravestStateOfEachTenMinutes) {
  auto day = good_day();
  EXPECT_THAT(render_state_strip(day), HasSubstr("<path class=\"ok\" d=\"M0 100v-40h144v40z\"/>"));
  day.records[705].up = 59s;
  day.records[705].down = 1s;
  day.records[1439] = {};
  const auto strip = render_state_strip(day);
  EXPECT_THAT(strip, HasSubstr("<path class=\"failed\" d=\"M70 100v-100h1v100z\"/>"));
  EXPECT_THAT(strip, HasSubstr("<path class=\"ok\" d=\"M0 100v-40h70v40zM71 100v-40h73v40z\"/>"));
  EXPECT_THAT(strip, HasSubstr("<title>State over the last 24 h: 99.999 % up, 0 s suspect, 1 s down, 1 "
                               "min not measured</title>"));
}

TEST(HistoryChart, TheShareHasOneDecimalUnlessItWouldReadAsAllOrNothing) {
  EXPECT_EQ(format_share(23h, 24h, 1), "95.8 %");
  EXPECT_EQ(format_share(23h, 24h), "95.833 %");
  EXPECT_EQ(format_share(9997s, 10'000s, 1), "99.97 %");
  EXPECT_EQ(format_share(3s, 10'000s, 1), "0.03 %");
  EXPECT_EQ(format_share(99'999'999ms, 100'000'000ms, 1), "> 99.999 %");
  EXPECT_EQ(format_share(1ms, 100'000'000ms, 1), "< 0.001 %");
  EXPECT_EQ(format_share(24h, 24h, 1), "100 %");
  EXPECT_EQ(format_share(0s, 24h, 1), "0 %");
  auto day = good_day();
  for (std::size_t i = 0; i < 60; ++i) std::swap(day.records[i].up, day.records[i].down);
  EXPECT_THAT(render_state_strip(day), HasSubstr("</b> 95.8 % up, "));
}

TEST(HistoryChart, LinesHaveGapsWhereNothingWasMeasured) {
  auto day = good_day();
  for (std::size_t i = 600; i < 660; ++i) day.records[i] = {};
  day.records[629] = good_minute();
  const auto charts = render_charts(day, ChartRange::day);
  EXPECT_THAT(charts, HasSubstr("L59 20M62 20h.1M66 20L67 20")) << charts;
  EXPECT_THAT(charts, HasSubstr("<title>RTT, last 24 h: mean 20 ms, greatest 25 ms</title>"));
  EXPECT_THAT(charts, HasSubstr("<title>Loss, last 24 h: 0 %, 0 of 82860 probes</title>"));
  EXPECT_THAT(charts, HasSubstr("<title>Jitter, last 24 h: mean 1 ms</title>"));
}

TEST(HistoryChart, OneSlowAnswerDoesNotFlattenTheRest) {
  auto day = good_day();
  day.records[100].rtt_most = 3s;
  const auto charts = render_charts(day, ChartRange::day);
  EXPECT_THAT(charts, HasSubstr("<span>0 to 40 ms</span>"));
  EXPECT_THAT(charts, HasSubstr("greatest 3000 ms"));
}

TEST(HistoryChart, SaysWhereThereIsNothing) {
  const HistorySeries nothing{HistoryStep::minute, kEnd - 24h, std::vector<HistoryRecord>(1440)};
  EXPECT_THAT(render_state_strip(nothing), HasSubstr("not measured"));
  const auto charts = render_charts(nothing, ChartRange::day);
  for (const auto* name : {"RTT", "Loss", "Jitter"})
    EXPECT_THAT(charts, HasSubstr(cat("<b>", name, "</b> none measured")));
  EXPECT_THAT(charts, Not(HasSubstr("0 to -")));
  EXPECT_THAT(charts, Not(HasSubstr("<path")));
  auto silent = nothing;
  silent.records[5].probes = silent.records[5].lost = 60;
  EXPECT_THAT(render_charts(silent, ChartRange::day), HasSubstr("<b>RTT</b> no answer"));
  EXPECT_NO_FATAL_FAILURE(render_charts({HistoryStep::minute, kEnd, {}}, ChartRange::hour));
}

TEST(HistoryChart, EachRangeHasItsPoints) {
  for (const auto range : kChartRanges) {
    const auto scale = scale_of(range);
    EXPECT_EQ(parse_chart_range(to_string(range)), range);
    EXPECT_LE(scale.records / scale.group, 180U);
    EXPECT_EQ(chart_end(scale.step, kEnd) - chart_end(scale.step, kEnd - 1h), 1h);
  }
  EXPECT_EQ(chart_end(HistoryStep::minute, kEnd + 3s), kEnd - 1min) << "the last one is not yet written";
  EXPECT_EQ(chart_end(HistoryStep::minute, kEnd + 8s), kEnd);
  EXPECT_EQ(parse_chart_range("7d"), std::nullopt);
}

/// A page of so many uplinks, each with both families and a full history.
StatusSnapshot full_snapshot(std::size_t uplinks, ChartRange range) {
  auto snapshot = fakes::sample_snapshot();
  auto uplink = snapshot.uplinks.front();
  snapshot.uplinks.clear();
  unsigned seed = 0;
  for (std::size_t i = 0; i < uplinks; ++i) {
    uplink.name = cat("uplink", i);
    uplink.link->families[Family::v6].addresses = {*IpAddress::parse("2001:db8::2")};
    for (const Family family : kFamilies) {
      auto& history = uplink.history[family];
      history.day = fakes::history_sample(HistoryStep::minute, kEnd, 1440, ++seed);
      if (range == ChartRange::month)
        history.chart = fakes::history_sample(HistoryStep::hour, kEnd, 720, ++seed);
    }
    snapshot.uplinks.push_back(uplink);
  }
  while (snapshot.events.size() < 20) snapshot.events.push_back(snapshot.events.front());
  return snapshot;
}

double cpu_milliseconds(auto work) {
  const auto begin = std::clock();
  work();
  return 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST(HistoryChart, TheWholePageIsSmallAndCheap) {
  for (const auto range : kChartRanges) {
    for (const std::size_t uplinks : {2U, 50U}) {
      const auto snapshot = full_snapshot(uplinks, range);
      std::string page;
      const double took = cpu_milliseconds([&] { page = render_status_page(snapshot, range); });
      std::cout << uplinks << " uplinks, both families, " << to_string(range) << ": " << page.size()
                << " bytes, " << took << " ms of CPU\n";
      EXPECT_LE(page.size(), uplinks * 50'000);
#ifndef __SANITIZE_ADDRESS__  // what is sanitised costs what it costs
      EXPECT_LE(took, uplinks == 2 ? 30 : 150);
#endif
    }
  }
}

}  // namespace history_chart_test
}  // namespace multilink
