// SPDX-License-Identifier: GPL-2.0-or-later
// healthd keeps to the administrator's orders.
#include <gmock/gmock.h>

#include "multilink/core/admin_order.hpp"
#include "services/health_service_fixture.hpp"

namespace multilink {
namespace health_service_orders_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HealthServiceOrders : public HealthServiceTest {
 protected:
  void order(AdminMode mode, std::optional<Duration> length = {}, const std::string& boot = kBoot) {
    const auto asked = AdminRecord::make(mode, length, boot, "root", scheduler_.now());
    redis_.execute(hash_write(keys_.admin("eth0"), asked.encode()));
    hint();
  }
  void take_back() {
    redis_.execute({"DEL", keys_.admin("eth0")});
    hint();
  }
  void hint() {
    redis_.execute({"PUBLISH", keys_.admin_channel(), "eth0"});
    run(10ms);
  }
  std::vector<EventRecord> orders() {
    std::vector<EventRecord> out;
    const auto reply = redis_.execute({"XRANGE", keys_.events(), "-", "+"});
    for (const auto& entry : std::get<Reply::Array>(reply.value)) {
      auto event = EventRecord::decode(as_fields(std::get<Reply::Array>(entry.value)[1]).value());
      if (event->kind == "admin") out.push_back(*std::move(event));
    }
    return out;
  }
};

TEST_F(HealthServiceOrders, ADisabledOneIsDownAtOnceAndSaysByWhomAndUntilWhen) {
  start_both();
  order(AdminMode::disabled, 10min);
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_EQ(v4("eth0").state, HealthState::down);
  EXPECT_THAT(v4("eth0").reason, HasSubstr("disabled by root with multilinkctl until "));
  EXPECT_FALSE(health("eth0").enabled);
  EXPECT_EQ(health("eth0").admin, AdminMode::disabled);
  EXPECT_EQ(health("eth0").admin_until, scheduler_.now().wall - 10ms + 10min);
  EXPECT_EQ(status("eth1"), "TRUE");
  ASSERT_EQ(orders().size(), 1U);
  EXPECT_EQ(orders()[0].from, "in use");
  EXPECT_EQ(orders()[0].to, "disabled");
  EXPECT_EQ(orders()[0].uplink, "eth0");
  EXPECT_THAT(orders()[0].reason, HasSubstr("by root with multilinkctl"));
}

TEST_F(HealthServiceOrders, ItEndsWhenItsTimeIsOver) {
  start_both();
  order(AdminMode::disabled, 10min);
  run(10min - 1s);
  EXPECT_EQ(health("eth0").admin, AdminMode::disabled);
  run(2s);
  EXPECT_EQ(health("eth0").admin, AdminMode::none);
  EXPECT_TRUE(health("eth0").enabled);
  EXPECT_LE(time_until("eth0", "TRUE", 1min), 12s);
  ASSERT_EQ(orders().size(), 2U);
  EXPECT_EQ(orders()[1].to, "in use");
  EXPECT_EQ(orders()[1].reason, "the time is over for which it was disabled");
}

TEST_F(HealthServiceOrders, EnableEndsItAtOnce) {
  start_both();
  order(AdminMode::disabled);
  run(2h);
  EXPECT_EQ(status("eth0"), "FALSE");
  take_back();
  EXPECT_EQ(health("eth0").admin, AdminMode::none);
  EXPECT_LE(time_until("eth0", "TRUE", 1min), 12s);
}

TEST_F(HealthServiceOrders, ALostHintCostsSeconds) {
  start_both();
  const auto asked = AdminRecord::make(AdminMode::drained, {}, kBoot, "", scheduler_.now());
  redis_.execute(hash_write(keys_.admin("eth0"), asked.encode()));
  run(6s);
  EXPECT_EQ(health("eth0").admin, AdminMode::drained);
}

TEST_F(HealthServiceOrders, ADrainedOneStaysUpAndWatched) {
  start_both();
  order(AdminMode::drained, 1h);
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_TRUE(health("eth0").enabled);
  EXPECT_EQ(health("eth0").admin, AdminMode::drained);
  pingd_.link("eth0").is_dead = true;
  EXPECT_LE(time_until("eth0", "FALSE", 1min), 10s);
}

TEST_F(HealthServiceOrders, ARestartOfHealthdNeverEnablesIt) {
  start_both();
  order(AdminMode::disabled, 1h);
  const auto before = v4("eth0");
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  for (int i = 0; i < 3; ++i) {
    kill_healthd();
    run(5s);
    start_healthd();
    run(20s);
  }
  EXPECT_THAT(watcher.seen, testing::ElementsAre("FALSE"));
  EXPECT_EQ(v4("eth0").since, before.since);
  EXPECT_EQ(orders().size(), 1U);
}

TEST_F(HealthServiceOrders, WhatEndsWhileHealthdIsAwayIsToldWhenItIsBack) {
  start_both();
  order(AdminMode::drained, 1min);
  kill_healthd();
  run(2min);
  start_healthd();
  run(2s);
  EXPECT_EQ(health("eth0").admin, AdminMode::none);
  ASSERT_EQ(orders().size(), 2U);
  EXPECT_EQ(orders()[1].from, "drained");
}

TEST_F(HealthServiceOrders, WithoutRedisTheOrderStays) {
  start_both();
  order(AdminMode::disabled);
  redis_.stop();
  run(1min);
  redis_.start();
  run(30s);
  EXPECT_EQ(status("eth0"), "FALSE");
}

TEST_F(HealthServiceOrders, AReloadKeepsIt) {
  start_both();
  order(AdminMode::disabled);
  config_.uplinks[0].loss_down = 0.5;
  reload();
  run(30s);
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_THAT(v4("eth0").reason, HasSubstr("multilinkctl"));
}

TEST_F(HealthServiceOrders, AfterARebootTheWallClockEndsIt) {
  order(AdminMode::disabled, 10min, "fedcba98");
  start_both();
  EXPECT_EQ(status("eth0"), "FALSE");
  run(10min);
  EXPECT_EQ(health("eth0").admin, AdminMode::none);
}

TEST_F(HealthServiceOrders, GarbageChangesNothingAndIsNamed) {
  start_both();
  order(AdminMode::disabled);
  redis_.execute({"HSET", keys_.admin("eth0"), "enabled", "perhaps"});
  hint();
  run(10s);
  EXPECT_EQ(status("eth0"), "FALSE");
  redis_.execute({"DEL", keys_.admin("eth0")});
  redis_.execute({"SET", keys_.admin("eth0"), "drained"});
  hint();
  run(10s);
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_EQ(health("eth0").admin, AdminMode::disabled);
}

}  // namespace health_service_orders_test
}  // namespace multilink
