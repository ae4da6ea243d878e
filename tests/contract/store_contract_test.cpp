// SPDX-License-Identifier: GPL-2.0-or-later
// What every Store promises, tried on the fake and on the adapter with a real redis-server.
#include <gmock/gmock.h>

#include <string>

#include "contract/store_worlds.hpp"

namespace multilink {
namespace store_contract_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

using Strings = std::vector<std::string>;

struct WorldKind {
  const char* name;
  std::unique_ptr<StoreWorld> (*make)();
};

/// A store and what it has told.
struct Daemon {
  Daemon(StoreWorld& world, Strings channels = {}) : store(world.make_store()) {
    store->start(std::move(channels),
                 {[this] { ++readies; },
                  [this](const Error& error) {
                    ++losses;
                    ready_when_lost = store->is_ready();
                    history.push_back("lost");
                    last_loss = error.message;
                  },
                  [this](std::string_view channel, std::string_view payload) {
                    messages.push_back(std::string(channel) + "=" + std::string(payload));
                    if (on_message) on_message();
                  }});
  }

  std::unique_ptr<Store> store;
  int readies = 0;
  int losses = 0;
  bool ready_when_lost = false;
  std::string last_loss;
  Strings messages;
  Strings history;
  std::function<void()> on_message;
};

class StoreContract : public testing::TestWithParam<WorldKind> {
 protected:
  /// The replies to `commands`, or the Error.
  Result<std::vector<Reply>> ask(Daemon& daemon, std::vector<Store::Command> commands) {
    std::optional<Result<std::vector<Reply>>> answer;
    daemon.store->run(std::move(commands), [&](auto result) { answer = std::move(result); });
    if (!world_->run_until([&] { return answer.has_value(); })) return fail("no answer at all");
    return *answer;
  }

  void await_ready(Daemon& daemon, int times = 1) {
    ASSERT_TRUE(world_->run_until([&] { return daemon.readies >= times; }));
    ASSERT_TRUE(daemon.store->is_ready());
  }

  std::unique_ptr<StoreWorld> world_ = GetParam().make();
};

Reply text(std::string value) {
  return {std::move(value)};
}
Reply number(std::int64_t value) {
  return {value};
}
Reply list(const Strings& values) {
  Reply::Array out;
  for (const auto& value : values) out.push_back({value});
  return {std::move(out)};
}

TEST_P(StoreContract, AnswersEachCommandOfABatchInItsPlace) {
  Daemon daemon(*world_);
  await_ready(daemon);
  const auto replies = ask(daemon, {{"PING"},
                                    {"SET", "a", "TRUE"},
                                    {"GET", "a"},
                                    {"GET", "nothing"},
                                    {"ZADD", "z", "2", "two", "1", "one", "1.5", "half"},
                                    {"ZRANGEBYSCORE", "z", "-inf", "(2", "WITHSCORES"},
                                    {"ZRANGE", "z", "0", "-1"},
                                    {"HGETALL", "nothing"},
                                    {"DEL", "a", "z", "nothing"}});
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_THAT(*replies, ElementsAre(text("PONG"), text("OK"), text("TRUE"), Reply{Reply::Nil{}}, number(3),
                                    list({"one", "1", "half", "1.5"}), list({"one", "half", "two"}), list({}),
                                    number(2)));
}

TEST_P(StoreContract, AnErrorReplyIsOneReplyAmongTheOthers) {
  Daemon daemon(*world_);
  await_ready(daemon);
  const auto replies = ask(daemon, {{"SET", "a", "1"}, {"HGETALL", "a"}, {"NOSUCH"}, {"GET", "a"}});
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 4U);
  const auto fields = as_fields((*replies)[1]);
  ASSERT_FALSE(fields);
  EXPECT_NE(fields.error().message.find("WRONGTYPE"), std::string::npos) << fields.error().message;
  EXPECT_TRUE(std::holds_alternative<Reply::Failure>((*replies)[2].value));
  EXPECT_EQ(as_string((*replies)[3]), "1");
}

TEST_P(StoreContract, ATransactionIsAnsweredByItsLastCommand) {
  Daemon daemon(*world_);
  await_ready(daemon);
  world_->execute({"SET", "h", "of another type"});
  const auto replies = ask(daemon, {{"MULTI"},
                                    {"DEL", "h"},
                                    {"HSET", "h", "field", "value"},
                                    {"PEXPIRE", "h", "15000"},
                                    {"EXEC"},
                                    {"HGETALL", "h"}});
  ASSERT_TRUE(replies) << replies.error().message;
  const Reply results{Reply::Array{number(1), number(1), number(1)}};
  EXPECT_THAT(*replies, ElementsAre(text("OK"), text("QUEUED"), text("QUEUED"), text("QUEUED"), results,
                                    list({"field", "value"})));
}

