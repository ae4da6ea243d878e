// SPDX-License-Identifier: GPL-2.0-or-later
// What healthd and pingd do not forget while the other, or they themselves, are away.
#include <gmock/gmock.h>

#include "services/health_service_fixture.hpp"

namespace multilink {
namespace health_service_restart_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HealthServiceRestart : public HealthServiceTest {
 protected:
  void restart_healthd(Duration absence = 100ms) {
    kill_healthd();
    run(absence);
    start_healthd();
    run(1s);
  }
  void flap_carrier(Duration length) {
    pingd_.set_fact("eth0", Family::v4, LinkFact::no_carrier);
    run(length);
    pingd_.set_fact("eth0", Family::v4, LinkFact::ok);
  }
};

TEST_F(HealthServiceRestart, ALinkWhoseCarrierIsBackWaitsOutItsCleanTimeAllTheSame) {
  start_both();
  run(1min);
  for (const auto outage : {3s, 10s, 60s}) {
    flap_carrier(outage);
    run(3s);
    const auto before = v4("eth0");
    ASSERT_EQ(before.state, HealthState::down);
    restart_healthd();
    EXPECT_EQ(v4("eth0").state, HealthState::down) << outage.count();
    EXPECT_EQ(v4("eth0").since, before.since);
    EXPECT_EQ(v4("eth0").event, before.event);
    run(4s);
    EXPECT_EQ(v4("eth0").state, HealthState::down) << outage.count();
    run(15s);
    EXPECT_EQ(v4("eth0").state, HealthState::up) << outage.count();
    run(2h);  // the flap damping forgets
  }
}

TEST_F(HealthServiceRestart, TheFlapDampingIsKept) {
  start_both();
  run(1min);
  for (int i = 0; i < 4; ++i) {
    flap_carrier(2s);
    EXPECT_LE(time_until("eth0", "TRUE", 10min), 6min);
  }
  flap_carrier(2s);
  run(20s);
  for (int i = 0; i < 5; ++i) {
    restart_healthd(1s);
    run(10s);
    EXPECT_EQ(status("eth0"), "FALSE") << i;
  }
  EXPECT_LE(time_until("eth0", "TRUE", 10min), 5min);
  EXPECT_THAT(v4("eth0").reason, HasSubstr("flap damping"));
}

TEST_F(HealthServiceRestart, WhatCameToLifeWhileHealthdWasAwayIsUpAtOnce) {
  start_both();
  run(1min);
  pingd_.link("eth0").is_dead = true;
  run(1min);
  kill_healthd();
  pingd_.link("eth0").is_dead = false;
  run(1min);
  start_healthd();
  run(1s);
  EXPECT_EQ(v4("eth0").state, HealthState::up);
}

TEST_F(HealthServiceRestart, ALinkThatWasDownWhenPingdWentWaitsOutItsCleanTime) {
  start_both();
  run(1min);
  pingd_.link("eth0").is_dead = true;
  run(20s);
  ASSERT_EQ(v4("eth0").state, HealthState::down);
  pingd_.die();
  run(20s);
  ASSERT_EQ(v4("eth0").state, HealthState::unknown);
  pingd_.link("eth0").is_dead = false;
  pingd_.start();
  run(5s);
  EXPECT_EQ(v4("eth0").state, HealthState::down);
  EXPECT_THAT(v4("eth0").reason, HasSubstr("it was out when it was last heard of"));
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 12s) << "up_after, and no damping: it has failed once";
  EXPECT_EQ(v4("eth1").state, HealthState::up) << "which never was down";
}

}  // namespace health_service_restart_test
}  // namespace multilink
