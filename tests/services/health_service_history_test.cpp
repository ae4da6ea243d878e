// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "multilink/services/history_replies.hpp"
#include "services/health_service_fixture.hpp"

namespace multilink {
namespace health_service_history_test {

using namespace std::chrono_literals;

/// The history that healthd writes, over its restarts and those of Redis. Virtual time begins at a full day.
class HealthServiceHistoryTest : public HealthServiceTest {
 protected:
  std::vector<HistoryRecord> read(HistoryStep step, HistoryTime begin, HistoryTime end,
                                  const std::string& name = "eth0", Family family = Family::v4) {
    const HistoryPiece piece{name, family, step, begin, end};
    std::vector<Store::Command> commands;
    append_history_reads(keys_, piece, commands);
    std::vector<Reply> replies;
    for (const auto& command : commands) replies.push_back(redis_.execute(command));
    const auto read = take_history(piece, replies);
    EXPECT_FALSE(read.refused) << *read.refused;
    return read.records;
  }
  HistoryRecord minute(int index, const std::string& name = "eth0") {
    const auto time = start_ + std::chrono::minutes(index);
    return read(HistoryStep::minute, time, time + 1min, name).front();
  }
  HistoryRecord all_minutes() { return merge_history(read(HistoryStep::minute, start_, start_ + 24h)); }
  HistoryRecord all_hours() { return merge_history(read(HistoryStep::hour, start_, start_ + 24h)); }