TEST_P(StoreContract, ATransactionWithARefusedCommandChangesNothing) {
  Daemon daemon(*world_);
  await_ready(daemon);
  world_->execute({"SET", "a", "1"});
  const auto replies = ask(daemon, {{"MULTI"}, {"DEL", "a"}, {"NOSUCH"}, {"EXEC"}, {"GET", "a"}});
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 5U);
  EXPECT_TRUE(std::holds_alternative<Reply::Failure>((*replies)[2].value));
  EXPECT_EQ((*replies)[3],
            (Reply{Reply::Failure{"EXECABORT Transaction discarded because of previous errors."}}));
  EXPECT_EQ((*replies)[4], text("1"));
}

TEST_P(StoreContract, ValuesMayHoldAnyBytes) {
  Daemon daemon(*world_);
  await_ready(daemon);
  std::string value("\0\r\n\xff%s$3\r\n", 11);
  value += std::string(100'000, 'x');
  const auto replies = ask(daemon, {{"SET", value, value}, {"GET", value}});
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ(as_string((*replies)[1]), value);
}

TEST_P(StoreContract, BatchesAreAnsweredInOrder) {
  Daemon daemon(*world_);
  await_ready(daemon);
  std::vector<std::int64_t> seen;
  for (int i = 0; i < 500; ++i) {
    daemon.store->run({{"ZADD", "z", std::to_string(i), std::to_string(i)}, {"ZCARD", "z"}},
                      [&](const Result<std::vector<Reply>>& replies) {
                        ASSERT_TRUE(replies);
                        seen.push_back(*as_integer((*replies)[1]));
                      });
  }
  EXPECT_TRUE(seen.empty()) << "a callback came from inside the call";
  ASSERT_TRUE(world_->run_until([&] { return seen.size() == 500; }));
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<std::int64_t>(i) + 1);
}

