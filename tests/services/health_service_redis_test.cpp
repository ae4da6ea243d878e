// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <random>

#include "seeded.hpp"
#include "services/health_service_fixture.hpp"

namespace multilink {
namespace health_service_redis_test {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// healthd that dies, a Redis that dies, forgets, is full or is spoilt, and clocks that are set.
using HealthServiceRedisTest = HealthServiceTest;

TEST_F(HealthServiceRedisTest, StartsWithoutRedisAndJoinsWhenItAppears) {
  redis_.stop();
  start_healthd();
  run(1h);
  EXPECT_TRUE(supervisor_.is_ready);
  EXPECT_EQ(supervisor_.statuses.back(), "waiting for Redis");
  redis_.start();
  pingd_.start();
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 1s);
  EXPECT_EQ(supervisor_.statuses.back(), "eth0 up, eth1 up");
}

TEST_F(HealthServiceRedisTest, ARestartChangesNothing) {
  start_both();
  run(5min);
  pingd_.link("eth1").is_dead = true;
  run(5min);
  const auto up = v4("eth0");
  const auto down = v4("eth1");
  StatusWatcher first(scheduler_, redis_, keys_.status("eth0"));
  StatusWatcher second(scheduler_, redis_, keys_.status("eth1"));
  for (int i = 0; i < 10; ++i) {
    kill_healthd();
    run(std::chrono::milliseconds(300 * i));
    start_healthd();
    run(1s);
    EXPECT_EQ(health("eth0").families.at(Family::v4).probes, 60U) << "the window is whole again";
  }
  EXPECT_THAT(first.seen, ElementsAre("TRUE"));
  EXPECT_THAT(second.seen, ElementsAre("FALSE"));
  EXPECT_EQ(v4("eth0").since, up.since);
  EXPECT_EQ(v4("eth0").event, up.event);
  EXPECT_EQ(v4("eth1").since, down.since);
  EXPECT_EQ(events("eth0").size(), 1U);
  EXPECT_EQ(events("eth1").size(), 3U) << "up, suspect, down";
}

TEST_F(HealthServiceRedisTest, WhatHappenedWhileItWasAwayIsAnEventWhenItIsBack) {
  start_both();
  run(5min);
  kill_healthd();
  pingd_.link("eth0").is_dead = true;
  run(60s);
  EXPECT_EQ(status("eth0"), "TRUE") << "nobody is there to say otherwise";
  start_healthd();
  EXPECT_EQ(status("eth0"), "FALSE");
  const auto seen = events("eth0");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].from, "up");
  EXPECT_EQ(seen[1].to, "down");
  EXPECT_LT(v4("eth0").since, scheduler_.now().wall - 40s) << "since it was so, not since it was noticed";
}

TEST_F(HealthServiceRedisTest, AShortAbsenceOfRedisChangesNothing) {
  start_both();
  run(1min);
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  for (int i = 1; i <= 60; ++i) {
    redis_.stop();
    run(std::chrono::seconds(i));
    redis_.start();
    run(3s);
  }
  EXPECT_THAT(watcher.seen, ElementsAre("TRUE"));
  EXPECT_EQ(events("eth0").size(), 1U);
}

TEST_F(HealthServiceRedisTest, ARedisThatHasForgottenIsToldAgainWithinASecond) {
  start_both();
  run(1min);
  pingd_.link("eth1").is_dead = true;
  run(1min);
  const auto up = v4("eth0");
  redis_.stop();
  redis_.lose_data();
  run(30s);
  redis_.start();
  run(1s);
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(status("eth1"), "FALSE");
  EXPECT_EQ(v4("eth0").since, up.since);
  EXPECT_TRUE(exists(keys_.uplinks()));
  EXPECT_TRUE(exists(keys_.daemon("healthd")));
  run(1min);
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(status("eth1"), "FALSE");
}

