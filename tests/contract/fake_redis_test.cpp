// SPDX-License-Identifier: GPL-2.0-or-later
// The fake says what a real redis-server says, command by command, over random conversations.
#include "fakes/fake_redis.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <string>

#include "fakes/real_redis.hpp"
#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink::fakes {
namespace fake_redis_test {

/// Commands that collide: few keys of all types, few members, sometimes a wrong word.
class Conversation {
 public:
  explicit Conversation(std::mt19937_64 random) : random_(random) {}

  Store::Command next() {
    switch (below(24)) {
      case 0:
        return {"SET", key(), word()};
      case 1:
        return {"SET", key(), word(), "EX", number(1, 1000)};
      case 2:
        return {"GET", key()};
      case 3:
        return {"DEL", key(), key()};
      case 4:
        return {"HSET", key(), word(), word(), word(), word()};
      case 5:
        return {"HGETALL", key()};
      case 6:
        return {"HDEL", key(), word(), word()};
      case 7:
        return {"ZADD", key(), score(), word(), score(), word()};
      case 8:
        return {"ZREM", key(), word(), word()};
      case 9:
        return {"ZCARD", key()};
      case 10:
        return {"ZRANGE", key(), number(-4, 4), number(-4, 4), "WITHSCORES"};
      case 11:
        return {"ZRANGE", key(), number(-4, 4), number(-4, 4), "REV"};
      case 12:
        return {"ZRANGEBYSCORE", key(), bound(), bound(), "WITHSCORES"};
      case 13:
        return {"zrangebyscore", key(), bound(), bound(), "LIMIT", number(0, 2), number(-1, 3)};
      case 14:
        return {"ZREMRANGEBYSCORE", key(), bound(), bound()};
      case 15:
        return {"ZREMRANGEBYRANK", key(), number(-4, 4), number(-4, 4)};
      case 16:
        return {"EXPIRE", key(), number(100, 1000)};
      case 17:
        return {"PEXPIRE", key(), number(100'000, 1'000'000)};
      case 18:
        return {"XADD", key(), "MAXLEN", "=", number(1, 3), "*", word(), word()};
      case 19:
        if (below(2) == 0) return {"XRANGE", key(), below(2) == 0 ? "-" : "(5-3", "+", "COUNT", number(1, 3)};
        return {"XREVRANGE", key(), "+", "-", "COUNT", number(1, 3)};
      case 20:
        return {"PUBLISH", key(), word()};
      case 21:
        return {"SETRANGE", key(), number(-1, 6), below(6) == 0 ? "" : word()};
      case 22:
        return {"GETRANGE", key(), number(-6, 6), number(-6, 6)};
      default:
        return odd();
    }
  }

 private:
  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
  std::string number(int least, int most) {
    return std::to_string(std::uniform_int_distribution<int>(least, most)(random_));
  }
  std::string key() { return cat("key", below(5)); }
  std::string word() { return cat("w", below(4)); }
  std::string score() { return below(8) == 0 ? "x" : number(-3, 3) + (below(3) == 0 ? ".25" : ""); }
  std::string bound() {
    const auto open = below(3) == 0 ? "(" : "";
    const int kind = below(8);
    return kind == 0 ? "-inf" : kind == 1 ? "+inf" : kind == 2 ? "y" : open + score();
  }
  Store::Command odd() {
    switch (below(6)) {
      case 0:
        return {"GET"};
      case 1:
        return {"HSET", key(), word()};
      case 2:
        return {"ZADD", key(), "1"};
      case 3:
        return {"SET", key(), word(), "FOR", "EVER"};
      case 4:
        return {"EXPIRE", key(), "soon"};
      default:
        return {"PING", word()};
    }
  }

  std::mt19937_64 random_;
};

std::string show(const Reply& reply) {
  if (const auto* text = std::get_if<std::string>(&reply.value)) return "'" + *text + "'";
  if (const auto* value = std::get_if<std::int64_t>(&reply.value)) return std::to_string(*value);
  if (const auto* failure = std::get_if<Reply::Failure>(&reply.value)) return "error " + failure->message;
  std::string out = "nil";
  if (const auto* array = std::get_if<Reply::Array>(&reply.value)) {
    out = "[";
    for (const auto& element : *array) out += show(element) + " ";
    out += "]";
  }
  return out;
}

/// Without what must differ: the order of a hash, the ids of stream entries (clocks).
Reply comparable(const Store::Command& command, Reply reply) {
  auto* array = std::get_if<Reply::Array>(&reply.value);
  if (command.front() == "XADD" && std::holds_alternative<std::string>(reply.value))
    return {std::string("id")};
  if (array == nullptr) return reply;
  if (command.front() == "XRANGE" || command.front() == "XREVRANGE") {
    for (auto& entry : *array) std::get<Reply::Array>(entry.value).at(0) = {std::string("id")};
  } else if (command.front() == "HGETALL") {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t i = 0; i + 1 < array->size(); i += 2)
      pairs.emplace_back(show((*array)[i]), show((*array)[i + 1]));
    std::sort(pairs.begin(), pairs.end());
    array->clear();
    for (const auto& [field, value] : pairs) array->push_back({cat(field, '=', value)});
  }
  return reply;
}

TEST(FakeRedis, SpeaksAsTheRealOneDoes) {
  Conversation conversation(seeded_random());
  FakeScheduler scheduler;
  FakeRedis fake(scheduler);
  const RealRedis real;
  int failures = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto command = conversation.next();
    const auto expected = comparable(command, real.execute(command));
    const auto said = comparable(command, fake.execute(command));
    ASSERT_EQ(show(said), show(expected)) << "command " << i << ": " << join(command, " ");
    if (std::holds_alternative<Reply::Failure>(said.value)) ++failures;
  }
  EXPECT_GT(failures, 100);
}

TEST(FakeRedis, KeysExpireByTheSchedulersClock) {
  FakeScheduler scheduler;
  FakeRedis fake(scheduler);
  fake.execute({"HSET", "h", "f", "v"});
  fake.execute({"PEXPIRE", "h", "1500"});
  fake.execute({"SET", "s", "v", "EX", "2"});
  scheduler.advance(std::chrono::milliseconds(1499));
  EXPECT_EQ(show(fake.execute({"HGETALL", "h"})), "['f' 'v' ]");
  EXPECT_EQ(show(fake.execute({"PTTL", "h"})), "1");
  scheduler.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(show(fake.execute({"HGETALL", "h"})), "[]");
  EXPECT_EQ(show(fake.execute({"PTTL", "h"})), "-2");
  EXPECT_EQ(show(fake.execute({"GET", "s"})), "'v'");
  scheduler.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(show(fake.execute({"GET", "s"})), "nil");
}

TEST(FakeRedis, AtItsMemoryLimitItRefusesWhatTheRealOneRefuses) {
  FakeScheduler scheduler;
  FakeRedis fake(scheduler);
  const RealRedis real({"maxmemory 1", "maxmemory-policy noeviction"});
  fake.refuse_writes(true);
  for (const Store::Command& command : std::vector<Store::Command>{{"SET", "a", "b"},
                                                                   {"HSET", "a", "b", "c"},
                                                                   {"ZADD", "a", "1", "b"},
                                                                   {"XADD", "a", "*", "b", "c"},
                                                                   {"PUBLISH", "a", "b"},
                                                                   {"GET", "a"},
                                                                   {"SETRANGE", "a", "1", "b"},
                                                                   {"GETRANGE", "a", "0", "1"},
                                                                   {"DEL", "a"},
                                                                   {"ZREM", "a", "b"},
                                                                   {"ZREMRANGEBYSCORE", "a", "1", "2"},
                                                                   {"ZREMRANGEBYRANK", "a", "1", "2"},
                                                                   {"EXPIRE", "a", "1"},
                                                                   {"PEXPIRE", "a", "1"},
                                                                   {"HDEL", "a", "b"},
                                                                   {"PING"}}) {
    EXPECT_EQ(show(fake.execute(command)), show(real.execute(command))) << join(command, " ");
  }
}

}  // namespace fake_redis_test
}  // namespace multilink::fakes
