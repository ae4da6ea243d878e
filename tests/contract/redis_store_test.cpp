// SPDX-License-Identifier: GPL-2.0-or-later
// What only the adapter has to get right: users and their rights, TCP, names, its own lateness, the log.
#include "multilink/adapters/redis_store.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <utility>
//
#include <boost/asio/io_context.hpp>

#include "contract/network_namespace.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/real_redis.hpp"
#include "multilink/adapters/redis_connection.hpp"

namespace multilink {
namespace redis_store_test {

using fakes::FakeLog;
using fakes::RealRedis;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

/// A store with its loop, as a daemon has them.
struct Client {
  explicit Client(RedisAddress address, std::optional<RedisLogin> login = std::nullopt,
                  std::vector<std::string> channels = {"c"}, Duration starting = {})
      : store(loop, log, std::move(address), std::move(login), starting) {
    store.start(std::move(channels),
                {[this] { ++readies; }, [this](const Error&) { ++losses; },
                 [this](std::string_view, std::string_view payload) { messages.emplace_back(payload); }});
  }

  bool run_until(const std::function<bool()>& reached, Duration most = seconds(20)) {
    const auto end = loop.now().mono + most;
    while (!reached() && loop.now().mono < end) loop.context().run_one_for(milliseconds(50));
    return reached();
  }
  bool is_ready_soon(int times = 1) {
    return run_until([&] { return readies >= times; });
  }
  Result<std::vector<Reply>> ask(std::vector<Store::Command> commands) {
    std::optional<Result<std::vector<Reply>>> answer;
    store.run(std::move(commands), [&](auto result) { answer = std::move(result); });
    if (!run_until([&] { return answer.has_value(); })) return fail("no answer at all");
    return *answer;
  }

