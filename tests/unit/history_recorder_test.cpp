// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fakes/simulated_month.hpp"
#include "seeded.hpp"

namespace multilink {
namespace history_recorder_test {

using namespace std::chrono_literals;
using fakes::SimulatedLink;

const IpAddress kTarget = *IpAddress::parse("192.0.2.1");

/// A recorder, its clocks, and what it has stored.
class HistoryRecorderTest : public testing::Test {
 protected:
  void run(Duration span) {
    for (; span > Duration{}; span -= 1s) {
      if (is_probing) observe(probe(Outcome::answered, 20ms));
      now.mono += std::min<Duration>(span, 1s);
      now.wall += std::chrono::duration_cast<std::chrono::milliseconds>(std::min<Duration>(span, 1s));
      recorder->advance(now);
    }
  }
  void enter(HealthState state) { recorder->enter(state, now.mono); }
  ProbeRecord probe(Outcome outcome, Duration rtt) {
    ProbeRecord out;
    out.sequence = ++sequence;
    out.outcome = outcome;
    out.rtt = rtt;
    out.sent = now.mono;
    out.sent_wall = now.wall;
    out.target = kTarget;
    return out;
  }
  void observe(const ProbeRecord& seen) { recorder->observe(seen, now); }
  void write(bool unfinished = false) { fakes::store_writes(*recorder, unfinished, minutes, hours); }
  void restart() {
    recorder = std::make_unique<HistoryRecorder>();
    enter(HealthState::up);
    recorder->advance(now);
  }
  HistoryRecord minute(int index) { return minutes[start + std::chrono::minutes(index)]; }