TEST_F(HealthServiceRedisTest, ARedisThatComesBackWithOldNewsOfALinkIsNotBelieved) {
  pingd_.link("eth0").facts[Family::v4] = LinkFact::no_carrier;
  start_both();
  const auto old = as_fields(redis_.execute({"HGETALL", keys_.link("eth0")})).value();
  pingd_.set_fact("eth0", Family::v4, LinkFact::ok);
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 30s);
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  redis_.execute(hash_write(keys_.link("eth0"), old));
  pingd_.hint("eth0");
  run(500ms);
  EXPECT_EQ(v4("eth0").reason.find("carrier"), std::string::npos) << v4("eth0").reason;
  EXPECT_THAT(watcher.seen, ElementsAre("TRUE"));
}

TEST_F(HealthServiceRedisTest, ALinkFromTheFutureIsRefusedAndSilencesNobody) {
  start_both();
  auto fields = as_fields(redis_.execute({"HGETALL", keys_.link("eth0")})).value();
  fields["4.fact"] = "no_carrier";
  fields["written_ns"] = std::to_string((scheduler_.now().mono + 1h).time_since_epoch().count());
  redis_.execute(hash_write(keys_.link("eth0"), fields));
  pingd_.hint("eth0");
  run(50ms);
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(log_.count("written_ns is from the future"), 1U);
  pingd_.set_fact("eth0", Family::v4, LinkFact::no_carrier);
  run(50ms);
  EXPECT_EQ(status("eth0"), "FALSE");
}

TEST_F(HealthServiceRedisTest, ItsRecordTellsWhenItWasWritten) {
  start_both();
  const auto first = health("eth0").written;
  pingd_.link("eth0").is_dead = true;
  run(60s);
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_GT(health("eth0").written, first);
  EXPECT_LE(health("eth0").written, scheduler_.now().mono);
  // As from a snapshot: all of it but the time is as it should be.
  redis_.execute(
      {"HSET", keys_.health("eth0"), "written_ns", std::to_string(first.time_since_epoch().count())});
  run(6s);
  EXPECT_GT(health("eth0").written, first);
}

TEST_F(HealthServiceRedisTest, PingdThatDiedWithRedisIsNoticed) {
  start_both();
  redis_.stop();
  pingd_.die();
  run(1h);
  redis_.start();
  run(10s);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
}

TEST_F(HealthServiceRedisTest, AFrozenRedisChangesNothing) {
  start_both();
  run(1min);
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  redis_.freeze();
  run(40s);
  redis_.thaw();
  run(1min);
  EXPECT_THAT(watcher.seen, ElementsAre("TRUE"));
}

TEST_F(HealthServiceRedisTest, AFullRedisIsWrittenToWhenItHasRoom) {
  start_both();
  run(1min);
  pingd_.set_fact("eth1", Family::v4, LinkFact::no_carrier);
  redis_.refuse_writes(true);
  run(1min);
  EXPECT_GE(log_.count("OOM", LogLevel::warning), 1U);
  EXPECT_LE(log_.count("OOM", LogLevel::warning), 12U) << "once a key that could not be written";
  ASSERT_EQ(status("eth1"), "TRUE");
  redis_.refuse_writes(false);
  run(2s);
  EXPECT_EQ(status("eth1"), "FALSE");
  ASSERT_EQ(events("eth1").size(), 2U) << "its event is not lost, and not there twice";
  EXPECT_EQ(events("eth1").back().reason, "no carrier");
}

TEST_F(HealthServiceRedisTest, AnEventIsNotLostWhenItsWriteFails) {
  start_both();
  run(1min);
  pingd_.link("eth0").is_dead = true;
  run(2s);
  ASSERT_EQ(status("eth0"), "TRUE");
  pingd_.set_fact("eth0", Family::v4,
                  LinkFact::no_carrier);  // read in the next turn; its writes in the one after
  store_->lose_connection();
  run(5s);
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_EQ(events("eth0").back().to, "down");
}