TEST_P(StoreContract, ALargeBatchComesBackWhole) {
  Daemon daemon(*world_);
  await_ready(daemon);
  std::vector<Store::Command> commands(10'000, {"GET", "big"});
  commands.front() = {"SET", "big", std::string(200, 'b')};
  const auto replies = ask(daemon, std::move(commands));
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 10'000U);
  EXPECT_EQ(as_string(replies->back()), std::string(200, 'b'));
}

TEST_P(StoreContract, AHintComesAfterTheKeyItSpeaksOf) {
  Daemon writer(*world_);
  Daemon reader(*world_, {"status", "other"});
  await_ready(writer);
  await_ready(reader);
  Strings read;
  reader.on_message = [&] {
    reader.store->run({{"GET", "key"}}, [&](const Result<std::vector<Reply>>& replies) {
      ASSERT_TRUE(replies);
      read.push_back(as_string(replies->front()).value_or("?"));
    });
  };
  writer.store->run({{"SET", "key", "new"}, {"PUBLISH", "status", "eth0"}, {"PUBLISH", "unheard", "x"}}, {});
  ASSERT_TRUE(world_->run_until([&] { return !read.empty(); }));
  EXPECT_THAT(reader.messages, ElementsAre("status=eth0"));
  EXPECT_THAT(read, ElementsAre("new"));
  EXPECT_TRUE(writer.messages.empty());
}

TEST_P(StoreContract, MessagesKeepTheirOrder) {
  Daemon writer(*world_);
  Daemon reader(*world_, {"c"});
  await_ready(writer);
  await_ready(reader);
  for (int i = 0; i < 300; ++i) writer.store->run({{"PUBLISH", "c", std::to_string(i)}}, {});
  ASSERT_TRUE(world_->run_until([&] { return reader.messages.size() == 300; }));
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(reader.messages[i], "c=" + std::to_string(i));
}

TEST_P(StoreContract, WithoutAConnectionACommandFailsAtOnceButNotInsideTheCall) {
  world_->kill_server();
  Daemon daemon(*world_, {"c"});
  bool failed = false;
  daemon.store->run({{"PING"}}, [&](const auto& result) { failed = !result; });
  EXPECT_FALSE(failed);
  EXPECT_TRUE(world_->run_until([&] { return failed; }, milliseconds(200)));
  EXPECT_FALSE(daemon.store->is_ready());
  EXPECT_EQ(daemon.losses, 0) << "lost is said once for each ready";
}

TEST_P(StoreContract, ItJoinsWhenRedisAppears) {
  world_->kill_server();
  Daemon daemon(*world_, {"c"});
  EXPECT_FALSE(world_->run_until([&] { return daemon.readies > 0; }, milliseconds(700)));
  world_->start_server();
  await_ready(daemon);
  world_->execute({"PUBLISH", "c", "hello"});
  EXPECT_TRUE(world_->run_until([&] { return !daemon.messages.empty(); }));
}

TEST_P(StoreContract, AfterAKillItSaysSoOnceAndComesBackSubscribed) {
  Daemon daemon(*world_, {"c"});
  for (int round = 1; round <= 3; ++round) {
    await_ready(daemon, round);
    world_->kill_server();
    ASSERT_TRUE(world_->run_until([&] { return daemon.losses == round; }));
    EXPECT_FALSE(daemon.ready_when_lost);
    EXPECT_FALSE(daemon.last_loss.empty());
    world_->start_server();
    const auto back = world_->scheduler().now().mono;
    await_ready(daemon, round + 1);
    EXPECT_LT(world_->scheduler().now().mono - back, seconds(1));
    daemon.messages.clear();
    world_->execute({"PUBLISH", "c", "again"});
    ASSERT_TRUE(world_->run_until([&] { return !daemon.messages.empty(); }));
    EXPECT_THAT(daemon.messages, ElementsAre("c=again"));
  }
  EXPECT_EQ(daemon.readies, daemon.losses + 1);
}

TEST_P(StoreContract, WhatWasUnderWayFailsBeforeTheLossIsTold) {
  Daemon daemon(*world_);
  await_ready(daemon);
  world_->freeze_server();
  for (int i = 0; i < 3; ++i) {
    daemon.store->run({{"PING"}}, [&](const auto& result) {
      EXPECT_FALSE(result);
      EXPECT_FALSE(daemon.store->is_ready());
      daemon.history.push_back("failed");
    });
  }
  world_->kill_server();
  ASSERT_TRUE(world_->run_until([&] { return daemon.losses == 1; }));
  EXPECT_THAT(daemon.history, ElementsAre("failed", "failed", "failed", "lost"));
}

TEST_P(StoreContract, AFrozenServerMissesTheDeadlineAndIsFoundAgain) {
  Daemon daemon(*world_, {"c"});
  await_ready(daemon);
  world_->freeze_server();
  const auto start = world_->scheduler().now().mono;
  const auto result = ask(daemon, {{"PING"}});
  const auto took = world_->scheduler().now().mono - start;
  EXPECT_FALSE(result);
  EXPECT_GE(took, milliseconds(250));
  EXPECT_LE(took, seconds(2));
  EXPECT_EQ(daemon.losses, 1);
  EXPECT_FALSE(world_->run_until([&] { return daemon.readies > 1; }, milliseconds(1500)));
  world_->thaw_server();
  const auto thawed = world_->scheduler().now().mono;
  await_ready(daemon, 2);
  EXPECT_LE(world_->scheduler().now().mono - thawed, seconds(2));
  EXPECT_TRUE(ask(daemon, {{"PING"}}));
}

TEST_P(StoreContract, AServerThatFreezesWhileAllIsQuietIsNoticed) {
  Daemon daemon(*world_, {"c"});
  await_ready(daemon);
  world_->freeze_server();
  EXPECT_TRUE(world_->run_until([&] { return daemon.losses == 1; }, seconds(5)));
  world_->thaw_server();
  await_ready(daemon, 2);
}

TEST_P(StoreContract, AQuietConnectionStays) {
  Daemon daemon(*world_, {"c"});
  await_ready(daemon);
  EXPECT_FALSE(world_->run_until([&] { return daemon.losses > 0; }, seconds(4)));
  EXPECT_TRUE(ask(daemon, {{"PING"}}));
}

TEST_P(StoreContract, ADestroyedStoreCallsNobody) {
  auto daemon = std::make_unique<Daemon>(*world_);
  await_ready(*daemon);
  bool called = false;
  daemon->store->run({{"PING"}}, [&](const auto&) { called = true; });
  daemon = nullptr;
  EXPECT_FALSE(world_->run_until([&] { return called; }, milliseconds(800)));
}

TEST_P(StoreContract, NoCommandsHaveNoReplies) {
  Daemon daemon(*world_);
  await_ready(daemon);
  const auto replies = ask(daemon, {});
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_TRUE(replies->empty());
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         testing::Values(WorldKind{"Fake", make_fake_world},
                                         WorldKind{"Redis", make_real_world}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace store_contract_test
}  // namespace multilink
