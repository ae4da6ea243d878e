// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/store_commands.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_redis.hpp"
#include "fakes/fake_store.hpp"

namespace multilink {
namespace store_commands_test {

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
  for (unsigned i = 0; i < 2 * kMostEvents; ++i) redis.execute(command);
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

TEST(StoreCommands, AHashIsReplacedWhateverIsThere) {
  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis(scheduler);
  fakes::FakeStore store(scheduler, redis);
  store.start({}, {});
  scheduler.settle();
  const Fields fields{{"a", "1"}, {"b", ""}};
  std::vector<Store::Command> commands;
  append_hash_replace(commands, "key", fields);
  for (const Store::Command& before : {Store::Command{"SET", "key", "x"},
                                       {"HSET", "key", "c", "x", "a", "y"},
                                       {"ZADD", "key", "inf", "x"}}) {
    redis.execute({"DEL", "key"});
    redis.execute(before);
    store.run(commands, {});
    scheduler.settle();
    EXPECT_EQ(as_fields(redis.execute({"HGETALL", "key"})), fields) << before[0];
  }
}

TEST(StoreCommands, KeysAreDeletedForWhatTheyHoldAndForNothingElse) {
  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis(scheduler);
  fakes::FakeStore store(scheduler, redis);
  store.start({}, {});
  scheduler.settle();
  for (const auto* key : {"type", "last", "full", "fine"}) redis.execute({"SET", key, "x"});
  const auto refusal = [](std::string message) { return Reply{Reply::Failure{std::move(message)}}; };
  delete_spoilt_keys(store, {{"HSET", "type"}, {"XADD", "last"}, {"SET", "full"}, {"SET", "fine"}, {"EXEC"}},
                     {refusal("WRONGTYPE Operation against a key holding the wrong kind of value"),
                      refusal("ERR The stream has exhausted the last possible ID, unable to add more items"),
                      refusal("OOM command not allowed when used memory > 'maxmemory'."),
                      {std::string("OK")},
                      refusal("EXECABORT Transaction discarded because of previous errors.")});
  scheduler.settle();
  EXPECT_EQ(redis.execute({"GET", "type"}), Reply{});
  EXPECT_EQ(redis.execute({"GET", "last"}), Reply{});
  EXPECT_EQ(as_string(redis.execute({"GET", "full"})), "x");
  EXPECT_EQ(as_string(redis.execute({"GET", "fine"})), "x");
}

}  // namespace store_commands_test
}  // namespace multilink
