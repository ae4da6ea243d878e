// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/store_commands.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_redis.hpp"

namespace multilink {
namespace {

TEST(StoreCommands, AnEventIsReadBackAsItWasWritten) {
  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis(scheduler);
  const RedisKeys keys("local");
  EventRecord event;
  event.id = EventRecord::make_id("0123abcd", scheduler.now().mono);
  event.at = scheduler.now().wall;
  event.source = "pingd";
  event.kind = "link";
  event.uplink = "eth0";
  event.family = Family::v4;
  event.from = "ok";
  event.to = "no_carrier";
  event.reason = "no carrier on eth0";
  redis.execute(event_write(keys, event));
  const auto reply = redis.execute({"XRANGE", keys.events(), "-", "+"});
  const auto& entries = std::get<Reply::Array>(reply.value);
  ASSERT_EQ(entries.size(), 1U);
  const auto fields = as_fields(std::get<Reply::Array>(entries[0].value)[1]);
  ASSERT_TRUE(fields) << fields.error().message;
  EXPECT_EQ(EventRecord::decode(*fields), event);
}

TEST(StoreCommands, TheStreamOfEventsStaysCapped) {
  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis(scheduler);
  const RedisKeys keys("local");
  const auto command = event_write(keys, {});
  for (int i = 0; i < 2 * kMostEvents; ++i) redis.execute(command);
  const auto reply = redis.execute({"XRANGE", keys.events(), "-", "+"});
  EXPECT_LT(std::get<Reply::Array>(reply.value).size(), static_cast<std::size_t>(kMostEvents) + 200);
}

TEST(StoreCommands, AHashIsReadBackAsItWasWritten) {
  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis(scheduler);
  const Fields fields{{"a", "1"}, {"b", ""}, {"c", "x y"}};
  redis.execute(hash_write("key", fields));
  EXPECT_EQ(as_fields(redis.execute({"HGETALL", "key"})), fields);
}

}  // namespace
}  // namespace multilink
