// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/heartbeat.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"

namespace multilink {
namespace heartbeat_test {

using std::chrono::seconds;

class HeartbeatTest : public testing::Test {
 protected:
  HeartbeatTest() {
    self_.pid = 42;
    self_.version = "1.2.3";
    store_.start({}, {[] {}, [](const Error&) {}, [](std::string_view, std::string_view) {}});
    scheduler_.advance(seconds(1));
  }

  Result<DaemonRecord> read() {
    return as_fields(redis_.execute({"HGETALL", "daemon"})).and_then([](const Fields& fields) {
      return DaemonRecord::decode(fields);
    });
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeStore store_{scheduler_, redis_};
  DaemonRecord self_;
};

TEST_F(HeartbeatTest, IsSeenAsLongAsItBeatsAndNoLonger) {
  {
    Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
    heartbeat.start({});
    heartbeat.beat();
    scheduler_.advance(std::chrono::minutes(10));
    const auto record = read();
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->pid, 42);
    EXPECT_EQ(record->version, "1.2.3");
    EXPECT_EQ(record->config_hash.size(), 16U);
  }
  scheduler_.advance(Heartbeat::kTimeToLive + seconds(1));
  EXPECT_FALSE(read());
}

TEST_F(HeartbeatTest, PublishesTheConfigurationInForceWithoutItsSecrets) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  Config config;
  config.uplinks.emplace_back().device = "eth0";
  config.uplinks[0].name = "fibre";
  config.notify.webhook = "https://h.example/SECRET";
  heartbeat.start(config);
  heartbeat.beat();
  scheduler_.settle();
  const auto fields = as_fields(redis_.execute({"HGETALL", "daemon"})).value();
  EXPECT_TRUE(fields.at("config").starts_with("[eth0]\n")) << fields.at("config");
  EXPECT_NE(fields.at("config").find("\nname = fibre\n"), std::string::npos) << fields.at("config");
  EXPECT_EQ(fields.at("notify_hash").size(), 16U);
  for (const auto& [field, value] : fields) EXPECT_EQ(value.find("SECRET"), std::string::npos) << field;
}

TEST_F(HeartbeatTest, ShowsTheConfigurationInForce) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  heartbeat.start({});
  heartbeat.beat();
  scheduler_.settle();
  const auto before = read()->config_hash;
  EXPECT_FALSE(read()->notifies);
  Config changed;
  changed.suite.site = "paris";
  changed.notify.mail = {"admin@example.org"};
  heartbeat.set_config(changed);
  scheduler_.settle();
  EXPECT_NE(read()->config_hash, before);
  EXPECT_TRUE(read()->notifies) << "who reads only Redis is to miss notifyd";
}

TEST_F(HeartbeatTest, AfterAnOrderlyEndTheRecordSoonVanishes) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  heartbeat.start({});
  heartbeat.beat();
  scheduler_.settle();
  ASSERT_TRUE(read());
  heartbeat.stop();
  scheduler_.advance(Heartbeat::kAfterlife + seconds(1));
  EXPECT_FALSE(read());
}

TEST_F(HeartbeatTest, TheEndOfOneProcessLeavesAnothersRecord) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  heartbeat.start({});
  self_.pid = 43;
  Heartbeat other(scheduler_, store_, "daemon", self_);
  other.start({});
  heartbeat.beat();
  scheduler_.advance(seconds(2));
  other.beat();
  scheduler_.settle();
  heartbeat.stop();
  for (int i = 0; i < 60; ++i) {
    scheduler_.advance(seconds(1));
    ASSERT_TRUE(read()) << "after " << i << " s";
    EXPECT_EQ(read()->pid, 43);
  }
}

TEST_F(HeartbeatTest, OverwritesWhateverIsInItsKey) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  heartbeat.start({});
  const std::vector<Store::Command> garbage{{"SET", "daemon", "x"},
                                            {"ZADD", "daemon", "inf", "x"},
                                            {"HSET", "daemon", "stranger", std::string(200'000, 'x')},
                                            {"HSET", "daemon", "pid", "-1"}};
  for (const auto& command : garbage) {
    redis_.execute({"DEL", "daemon"});
    redis_.execute(command);
    scheduler_.advance(Heartbeat::kPeriod + std::chrono::milliseconds(1));
    ASSERT_TRUE(read()) << command[0];
    EXPECT_EQ(as_fields(redis_.execute({"HGETALL", "daemon"}))->count("stranger"), 0U);
  }
}

TEST_F(HeartbeatTest, AFullRedisKeepsTheRecordWhichSaysThatItIsOld) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  heartbeat.start({});
  heartbeat.beat();
  scheduler_.settle();
  redis_.refuse_writes(true);
  scheduler_.advance(std::chrono::minutes(10));
  ASSERT_TRUE(read());
  EXPECT_FALSE(read()->stores);
  redis_.refuse_writes(false);
  scheduler_.advance(Heartbeat::kPeriod + std::chrono::milliseconds(1));
  ASSERT_TRUE(read());
  EXPECT_TRUE(read()->stores);
}

TEST_F(HeartbeatTest, IsBackAfterRedisWasAway) {
  Heartbeat heartbeat(scheduler_, store_, "daemon", self_);
  heartbeat.start({});
  redis_.stop();
  scheduler_.advance(std::chrono::minutes(1));
  redis_.start();
  scheduler_.advance(Heartbeat::kPeriod + seconds(1));
  EXPECT_TRUE(read());
}

}  // namespace heartbeat_test
}  // namespace multilink