TEST_F(HealthServiceRedisTest, StepsOfTheWallClockChangeNothing) {
  auto random = seeded_random();
  start_both();
  run(1min);
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  for (int i = 0; i < 60; ++i) {
    const auto step = std::chrono::milliseconds(static_cast<std::int64_t>(random() % 7'200'000) - 3'600'000);
    scheduler_.step_wall(step);
    run(std::chrono::milliseconds(random() % 30'000));
    ASSERT_NE(v4("eth0").state, HealthState::unknown) << step.count();
    ASSERT_GE(v4("eth0").probes, 55U) << "probes from before a step are found, too";
  }
  EXPECT_THAT(watcher.seen, ElementsAre("TRUE"));
  EXPECT_EQ(events("eth0").size(), 1U);
}

TEST_F(HealthServiceRedisTest, AfterAStepADeadLinkIsNoticedAsFastAsEver) {
  start_both();
  for (const auto step : {1h, -1h, 1h, -2h}) {
    run(30min);  // the flap damping forgets
    scheduler_.step_wall(step);
    pingd_.link("eth0").is_dead = true;
    EXPECT_LE(time_until("eth0", "FALSE", 60s), 15s);
    pingd_.link("eth0").is_dead = false;
    EXPECT_LE(time_until("eth0", "TRUE", 60s), 25s) << "up_after, and flap damping";
  }
}

TEST_F(HealthServiceRedisTest, AStepWhileHealthdWasAwayMattersAsLittle) {
  start_both();
  run(5min);
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  for (const auto step : {-60min, 60min, -30min}) {
    kill_healthd();
    run(1s);
    scheduler_.step_wall(step);
    run(1s);
    start_healthd();
    run(20s);
    EXPECT_GE(v4("eth0").probes, 58U);
  }
  EXPECT_THAT(watcher.seen, ElementsAre("TRUE"));
}

TEST_F(HealthServiceRedisTest, WhatOthersWriteIntoItsKeysDoesNotLast) {
  start_both();
  redis_.execute({"SET", keys_.status("eth0"), "FALSE"});
  run(6s);
  EXPECT_EQ(status("eth0"), "TRUE");
  redis_.execute({"HSET", keys_.health("eth0"), "4.state", "down", "stranger", "1"});
  run(6s);
  EXPECT_EQ(v4("eth0").state, HealthState::up);
  EXPECT_EQ(as_fields(redis_.execute({"HGETALL", keys_.health("eth0")}))->count("stranger"), 0U);
  redis_.execute({"SET", keys_.health("eth0"), "garbage"});
  redis_.execute({"DEL", keys_.uplinks()});
  redis_.execute({"SET", keys_.uplinks(), "garbage"});
  run(6s);
  EXPECT_EQ(v4("eth0").state, HealthState::up);
  EXPECT_EQ(as_scored(redis_.execute({"ZRANGE", keys_.uplinks(), "0", "-1", "WITHSCORES"}))->size(), 2U);
  redis_.execute({"DEL", keys_.health("eth0"), keys_.status("eth0"), keys_.uplinks()});
  run(6s);
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(v4("eth0").state, HealthState::up);
  EXPECT_GE(log_.count("is not as healthd wrote it", LogLevel::warning), 1U);
}

TEST_F(HealthServiceRedisTest, EventsStayReadable) {
  start_both();
  const auto good = events("eth0");
  const auto entries = [&] {
    const auto reply = redis_.execute({"XRANGE", keys_.events(), "-", "+"});
    const auto* all = std::get_if<Reply::Array>(&reply.value);
    return all == nullptr ? std::string::npos : all->size();
  };
  const auto before = entries();
  redis_.execute({"XADD", keys_.events(), "*", "id", "no event"});
  redis_.execute({"XADD", keys_.events(), "*", "stranger", std::string(200'000, 'x')});
  run(6s);
  EXPECT_EQ(entries(), before);
  EXPECT_EQ(events("eth0"), good);
  EXPECT_GE(log_.count(keys_.events(), LogLevel::warning), 1U);
  for (int i = 0; i < 100; ++i) redis_.execute({"XADD", keys_.events(), "*", "id", "no event"});
  run(6s);
  EXPECT_EQ(entries(), 0U) << "nothing to be seen but garbage";
  redis_.execute({"SET", keys_.events(), "garbage"});
  run(6s);
  EXPECT_EQ(entries(), 0U);
  pingd_.set_fact("eth0", Family::v4, LinkFact::no_carrier);
  run(1s);
  EXPECT_EQ(events("eth0").size(), 1U);
}

TEST_F(HealthServiceRedisTest, UplinksThatNobodyConfiguredAreTakenFromTheList) {
  redis_.execute({"ZADD", keys_.uplinks(), "1", "stranger", "2", "a b/c"});
  start_both();
  const auto listed = as_scored(redis_.execute({"ZRANGE", keys_.uplinks(), "0", "-1", "WITHSCORES"}));
  EXPECT_EQ(*listed, (std::vector<std::pair<std::string, double>>{{"eth0", 1}, {"eth1", 2}}));
}

/// One thing that somebody may write anywhere.
Store::Command garbage(std::mt19937_64& random, const std::string& key, std::int64_t score) {
  constexpr std::array kMembers{"",
                                "x",
                                "0123abcd:1:1:20:4:r:1:192.0.2.1",
                                "0123abcd:1:0:0:4:r:-5:192.0.2.1",
                                "0123abcd:9:1:99999999999999:4:r:1:192.0.2.1",
                                "\x01\xff\n:::::::",
                                "0123abcd:1:1:20:4:r:9223372036854775807:192.0.2.1"};
  constexpr std::array kFields{"4.fact", "6.fact", "families", "device", "boot", "4.state", "pid", "carrier"};
  const std::string text = kMembers[random() % kMembers.size()];
  switch (random() % 5) {
    case 0:
      return {"SET", key, text};
    case 1:
      return {"ZADD", key, std::to_string(score), text};
    case 2:
      return {"ZADD", key, random() % 2 == 0 ? "inf" : "-1e300", text};
    case 3:
      return {"HSET", key, kFields[random() % kFields.size()], text};
    default:
      return {"DEL", key};
  }
}

TEST_F(HealthServiceRedisTest, GarbageInEveryKeyNeverMakesAWrongStatus) {
  auto random = seeded_random();
  start_both();
  pingd_.link("eth1").is_dead = true;
  run(1min);
  const std::vector<std::string> keys{keys_.uplinks(),       keys_.link("eth0"),      keys_.link("eth1"),
                                      keys_.probes("eth0"),  keys_.probes("eth1"),    keys_.events(),
                                      keys_.daemon("pingd"), keys_.daemon("healthd"), keys_.health("eth0"),
                                      keys_.health("eth1"),  keys_.status("eth0"),    keys_.status("eth1")};
  for (int i = 0; i < 3000; ++i) {
    const auto& key = keys[random() % keys.size()];
    redis_.execute(garbage(random, key, scheduler_.now().wall.time_since_epoch().count()));
    pingd_.hint(random() % 2 == 0 ? "eth0" : "\x01 no such uplink");
    run(std::chrono::milliseconds(random() % 200));
    ASSERT_NE(status("eth1"), "TRUE") << v4("eth1").reason << " / " << log_.lines.back().message;
    if (random() % 100 == 0) {
      kill_healthd();
      start_healthd();
    }
  }
  for (const auto& key : keys) redis_.execute({"DEL", key});
  run(40s);
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(status("eth1"), "FALSE");
  EXPECT_GE(log_.count("", LogLevel::warning), 10U);
  EXPECT_LE(log_.count("", LogLevel::warning), 2000U) << "each fault about once in 10 s and start";
}

TEST_F(HealthServiceRedisTest, AHundredUplinksAreAllWatched) {
  config_.uplinks.clear();
  for (unsigned i = 0; i < 100; ++i) {
    const auto name = "wan" + std::to_string(i);
    config_.uplinks.push_back(uplink(name, i + 1));
    pingd_.link(name).is_dead = i % 3 == 0;
  }
  start_both();
  for (unsigned i = 0; i < 100; ++i) {
    ASSERT_EQ(status("wan" + std::to_string(i)), i % 3 == 0 ? "FALSE" : "TRUE") << i;
  }
}

}  // namespace health_service_redis_test
}  // namespace multilink