  FakeLog log;
  EventLoop loop;
  RedisStore store;
  int readies = 0;
  int losses = 0;
  std::vector<std::string> messages;
};

const std::vector<std::string> kTwoUsers{
    "user pingd on >secret resetkeys resetchannels %RW~a* &c -@all +ping +get +set +subscribe +publish",
    "user deaf on >secret resetkeys resetchannels ~* -@all +ping +get +subscribe", "user default off"};

TEST(RedisStore, LogsInAsItsUserAndHasThatUsersRightsOnly) {
  const RealRedis redis(kTwoUsers);
  Client client(redis.address(), RedisLogin{"pingd", "secret"});
  ASSERT_TRUE(client.is_ready_soon());
  const auto replies = client.ask({{"SET", "a1", "x"}, {"GET", "b"}, {"PUBLISH", "c", "hint"}});
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ(as_string((*replies)[0]), "OK");
  EXPECT_NE(as_string((*replies)[1]).error().message.find("NOPERM"), std::string::npos);
  EXPECT_TRUE(client.run_until([&] { return !client.messages.empty(); }));
  EXPECT_EQ(client.losses, 0);
}

TEST(RedisStore, AWrongPasswordIsSaidOnceWithTheRemedyAndTriedOn) {
  RealRedis redis(kTwoUsers);
  Client client(redis.address(), RedisLogin{"pingd", "wrong"});
  EXPECT_FALSE(client.run_until([&] { return client.readies > 0; }, milliseconds(1500)));
  EXPECT_EQ(client.log.count("WRONGPASS", LogLevel::error), 1U);
  EXPECT_EQ(client.log.count("credential file", LogLevel::error), 1U);
  EXPECT_EQ(client.log.lines.size(), 1U);
  EXPECT_EQ(client.log.count("wrong "), 0U) << "the password itself";
}

TEST(RedisStore, SoIsALoginThatIsMissing) {
  const RealRedis redis(kTwoUsers);
  Client client(redis.address());
  EXPECT_FALSE(client.run_until([&] { return client.readies > 0; }, milliseconds(700)));
  EXPECT_EQ(client.log.count("NOAUTH", LogLevel::error), 1U);
  EXPECT_EQ(client.log.count("start it by its systemd unit", LogLevel::error), 1U);
  EXPECT_EQ(client.log.lines.size(), 1U);
}

TEST(RedisStore, SoIsAChannelThatTheUserMayNotHear) {
  const RealRedis redis(kTwoUsers);
  Client client(redis.address(), RedisLogin{"deaf", "secret"});
  EXPECT_FALSE(client.run_until([&] { return client.readies > 0; }, milliseconds(700)));
  EXPECT_EQ(client.log.count("NOPERM", LogLevel::error), 1U);
  EXPECT_EQ(client.log.lines.size(), 1U);
}

TEST(RedisStore, TheLogHearsOfLossAndReturnOnceEach) {
  RealRedis redis;
  Client client(redis.address());
  ASSERT_TRUE(client.is_ready_soon());
  redis.kill();
  EXPECT_FALSE(client.run_until([&] { return client.readies > 1; }, milliseconds(1200)));
  redis.start();
  ASSERT_TRUE(client.is_ready_soon(2));
  ASSERT_EQ(client.log.lines.size(), 3U);
  EXPECT_EQ(client.log.lines[0].level, LogLevel::info);
  EXPECT_EQ(client.log.lines[1].level, LogLevel::warning);
  EXPECT_EQ(client.log.lines[2].level, LogLevel::info);
  for (const auto& line : client.log.lines) {
    EXPECT_NE(line.message.find("unix:" + redis.directory()), std::string::npos) << line.message;
  }
}

TEST(RedisStore, ThatRedisIsNotThereYetIsToldAfterAWhile) {
  RealRedis redis;
  redis.kill();
  Client at_once(redis.address());
  EXPECT_TRUE(at_once.run_until([&] { return !at_once.log.lines.empty(); }, milliseconds(1500)));
  EXPECT_EQ(at_once.log.count("trying again", LogLevel::warning), 0U) << "a command gives up";
  Client client(redis.address(), std::nullopt, {"c"}, seconds(2));
  EXPECT_FALSE(client.run_until([&] { return !client.log.lines.empty(); }, milliseconds(1500)));
  EXPECT_TRUE(client.run_until([&] { return client.log.count("trying again", LogLevel::warning) == 1; },
                               milliseconds(5000)));
}

TEST(RedisStore, WithoutChannelsThereIsOneConnection) {
  const RealRedis redis;
  Client client(redis.address(), std::nullopt, {});
  ASSERT_TRUE(client.is_ready_soon());
  const auto clients = client.ask({{"CLIENT", "LIST"}});
  ASSERT_TRUE(clients);
  const auto list = as_string(clients->front()).value();
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 1) << list;
}

TEST(RedisStore, WhenOneConnectionIsCutBothAreMadeAnew) {
  const RealRedis redis;
  for (const char* kind : {"pubsub", "normal"}) {
    Client client(redis.address());
    ASSERT_TRUE(client.is_ready_soon());
    redis.execute({"CLIENT", "KILL", "TYPE", kind});
    ASSERT_TRUE(client.is_ready_soon(2)) << kind;
    EXPECT_EQ(client.losses, 1) << kind;
    redis.execute({"PUBLISH", "c", "again"});
    EXPECT_TRUE(client.run_until([&] { return !client.messages.empty(); })) << kind;
  }
}

TEST(RedisStore, TheTimeInWhichWeDidNotRunIsNotHeldAgainstRedis) {
  RealRedis redis;
  Client client(redis.address());
  ASSERT_TRUE(client.is_ready_soon());
  redis.execute({"SET", "big", std::string(1'000'000, 'x')});
  std::optional<bool> answered;
  redis.freeze();
  client.store.run({{"GET", "big"}}, [&](const auto& result) { answered = result.has_value(); });
  client.loop.context().poll();  // the command leaves
  redis.thaw();
  std::this_thread::sleep_for(RedisConnection::kDeadline * 2);
  ASSERT_TRUE(client.run_until([&] { return answered.has_value(); }));
  EXPECT_TRUE(*answered);
  EXPECT_EQ(client.losses, 0);
}

TEST(RedisStore, WhatIsTooMuchAtOnceFailsAtOnce) {
  const RealRedis redis;
  Client client(redis.address());
  ASSERT_TRUE(client.is_ready_soon());
  int refused = 0;
  int served = 0;
  const std::vector<Store::Command> batch(RedisConnection::kMaxInFlight / 2, {"PING"});
  for (int i = 0; i < 3; ++i) {
    client.store.run(batch, [&](const auto& result) { (result ? served : refused) += 1; });
  }
  ASSERT_TRUE(client.run_until([&] { return served + refused == 3; }));
  EXPECT_EQ(refused, 1);
  EXPECT_TRUE(client.ask({{"PING"}})) << "there is room again";
}

TEST(RedisStore, ADatabaseCanBeChosen) {
  const RealRedis redis;
  auto address = redis.address();
  address.database = 3;
  Client client(address);
  ASSERT_TRUE(client.is_ready_soon());
  ASSERT_TRUE(client.ask({{"SET", "k", "three"}}));
  EXPECT_EQ(redis.execute({"GET", "k"}), Reply{Reply::Nil{}});
}

TEST(RedisStore, OverTcpByAddressAndByName) {
  const NetworkNamespace own;
  ip({"link", "set", "lo", "up"});
  RealRedis redis({"port 16379", "bind 127.0.0.1", "protected-mode no"});
  for (const char* host : {"127.0.0.1", "localhost"}) {
    RedisAddress address;
    address.host = host;
    address.port = 16379;
    Client client(address);
    ASSERT_TRUE(client.is_ready_soon()) << host;
    EXPECT_TRUE(client.ask({{"PING"}}));
    redis.kill();
    ASSERT_TRUE(client.run_until([&] { return client.losses == 1; }));
    redis.start();
    ASSERT_TRUE(client.is_ready_soon(2)) << host;
  }
}

TEST(RedisStore, ANameThatDoesNotResolveIsSaidOnceAndHoldsNobodyUp) {
  const NetworkNamespace own;
  RedisAddress address;
  address.host = "redis.invalid";
  Client client(address);
  int ticks = 0;
  std::unique_ptr<Timer> timer;
  std::function<void()> tick = [&] {
    ++ticks;
    timer = client.loop.after(milliseconds(10), tick);
  };
  tick();
  ASSERT_TRUE(client.run_until([&] { return client.log.count("redis.invalid") > 0; }, seconds(60)));
  client.run_until([] { return false; }, milliseconds(500));
  EXPECT_GT(ticks, 25);
  EXPECT_EQ(client.log.lines.size(), 1U);
}

}  // namespace redis_store_test
}  // namespace multilink
