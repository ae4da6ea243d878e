// SPDX-License-Identifier: GPL-2.0-or-later
// A drill that is asked for by Redis: what routed makes of it, and that it never outlives its time.
#include <gmock/gmock.h>

#include "multilink/core/drill.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_drill_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RouteDrill : public RouteServiceTest {
 protected:
  DrillRecord request(Duration length = 30s) {
    const MonoTime now = scheduler_.now().mono;
    return {"eth0", EventRecord::make_id("0123abcd", now), "0123abcd", now, length, false, "root"};
  }
  void ask(const DrillRecord& asked) {
    redis_.execute({"DEL", keys_.drill()});
    redis_.execute(hash_write(keys_.drill(), asked.encode()));
    redis_.execute({"PUBLISH", keys_.admin_channel(), asked.uplink});
    scheduler_.advance(10ms);
  }
  void take_back() {
    redis_.execute({"DEL", keys_.drill()});
    redis_.execute({"PUBLISH", keys_.admin_channel(), "eth0"});
    scheduler_.advance(10ms);
  }
  std::vector<EventRecord> drills() {
    auto all = events();
    std::erase_if(all, [](const EventRecord& event) { return event.kind != "drill"; });
    return all;
  }
  bool is_drilled() { return filter_.is_drilled("eth0"); }
};

TEST_F(RouteDrill, LastsItsTimeAndIsTold) {
  start_with_both_up();
  const auto asked = request();
  ask(asked);
  EXPECT_TRUE(is_drilled());
  EXPECT_EQ(routing().drill, "eth0");
  ASSERT_EQ(drills().size(), 1U);
  EXPECT_EQ(drills()[0].id, asked.id);
  EXPECT_EQ(drills()[0].to, "drilled");
  EXPECT_THAT(drills()[0].reason, HasSubstr("30s, by root with multilinkctl"));
  scheduler_.advance(30s);
  EXPECT_FALSE(is_drilled());
  EXPECT_EQ(routing().drill, "");
  ASSERT_EQ(drills().size(), 2U);
  EXPECT_EQ(drills()[1].id, asked.id);
  EXPECT_EQ(drills()[1].to, "in use");
  scheduler_.advance(10min);
  EXPECT_EQ(drills().size(), 2U);
}

TEST_F(RouteDrill, EndsWhenItIsTakenBack) {
  start_with_both_up();
  ask(request());
  scheduler_.advance(5s);
  take_back();
  EXPECT_FALSE(is_drilled());
  EXPECT_THAT(drills().back().reason, HasSubstr("taken back"));
}

TEST_F(RouteDrill, ALostHintCostsASecond) {
  start_with_both_up();
  redis_.execute(hash_write(keys_.drill(), request().encode()));
  scheduler_.advance(1100ms);
  EXPECT_TRUE(is_drilled());
  scheduler_.advance(28900ms);
  EXPECT_FALSE(is_drilled());
}

TEST_F(RouteDrill, IsOverInTimeWhateverDies) {
  start_with_both_up();
  const auto begun = scheduler_.now().mono;
  ask(request());
  scheduler_.advance(2s);
  kill();
  scheduler_.advance(3s);
  EXPECT_TRUE(is_drilled());
  start();  // the request is still there, and is not taken up anew
  scheduler_.advance(2s);
  EXPECT_EQ(routing().drill, "eth0");
  redis_.stop();
  scheduler_.advance(begun + 30s - scheduler_.now().mono);
  EXPECT_FALSE(is_drilled());
  redis_.start();
  scheduler_.advance(1min);
  EXPECT_FALSE(is_drilled());
}

TEST_F(RouteDrill, ARestartAtOnceDoesNotMakeItLonger) {
  start_with_both_up();
  const auto begun = scheduler_.now().mono;
  ask(request());
  for (int i = 0; i < 5; ++i) {
    kill();
    start();
    scheduler_.advance(500ms);
  }
  EXPECT_TRUE(is_drilled());
  scheduler_.advance(begun + 30s - scheduler_.now().mono);
  EXPECT_FALSE(is_drilled());
  scheduler_.advance(1min);
  EXPECT_FALSE(is_drilled());
}

TEST_F(RouteDrill, AfterARestartItCanStillBeTakenBack) {
  start_with_both_up();
  ask(request());
  scheduler_.advance(6s);
  kill();
  start();
  scheduler_.advance(2s);
  take_back();
  EXPECT_FALSE(is_drilled());
}

TEST_F(RouteDrill, IsRefusedWithAReason) {
  start_with_both_up();
  const auto refused = [&](DrillRecord asked) {
    ask(asked);
    EXPECT_FALSE(is_drilled());
    const auto last = drills().back();
    EXPECT_EQ(last.id, asked.id);
    EXPECT_EQ(last.to, "refused");
    return last.reason;
  };
  auto asked = request(11min);
  EXPECT_THAT(refused(asked), HasSubstr("to 10min"));
  scheduler_.advance(10s);
  asked = request();
  asked.asked -= 6s;
  EXPECT_THAT(refused(asked), HasSubstr("ago"));
  scheduler_.advance(10s);
  asked = request();
  asked.uplink = "cable";
  EXPECT_THAT(refused(asked), HasSubstr("no uplink is called"));
  say("eth1", HealthState::down);
  scheduler_.advance(1s);
  EXPECT_THAT(refused(request()), HasSubstr("no other uplink is usable"));
  scheduler_.advance(1s);
  asked = request();
  asked.force = true;
  ask(asked);
  EXPECT_TRUE(is_drilled());
}

TEST_F(RouteDrill, WhatTheKernelRefusesIsToldToTheAsker) {
  start_with_both_up();
  filter_.fail_next(EPERM);
  ask(request());
  EXPECT_FALSE(is_drilled());
  EXPECT_EQ(drills().back().to, "refused");
  EXPECT_THAT(drills().back().reason, HasSubstr("cannot be put in force"));
}

TEST_F(RouteDrill, GarbageIsNoRequest) {
  start_with_both_up();
  for (const auto* field : {"uplink", "id", "boot", "asked_ns", "length_us", "force"}) {
    auto fields = request().encode();
    fields[field] = "\x01 garbage";
    redis_.execute({"DEL", keys_.drill()});
    redis_.execute(hash_write(keys_.drill(), fields));
    redis_.execute({"PUBLISH", keys_.admin_channel(), "eth0"});
    scheduler_.advance(2s);
    EXPECT_FALSE(is_drilled()) << field;
  }
  redis_.execute({"DEL", keys_.drill()});
  redis_.execute({"SET", keys_.drill(), "eth0"});
  redis_.execute({"PUBLISH", keys_.admin_channel(), std::string(100'000, 'x')});
  scheduler_.advance(2s);
  EXPECT_FALSE(is_drilled());
  EXPECT_TRUE(drills().empty());
}

}  // namespace route_drill_test
}  // namespace multilink
