// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "services/health_service_fixture.hpp"

namespace multilink {
namespace health_service_reload_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

using HealthServiceReloadTest = HealthServiceTest;

TEST_F(HealthServiceReloadTest, ARemovedUplinksKeysAreDeleted) {
  start_both();
  config_.uplinks.pop_back();
  reload();
  EXPECT_FALSE(exists(keys_.status("eth1")));
  EXPECT_FALSE(exists(keys_.status("eth1", Family::v4)));
  EXPECT_FALSE(exists(keys_.status("eth1", Family::v6)));
  EXPECT_FALSE(exists(keys_.health("eth1")));
  EXPECT_EQ(as_scored(redis_.execute({"ZRANGE", keys_.uplinks(), "0", "-1", "WITHSCORES"}))->size(), 1U);
  run(1min);
  EXPECT_FALSE(exists(keys_.health("eth1")));
  EXPECT_EQ(status("eth0"), "TRUE");
}

TEST_F(HealthServiceReloadTest, AnUplinkRemovedWhileHealthdWasAwayIsDeletedToo) {
  start_both();
  kill_healthd();
  config_.uplinks.pop_back();
  start_healthd();
  run(1s);
  EXPECT_FALSE(exists(keys_.status("eth1")));
  EXPECT_FALSE(exists(keys_.health("eth1")));
}

TEST_F(HealthServiceReloadTest, ANewUplinkIsKnownAtOnceFromWhatIsStored) {
  pingd_.link("eth2");
  start_both();
  EXPECT_EQ(status("eth2"), "-");
  config_.uplinks.push_back(uplink("eth2", 3));
  reload();
  EXPECT_EQ(status("eth2"), "TRUE");
  EXPECT_GE(v4("eth2").probes, 29U);
}

TEST_F(HealthServiceReloadTest, WhatDidNotChangeIsKept) {
  start_both();
  run(60s);
  StatusWatcher watcher(scheduler_, redis_, keys_.status("eth0"));
  const auto before = v4("eth0");
  config_.uplinks[1].weight = 7;
  reload();
  run(1min);
  EXPECT_EQ(v4("eth0").since, before.since);
  EXPECT_EQ(watcher.seen, std::vector<std::string>{"TRUE"});
  EXPECT_EQ(health("eth1").weight, 7U);
}

TEST_F(HealthServiceReloadTest, ADisabledUplinkIsDownAndComesBackWhenEnabled) {
  start_both();
  config_.uplinks[0].enabled = false;
  reload();
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_FALSE(health("eth0").enabled);
  EXPECT_EQ(v4("eth0").reason, "disabled in interfaces.conf");
  run(10min);
  EXPECT_EQ(status("eth0"), "FALSE");
  config_.uplinks[0].enabled = true;
  reload();
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 12s);
}

TEST_F(HealthServiceReloadTest, DisabledFromTheStartIsDown) {
  config_.uplinks[0].enabled = false;
  start_both();
  EXPECT_EQ(v4("eth0").state, HealthState::down);
  EXPECT_EQ(v4("eth0").reason, "disabled in interfaces.conf");
}

TEST_F(HealthServiceReloadTest, AnotherDeviceUnderTheSameNameBeginsAnew) {
  start_both();
  config_.uplinks[0].device = "wwan0";
  reload();
  EXPECT_EQ(v4("eth0").state, HealthState::unknown) << "what was measured was another link";
  EXPECT_EQ(health("eth0").device, "wwan0");
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 2s);
}

TEST_F(HealthServiceReloadTest, WhatTheFormerDeviceStillAnswersIsNotHeard) {
  start_both();
  pingd_.die();
  const auto under_way = pingd_.probe(Family::v4, Outcome::answered);
  run(30ms);
  config_.uplinks[0].device = "wwan0";
  reload();
  pingd_.write("eth0", under_way);
  run(1s);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
}

TEST_F(HealthServiceReloadTest, NewPrecedencesAreListed) {
  start_both();
  config_.uplinks[0].precedence = 5;
  reload();
  const auto listed = as_scored(redis_.execute({"ZRANGE", keys_.uplinks(), "0", "-1", "WITHSCORES"}));
  EXPECT_EQ(*listed, (std::vector<std::pair<std::string, double>>{{"eth1", 2}, {"eth0", 5}}));
  EXPECT_EQ(health("eth0").precedence, 5U);
}

TEST_F(HealthServiceReloadTest, WhileRedisIsAwayItTakesEffectAfterwards) {
  start_both();
  redis_.stop();
  scheduler_.settle();
  config_.uplinks[0].enabled = false;
  config_.uplinks.pop_back();
  reload();
  run(1min);
  redis_.start();
  run(1s);
  EXPECT_THAT(v4("eth0").reason, HasSubstr("disabled"));
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_FALSE(exists(keys_.status("eth1")));
}

}  // namespace health_service_reload_test
}  // namespace multilink
