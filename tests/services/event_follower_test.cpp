// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/event_follower.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace event_follower_test {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class EventFollowerTest : public testing::Test {
 protected:
  void add(const std::string& reason, const std::string& id = "*") {
    EventRecord event;
    event.id = "0123abcd-1";
    event.at = WallTime(seconds(1'700'000'000));
    event.source = "healthd";
    event.kind = "health";
    event.uplink = "fibre";
    event.reason = reason;
    Store::Command command{"XADD", RedisKeys("local").events(), id};
    for (const auto& [field, value] : event.encode()) command.insert(command.end(), {field, value});
    redis_.execute(command);
  }
  void follow(unsigned count) {
    follower_ = std::make_unique<EventFollower>(
        scheduler_, store_, "local", count,
        EventFollower::Listener{[this](const std::vector<EventRecord>& events) {
                                  for (const auto& event : events) told_.push_back(event.reason);
                                },
                                [this](const Error&) { ++lost_; }, [this] { ++ready_; }});
    follower_->start();
    scheduler_.advance(seconds(1));
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeStore store_{scheduler_, redis_};
  std::unique_ptr<EventFollower> follower_;
  std::vector<std::string> told_;
  int lost_ = 0, ready_ = 0;
};

TEST_F(EventFollowerTest, TellsTheLastFewAndThenEachNewOneOnce) {
  for (const auto* each : {"a", "b", "c"}) add(each);
  follow(2);
  EXPECT_THAT(told_, ElementsAre("b", "c"));
  add("d");
  add("e");
  scheduler_.advance(EventFollower::kSweep * 2);
  EXPECT_THAT(told_, ElementsAre("b", "c", "d", "e"));
  scheduler_.advance(seconds(60));
  EXPECT_THAT(told_, ElementsAre("b", "c", "d", "e"));
}

TEST_F(EventFollowerTest, TellsOnlyNewOnesWhereNoneOfTheOldAreAskedFor) {
  add("a");
  follow(0);
  EXPECT_THAT(told_, IsEmpty());
  add("b");
  scheduler_.advance(seconds(1));
  EXPECT_THAT(told_, ElementsAre("b"));
}

TEST_F(EventFollowerTest, BeginsWithAnEmptyStream) {
  follow(5);
  EXPECT_THAT(told_, IsEmpty());
  add("a");
  scheduler_.advance(seconds(1));
  EXPECT_THAT(told_, ElementsAre("a"));
}

TEST_F(EventFollowerTest, GoesOnWithARedisThatComesBackWithoutItsData) {
  add("a");
  follow(5);
  redis_.execute({"DEL", RedisKeys("local").events()});
  scheduler_.advance(seconds(1));
  add("b");
  scheduler_.advance(seconds(1));
  EXPECT_THAT(told_, ElementsAre("a", "b"));
}

}  // namespace event_follower_test
}  // namespace multilink