  const HistoryTime start_ = std::chrono::floor<std::chrono::minutes>(scheduler_.now().wall);
};

TEST_F(HealthServiceHistoryTest, EachMinuteAndHourIsThere) {
  pingd_.start();
  start_healthd();
  run(10min);
  pingd_.link("eth0").is_dead = true;
  run(5min);
  pingd_.link("eth0").is_dead = false;
  run(50min);
  EXPECT_EQ(minute(5).up, 60s);
  EXPECT_NEAR(minute(5).probes, 60, 1);
  EXPECT_EQ(minute(5).lost, 0U);
  EXPECT_EQ(minute(5).rtt, 20ms);
  EXPECT_EQ(minute(12).down, 60s);
  EXPECT_EQ(minute(12).lost, minute(12).probes);
  EXPECT_EQ(minute(12, "eth1").up, 60s);
  EXPECT_GT(minute(10).suspect, 0s);
  EXPECT_EQ(minute(10).watched(), 60s);
  const auto hours = read(HistoryStep::hour, start_, start_ + 2h);
  EXPECT_EQ(hours[0], merge_history(read(HistoryStep::minute, start_, start_ + 1h)));
  EXPECT_NEAR(std::chrono::duration<double>(hours[0].out()).count(), 300, 30);
  EXPECT_GT(hours[1].up, 200s);
  const auto day = HistoryString::of(HistoryStep::minute, start_);
  EXPECT_EQ(text(day.key(keys_, "eth0", Family::v4)).size(), day.last_byte() + 1);
  EXPECT_FALSE(exists(day.key(keys_, "eth0", Family::v6))) << "it has no IPv6";
}

TEST_F(HealthServiceHistoryTest, StringsEndByThemselves) {
  start_both();
  run(2min);
  for (const auto step : {HistoryStep::minute, HistoryStep::hour}) {
    const auto string = HistoryString::of(step, start_);
    const auto left =
        std::get<std::int64_t>(redis_.execute({"PTTL", string.key(keys_, "eth0", Family::v4)}).value);
    EXPECT_NEAR(static_cast<double>(left), static_cast<double>(string.kept() / 1ms), 150e3);
  }
}

TEST_F(HealthServiceHistoryTest, ARestartLosesTheSecondsThatItTakes) {
  start_both();
  for (int i = 0; i < 6; ++i) {
    run(7min + 13s);
    service_->stop();
    scheduler_.settle();
    kill_healthd();
    run(2s);
    start_healthd();
  }
  run(10min);
  const auto minutes = read(HistoryStep::minute, start_ + 1min, start_ + 50min);
  for (const auto& record : minutes) {
    EXPECT_GE(record.watched(), 55s);
    EXPECT_EQ(record.down, 0s);
    EXPECT_NEAR(record.probes, 60, 1) << "the stored probes tell what it did not see";
  }
  EXPECT_EQ(all_hours().probes, all_minutes().probes);
}

TEST_F(HealthServiceHistoryTest, ACrashLosesAMinute) {
  start_both();
  run(20min + 30s);
  kill_healthd();
  start_healthd();
  run(20min);
  EXPECT_EQ(minute(10).watched(), 60s);
  EXPECT_EQ(minute(19).watched(), 60s);
  EXPECT_EQ(minute(25).watched(), 60s);
  EXPECT_EQ(all_hours(), all_minutes());
}

TEST_F(HealthServiceHistoryTest, ARedisThatWasAwayGetsWhatWasSeenBefore) {
  start_both();
  run(10min);
  redis_.stop();
  run(15min);
  redis_.start();
  run(10min);
  EXPECT_EQ(minute(5).watched(), 60s);
  EXPECT_EQ(minute(15).watched(), 0s) << "nothing was heard";
  EXPECT_EQ(minute(30).watched(), 60s);
  EXPECT_EQ(all_hours(), all_minutes());
}

TEST_F(HealthServiceHistoryTest, ARedisThatForgetsIsToldThePresentHourAgain) {
  start_both();
  run(40min);
  redis_.stop();
  redis_.lose_data();
  redis_.start();
  run(10min);
  EXPECT_EQ(minute(5).up, 60s);
  EXPECT_EQ(all_hours(), all_minutes());
  EXPECT_TRUE(exists(HistoryString::of(HistoryStep::minute, start_).key(keys_, "eth0", Family::v4)));
}

TEST_F(HealthServiceHistoryTest, GarbageInItsKeysDoesNotLast) {
  start_both();
  run(10min);
  const auto key = HistoryString::of(HistoryStep::minute, start_).key(keys_, "eth0", Family::v4);
  redis_.execute({"DEL", key});
  redis_.execute({"HSET", key, "a", "b"});
  run(3min);
  EXPECT_EQ(minute(5).up, 60s);
  kill_healthd();
  redis_.execute({"SETRANGE", key, "0", std::string(160, '\xff')});
  start_healthd();
  run(3min);
  EXPECT_EQ(log_.count("the history of eth0", LogLevel::warning), 1U);
}

TEST_F(HealthServiceHistoryTest, AFullRedisIsSaidAndStopsNoDecision) {
  start_both();
  run(5min);
  redis_.refuse_writes(true);
  run(10min);
  EXPECT_GE(log_.count("writing the history", LogLevel::warning), 1U);
  EXPECT_LE(log_.count("writing the history", LogLevel::warning), 10U);
  redis_.refuse_writes(false);
  run(2min);
  pingd_.link("eth0").is_dead = true;
  EXPECT_LE(time_until("eth0", "FALSE", 60s), 15s);
}

TEST_F(HealthServiceHistoryTest, WhatAFullRedisRefusedIsWrittenLater) {
  start_both();
  run(5min + 28s);
  redis_.refuse_writes(true);
  run(14s);
  redis_.refuse_writes(false);
  EXPECT_EQ(minute(5).watched(), 0s);
  run(2min);
  EXPECT_EQ(minute(5).watched(), 60s);
}

TEST_F(HealthServiceHistoryTest, ADisabledUplinkIsNotWatched) {
  start_both();
  run(5min);
  config_.uplinks[0].enabled = false;
  reload();
  run(10min);
  EXPECT_EQ(minute(10).watched(), 0s);
  EXPECT_EQ(minute(10, "eth1").up, 60s);
}

TEST_F(HealthServiceHistoryTest, StepsOfTheClockKeepEveryMinuteWithinSixtySeconds) {
  start_both();
  for (const auto step : {1h, -1h, 3h, -2h}) {
    run(10min);
    scheduler_.step_wall(step);
  }
  run(10min);
  for (const auto& record : read(HistoryStep::minute, start_, start_ + 24h)) EXPECT_LE(record.watched(), 60s);
  EXPECT_EQ(all_minutes().down, 0s);
  EXPECT_GE(all_minutes().up, 40min);
}

}  // namespace health_service_history_test
}  // namespace multilink
