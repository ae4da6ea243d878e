// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/routing_reporter.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_log.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"

namespace multilink {
namespace routing_reporter_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RoutingReporterTest : public testing::Test {
 protected:
  RoutingReporterTest() {
    record_.sync = "in_sync";
    record_.families[Family::v4].active = {{"eth0", "eth0", IpAddress::from_v4({192, 0, 2, 1}), 1}};
    store_.start({}, {[this] { reporter_.on_ready(); }, [](const Error&) {}, {}});
    reporter_.set(record_);
    scheduler_.advance(seconds(1));
  }

  Result<Fields> fields() { return as_fields(redis_.execute({"HGETALL", keys_.routing()})); }
  bool is_as_written() { return fields() == record_.encode(); }

  RedisKeys keys_{"local"};
  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeStore store_{scheduler_, redis_};
  fakes::FakeLog log_;
  RoutingReporter reporter_{scheduler_, store_, log_, keys_};
  RoutingRecord record_;
};

TEST_F(RoutingReporterTest, WhatOthersWriteIntoTheRecordDoesNotLast) {
  ASSERT_TRUE(is_as_written());
  const std::vector<Store::Command> garbage{
      {"HSET", keys_.routing(), "sync", "x", "stranger", std::string(200'000, 'x')},
      {"SET", keys_.routing(), "x"},
      {"DEL", keys_.routing()}};
  for (const auto& command : garbage) {
    redis_.execute(command);
    scheduler_.advance(RoutingReporter::kRefresh + milliseconds(1));
    EXPECT_TRUE(is_as_written()) << "after " << command[0];
  }
}

TEST_F(RoutingReporterTest, AFullRedisKeepsTheRecordAndTheComplaintNamesTheKey) {
  redis_.refuse_writes(true);
  scheduler_.advance(seconds(60));
  EXPECT_TRUE(is_as_written());
  EXPECT_EQ(log_.count(keys_.routing() + ": OOM", LogLevel::warning), 1U);
  redis_.refuse_writes(false);
  record_.sync = "else";
  reporter_.set(record_);
  scheduler_.advance(seconds(2));
  EXPECT_TRUE(is_as_written());
}

TEST_F(RoutingReporterTest, AStreamOfEventsThatIsNoneIsReplaced) {
  redis_.execute({"SET", keys_.events(), "x"});
  EventRecord event;
  event.id = EventRecord::make_id("0123abcd", scheduler_.now().mono);
  event.source = "routed";
  event.kind = "route";
  reporter_.add_event(event);
  record_.sync = "else";
  reporter_.set(record_);
  scheduler_.advance(seconds(3));
  const auto entries = redis_.execute({"XRANGE", keys_.events(), "-", "+"});
  ASSERT_TRUE(std::holds_alternative<Reply::Array>(entries.value));
  EXPECT_EQ(std::get<Reply::Array>(entries.value).size(), 1U);
}

}  // namespace routing_reporter_test
}  // namespace multilink
