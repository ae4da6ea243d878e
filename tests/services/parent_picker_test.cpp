// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/parent_picker.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_log.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace parent_picker_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeParents final : public ParentWatch {
 public:
  void ask(const std::string& uplink, Told told) override {
    if (hanging.contains(uplink)) {
      hanging[uplink] = std::move(told);
      return;
    }
    const auto found = figures.find(uplink);
    told(found == figures.end() ? std::nullopt : std::optional(found->second));
  }
  std::map<std::string, ParentFigures> figures;
  std::map<std::string, Told> hanging;  ///< who takes a question and does not answer
};

class ParentPickerTest : public testing::Test {
 protected:
  void say(const std::string& name, HealthState state, unsigned weight = 1, int rtt_ms = 20,
           const std::string& boot = "0123abcd") {
    HealthRecord record;
    record.device = name;
    record.boot = boot;
    record.weight = weight;
    record.families[Family::v4].state = state;
    record.families[Family::v4].rtt = milliseconds(rtt_ms);
    redis_.execute(hash_write(keys_.health(name), record.encode()));
    redis_.execute({"PUBLISH", keys_.status_channel(), name});
    scheduler_.settle();
  }
  void start() {
    picker_.start();
    scheduler_.settle();
  }
  std::map<std::string, int> serve(int requests) {
    std::map<std::string, int> out;
    for (int i = 0; i < requests; ++i) {
      const auto answer = picker_.answer("7 -").value_or("none");
      ++out[answer.substr(0, answer.find(" alt="))];
    }
    return out;
  }
  Result<ProxyRecord> record(const std::string& name) {
    return ProxyRecord::decode(as_fields(redis_.execute({"HGETALL", keys_.proxy(name)})).value());
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeStore store_{scheduler_, redis_};
  fakes::FakeLog log_;
  FakeParents parents_;
  RedisKeys keys_{"local"};
  ParentPicker picker_{{scheduler_, store_, log_, parents_}, "local", {{"a"}, {"b"}}, "0123abcd"};
};

TEST_F(ParentPickerTest, LeavesTheChoiceToSquidBeforeTheFirstWord) {
  EXPECT_EQ(picker_.answer("7 -"), "7 OK\n");
  start();
  EXPECT_EQ(picker_.answer("8 -"), "8 OK\n");
  EXPECT_EQ(picker_.answer("nonsense"), std::nullopt);
}

TEST_F(ParentPickerTest, ChoosesByTheLastWordOfEachUplink) {
  start();
  say("a", HealthState::up, 3);
  say("b", HealthState::up);
  EXPECT_EQ(serve(400), (std::map<std::string, int>{{"7 OK use=a", 300}, {"7 OK use=b", 100}}));
  say("a", HealthState::suspect);
  EXPECT_EQ(serve(10), (std::map<std::string, int>{{"7 OK use=b\n", 10}}))
      << "on the hint, not at the next sweep";
  say("a", HealthState::up, 1);
  EXPECT_EQ(serve(200), (std::map<std::string, int>{{"7 OK use=a", 100}, {"7 OK use=b", 100}}));
  say("a", HealthState::down);
  say("b", HealthState::down);
  EXPECT_EQ(picker_.answer("9 -"), "9 OK\n");
}

TEST_F(ParentPickerTest, GoesOnWithTheLastWordWithoutRedis) {
  start();
  say("a", HealthState::up);
  redis_.stop();
  scheduler_.advance(seconds(60));
  EXPECT_EQ(picker_.answer("7 -"), "7 OK use=a\n");
  redis_.lose_data();
  redis_.start();
  scheduler_.advance(seconds(2));
  EXPECT_EQ(picker_.answer("7 -"), "7 OK use=a\n") << "which came back empty";
}

TEST_F(ParentPickerTest, BelievesNeitherGarbageNorAnotherBoot) {
  start();
  say("a", HealthState::up);
  redis_.execute({"SET", keys_.health("a"), "garbage"});
  scheduler_.advance(seconds(2));
  EXPECT_EQ(picker_.answer("7 -"), "7 OK use=a\n");
  say("b", HealthState::up, 1, 20, "ffffffff");
  EXPECT_EQ(picker_.answer("7 -"), "7 OK use=a\n");
}

TEST_F(ParentPickerTest, ChoosesNoParentThatLetsItsQuestionsWait) {
  parents_.figures["b"] = {310, 2, 20480};
  start();
  say("a", HealthState::up);
  say("b", HealthState::up);
  EXPECT_EQ(serve(10), (std::map<std::string, int>{{"7 OK use=a", 5}, {"7 OK use=b", 5}}))
      << "a is refused: Squid sees to it";
  parents_.hanging["a"] = {};
  scheduler_.advance(ParentPicker::kWatch + ParentPicker::kSilence);
  EXPECT_EQ(picker_.answer("7 -"), "7 OK use=b\n");
  parents_.hanging["b"] = {};
  scheduler_.advance(ParentPicker::kWatch + ParentPicker::kSilence);
  EXPECT_EQ(serve(10).size(), 2U) << "as good as each other";
  for (auto& [name, told] : std::exchange(parents_.hanging, {})) told(std::nullopt);
  parents_.figures["a"] = {1, 0, 1};
  EXPECT_EQ(serve(10).size(), 2U) << "none has answered";
  scheduler_.advance(ParentPicker::kWatch);
  EXPECT_EQ(serve(10).size(), 2U) << "both have";
  EXPECT_FALSE(record("a")->parent == std::nullopt);
}

TEST_F(ParentPickerTest, ReportsWhatItDoesAndWhatTheParentsSay) {
  parents_.figures["a"] = {310, 2, 20480};
  start();
  say("a", HealthState::up, 3);
  say("b", HealthState::up);
  serve(400);
  scheduler_.advance(seconds(10));
  const auto a = record("a").value();
  EXPECT_TRUE(a.usable);
  EXPECT_DOUBLE_EQ(a.share, 0.75);
  EXPECT_EQ(a.weight, 3U);
  EXPECT_EQ(a.rtt, milliseconds(20));
  EXPECT_EQ(a.choices, 300U);
  EXPECT_EQ(a.alternatives, 100U);
  EXPECT_EQ(a.parent, (ParentFigures{310, 2, 20480}));
  EXPECT_EQ(record("b")->parent, std::nullopt);
  redis_.execute({"DEL", keys_.proxy("a")});
  scheduler_.advance(seconds(6));
  EXPECT_TRUE(record("a")) << "what others take away comes back";
}

}  // namespace parent_picker_test
}  // namespace multilink
