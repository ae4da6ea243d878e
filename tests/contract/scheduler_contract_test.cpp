// SPDX-License-Identifier: GPL-2.0-or-later
// What every Scheduler promises, tried on virtual time and on the loop of real time.
#include <gmock/gmock.h>

#include <utility>
//
#include <boost/asio/io_context.hpp>

#include "fakes/fake_scheduler.hpp"
#include "multilink/adapters/event_loop.hpp"

namespace multilink {
namespace scheduler_contract_test {

using std::chrono::milliseconds;
using testing::ElementsAre;

struct Virtual {
  fakes::FakeScheduler scheduler;
  void pass(Duration span) { scheduler.advance(span); }
};

struct Real {
  EventLoop scheduler;
  void pass(Duration span) { scheduler.context().run_for(span); }
};

template <class Kind>
class SchedulerContract : public testing::Test {
 protected:
  Kind time;
  std::vector<int> ran;

  std::function<void()> note(int what) {
    return [this, what] { ran.push_back(what); };
  }
};

using Kinds = testing::Types<Virtual, Real>;
TYPED_TEST_SUITE(SchedulerContract, Kinds);

TYPED_TEST(SchedulerContract, RunsInTheOrderOfTime) {
  auto& scheduler = this->time.scheduler;
  const auto third = scheduler.after(milliseconds(40), this->note(3));
  const auto second = scheduler.after(milliseconds(20), this->note(2));
  const auto first = scheduler.after(-milliseconds(5), this->note(1));
  scheduler.post(this->note(0));
  EXPECT_TRUE(this->ran.empty());
  this->time.pass(milliseconds(200));
  EXPECT_THAT(this->ran, ElementsAre(0, 1, 2, 3));
}

TYPED_TEST(SchedulerContract, NothingRunsInsideACall) {
  auto& scheduler = this->time.scheduler;
  std::unique_ptr<Timer> timer;
  scheduler.post([&] {
    scheduler.post(this->note(2));
    timer = scheduler.after(Duration::zero(), this->note(3));
    this->note(1)();
  });
  this->time.pass(milliseconds(100));
  ASSERT_EQ(this->ran.size(), 3U);
  EXPECT_EQ(this->ran.front(), 1);
}

TYPED_TEST(SchedulerContract, ADestroyedTimerIsSilent) {
  auto& scheduler = this->time.scheduler;
  auto timer = scheduler.after(milliseconds(10), this->note(1));
  timer = nullptr;
  this->time.pass(milliseconds(100));
  EXPECT_TRUE(this->ran.empty());
}

TYPED_TEST(SchedulerContract, AlsoWhenItIsDestroyedInTheMomentItFallsDue) {
  auto& scheduler = this->time.scheduler;
  std::unique_ptr<Timer> doomed;
  const auto killer = scheduler.after(milliseconds(10), [&] { doomed = nullptr; });
  doomed = scheduler.after(milliseconds(10), this->note(1));
  const auto late = scheduler.after(milliseconds(20), this->note(2));
  if constexpr (std::is_same_v<TypeParam, Real>) {
    // Both are due long before the loop looks.
    const auto until = scheduler.now().mono + milliseconds(50);
    while (scheduler.now().mono < until) {
    }
  }
  this->time.pass(milliseconds(200));
  EXPECT_THAT(this->ran, ElementsAre(2));
}

TYPED_TEST(SchedulerContract, ATimerMayDestroyAndReplaceItselfFromItsOwnCall) {
  auto& scheduler = this->time.scheduler;
  std::unique_ptr<Timer> timer;
  int left = 3;
  std::function<void()> work = [&] {
    this->note(left)();
    timer = --left > 0 ? scheduler.after(milliseconds(1), work) : nullptr;
  };
  timer = scheduler.after(milliseconds(1), work);
  this->time.pass(milliseconds(200));
  EXPECT_THAT(this->ran, ElementsAre(3, 2, 1));
}

TYPED_TEST(SchedulerContract, TimeMovesByWhatWasWaited) {
  auto& scheduler = this->time.scheduler;
  const auto start = scheduler.now();
  Now then{};
  const auto timer = scheduler.after(milliseconds(30), [&] { then = scheduler.now(); });
  this->time.pass(milliseconds(200));
  EXPECT_GE(then.mono - start.mono, milliseconds(30));
  EXPECT_GE(then.wall - start.wall, milliseconds(29));
}

}  // namespace scheduler_contract_test
}  // namespace multilink