  const HistoryTime start = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 10h;
  Now now{MonoTime(1h), start};
  std::unique_ptr<HistoryRecorder> recorder = std::make_unique<HistoryRecorder>();
  SimulatedLink::Stored minutes;
  SimulatedLink::Stored hours;
  std::uint64_t sequence = 0;
  bool is_probing = true;
};

TEST_F(HistoryRecorderTest, AMinuteIsWrittenWhenItIsOverAndItsProbesHaveSettled) {
  restart();
  run(64s);
  write();
  EXPECT_TRUE(minutes.empty());
  run(1s);
  write();
  ASSERT_EQ(minutes.size(), 1U);
  EXPECT_EQ(minute(0).up, 60s);
  EXPECT_EQ(minute(0).probes, 60U);
  EXPECT_EQ(minute(0).rtt, 20ms);
  write();
  ASSERT_EQ(minutes.size(), 1U) << "nothing new";
  EXPECT_EQ(hours[start].up, 60s) << "the hour goes along";
}

TEST_F(HistoryRecorderTest, AStateCountsSinceItWasSo) {
  restart();
  run(30s);
  now.mono += 5s;
  now.wall += 5s;
  recorder->enter(HealthState::suspect, now.mono - 4s);
  recorder->enter(HealthState::down, now.mono - 1s);
  recorder->advance(now);
  run(40s);
  write();
  EXPECT_EQ(minute(0).up, 31s);
  EXPECT_EQ(minute(0).suspect, 3s);
  EXPECT_EQ(minute(0).down, 26s);
}

TEST_F(HistoryRecorderTest, ALateAnswerTakesBackALossAlsoOfAMinuteThatIsWritten) {
  restart();
  is_probing = false;
  run(59s);
  auto late = probe(Outcome::lost, {});
  observe(late);
  observe(late);
  run(30s);
  write();
  EXPECT_EQ(minute(0).probes, 1U);
  EXPECT_EQ(minute(0).lost, 1U);
  late.outcome = Outcome::answered;
  late.rtt = 15s;
  observe(late);
  write();
  EXPECT_EQ(minute(0).lost, 0U);
  EXPECT_EQ(minute(0).rtt_most, 15s);
}

TEST_F(HistoryRecorderTest, BurstsAndForgottenTargetsDoNotCount) {
  restart();
  run(10s);
  auto burst = probe(Outcome::lost, {});
  burst.kind = ProbeKind::burst;
  observe(burst);
  auto other = probe(Outcome::answered, 2s);
  other.target = *IpAddress::parse("192.0.2.2");
  observe(other);
  recorder->forget_target(other.target);
  run(60s);
  write();
  EXPECT_EQ(minute(0).probes, 60U);
  EXPECT_EQ(minute(0).lost, 0U);
  EXPECT_EQ(minute(0).rtt_most, 20ms);
}

TEST_F(HistoryRecorderTest, WhatNobodyWatchedIsUnknown) {
  restart();
  run(20s);
  now.mono += 30s;
  now.wall += 30s;
  recorder->advance(now);
  run(30s);
  write();
  EXPECT_EQ(minute(0).watched(), 30s);
}

TEST_F(HistoryRecorderTest, SleepIsUnknown) {
  restart();
  run(20s);
  now.mono += 1s;  // CLOCK_MONOTONIC stands still meanwhile
  now.wall += 8h;
  recorder->advance(now);
  run(2min);
  write();
  EXPECT_EQ(minute(0).up, 20s);
  Duration total{};
  for (const auto& [time, record] : minutes) total += record.up;
  EXPECT_EQ(total, 20s + 1s + 100s) << "up to the last minute that is over";
}

TEST_F(HistoryRecorderTest, AMinuteThatTheClockShowsTwiceHasSixtySeconds) {
  restart();
  run(150s);
  now.wall -= 2min;
  run(150s);
  write(true);
  for (const auto& [time, record] : minutes) ASSERT_LE(record.watched(), 60s);
  EXPECT_EQ(minute(0).up, 60s);
  EXPECT_EQ(minute(1).up, 60s);
  EXPECT_EQ(minute(2).up, 60s);
}

TEST_F(HistoryRecorderTest, ARestartTakesUpTheStoredMinuteAndHour) {
  restart();
  run(10min + 20s);
  write(true);
  restart();
  run(60s);
  write(true);
  EXPECT_EQ(minute(10).up, 60s);
  EXPECT_EQ(minute(10).probes, 40U) << "the larger piece: a real one is shown the stored probes again";
  EXPECT_EQ(hours[start].up, 11min + 20s);
}

TEST_F(HistoryRecorderTest, NothingIsWrittenOfAnHourThatIsNotYetTakenUp) {
  restart();
  run(70s);
  EXPECT_TRUE(recorder->take_writes(true).empty());
  ASSERT_EQ(recorder->unknown_hours(), std::vector{start});
  recorder->take_up(start, std::vector<HistoryRecord>(60));
  EXPECT_EQ(recorder->take_writes(true).size(), 2U);
  EXPECT_TRUE(recorder->unknown_hours().empty());
}

TEST_F(HistoryRecorderTest, WhatMayNotHaveBeenWrittenIsWrittenAgain) {
  restart();
  run(5min + 10s);
  write();
  minutes.clear();
  hours.clear();
  recorder->forget_writes();
  write();
  EXPECT_EQ(minutes.size(), 5U);
  EXPECT_EQ(minute(3).up, 60s);
}

TEST_F(HistoryRecorderTest, NoStepOfTheClockInventsTime) {
  auto random = seeded_random();
  restart();
  Duration lived{};
  for (int i = 0; i < 300; ++i) {
    const auto span = std::chrono::seconds(1 + random() % 200);
    run(span);
    lived += span;
    if (random() % 3 == 0) enter(random() % 2 == 0 ? HealthState::up : HealthState::down);
    if (random() % 5 == 0) {
      now.wall += std::chrono::milliseconds(static_cast<std::int64_t>(random() % 14'400'000) - 7'200'000);
    }
    if (random() % 10 == 0) {
      write(true);
      restart();
    }
    write();
  }
  write(true);
  Duration total{};
  for (const auto& [time, record] : minutes) {
    ASSERT_LE(record.watched(), 60s);
    total += record.watched();
  }
  EXPECT_LE(total, lived + 300 * kHistoryTick);
  EXPECT_GT(total, lived / 4);
}

TEST_F(HistoryRecorderTest, AMonthIsTheSimulatedTruth) {
  auto random = seeded_random();
  const auto month = SimulatedLink::run(random, start, 24h * 30);
  ASSERT_EQ(month.minutes.size(), 30U * 24 * 60);
  ASSERT_EQ(month.hours.size(), 30U * 24);
  std::vector<HistoryRecord> minutes_of_month;
  for (const auto& [time, record] : month.minutes) minutes_of_month.push_back(record);
  std::vector<HistoryRecord> hours_of_month;
  for (const auto& [time, record] : month.hours) hours_of_month.push_back(record);
  const auto from_minutes = merge_history(minutes_of_month);
  const auto from_hours = merge_history(hours_of_month);
  for (const auto& all : {from_minutes, from_hours}) {
    EXPECT_EQ(all.probes, month.probes);
    EXPECT_EQ(all.lost, month.lost);
    EXPECT_EQ(all.rtt_most, month.rtt_most);
    EXPECT_NEAR(static_cast<double>((all.rtt - month.rtt_sum / all.answers()).count()), 0, 2'000);
    // An eighth of a second at each change of state.
    const Duration tolerance = kHistoryTick * static_cast<std::int64_t>(month.outages.size());
    EXPECT_LE(std::chrono::abs(all.up - month.up), tolerance);
    EXPECT_LE(std::chrono::abs(all.suspect - month.suspect), tolerance);
    EXPECT_LE(std::chrono::abs(all.down - month.down), tolerance);
    EXPECT_EQ(all.watched(), 24h * 30);
  }
}

}  // namespace history_recorder_test
}  // namespace multilink
