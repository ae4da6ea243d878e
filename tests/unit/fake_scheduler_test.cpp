// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_scheduler.hpp"

#include <gmock/gmock.h>

#include <string>

namespace multilink::fakes {
namespace fake_scheduler_test {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(FakeScheduler, RunsTimersInOrderEachAtItsInstant) {
  FakeScheduler scheduler;
  const auto start = scheduler.now();
  std::vector<std::pair<std::string, Duration>> ran;
  const auto note = [&](std::string what) {
    return [&, what] { ran.emplace_back(what, scheduler.now().mono - start.mono); };
  };
  const auto late = scheduler.after(milliseconds(30), note("late"));
  const auto early = scheduler.after(milliseconds(10), note("early"));
  const auto twin = scheduler.after(milliseconds(10), note("twin"));
  scheduler.post(note("posted"));
  EXPECT_TRUE(ran.empty());
  scheduler.advance(milliseconds(20));
  EXPECT_THAT(ran, ElementsAre(std::pair("posted", milliseconds(0)), std::pair("early", milliseconds(10)),
                               std::pair("twin", milliseconds(10))));
  EXPECT_EQ(scheduler.now().mono - start.mono, milliseconds(20));
  scheduler.advance(milliseconds(10));
  EXPECT_EQ(ran.size(), 4U);
}

TEST(FakeScheduler, DestroyingATimerCancelsIt) {
  FakeScheduler scheduler;
  bool ran = false;
  {
    const auto timer = scheduler.after(milliseconds(1), [&] { ran = true; });
  }
  scheduler.advance(hours(1));
  EXPECT_FALSE(ran);
  EXPECT_EQ(scheduler.pending_timers(), 0U);
}

TEST(FakeScheduler, ACallbackMayAskForTheNextOne) {
  FakeScheduler scheduler;
  int ticks = 0;
  std::unique_ptr<Timer> timer;
  std::function<void()> tick = [&] {
    ++ticks;
    timer = scheduler.after(milliseconds(100), tick);
  };
  timer = scheduler.after(milliseconds(100), tick);
  scheduler.advance(std::chrono::seconds(1));
  EXPECT_EQ(ticks, 10);
}

TEST(FakeScheduler, TheWallClockCanBeStepped) {
  FakeScheduler scheduler;
  const auto start = scheduler.now();
  scheduler.step_wall(-hours(1));
  scheduler.advance(milliseconds(1500));
  EXPECT_EQ(scheduler.now().wall - start.wall, milliseconds(1500) - hours(1));
  EXPECT_EQ(scheduler.now().mono - start.mono, milliseconds(1500));
}

TEST(FakeScheduler, TheWallClockKeepsThePartsOfAMillisecond) {
  FakeScheduler scheduler;
  const auto start = scheduler.now().wall;
  for (int i = 0; i < 10; ++i) scheduler.advance(std::chrono::microseconds(300));
  EXPECT_EQ(scheduler.now().wall - start, milliseconds(3));
}

}  // namespace fake_scheduler_test
}  // namespace multilink::fakes
