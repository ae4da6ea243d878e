// SPDX-License-Identifier: GPL-2.0-or-later
// Which records of healthd routed believes.
#include <gtest/gtest.h>

#include "multilink/core/text.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_belief_test {

using fakes::default_via;
using std::chrono::seconds;
using testing::ElementsAre;
using RouteBeliefTest = RouteServiceTest;

TEST_F(RouteBeliefTest, ARedisThatComesBackWithOldNewsIsNotBelieved) {
  start_with_both_up();
  const auto old = as_fields(redis_.execute({"HGETALL", keys_.health("eth0")})).value();
  scheduler_.advance(seconds(1));
  say("eth0", HealthState::down);
  scheduler_.settle();
  ASSERT_EQ(carrier(), "eth1");
  redis_.stop();
  redis_.start();
  redis_.execute(hash_write(keys_.health("eth0"), old));
  redis_.execute({"PUBLISH", keys_.status_channel(), "eth0"});
  scheduler_.advance(seconds(60));
  EXPECT_EQ(carrier(), "eth1") << "nobody has said anything new";
  say("eth0", HealthState::up);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RouteBeliefTest, AWordFromTheFutureIsNotBelievedAndSilencesNobody) {
  start_with_both_up();
  auto fields = as_fields(redis_.execute({"HGETALL", keys_.health("eth0")})).value();
  fields["4.state"] = "down";
  fields["written_ns"] = cat((scheduler_.now().mono + std::chrono::hours(1)).time_since_epoch().count());
  redis_.execute(hash_write(keys_.health("eth0"), fields));
  scheduler_.advance(seconds(120));
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_EQ(log_.count("written_ns is from the future"), 1U);
  say("eth0", HealthState::down);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(RouteBeliefTest, ARecordOfAnotherBootIsNotBelieved) {
  boot_ = "00000000";
  say("eth0", HealthState::up);
  start();
  scheduler_.advance(seconds(5));
  EXPECT_EQ(owned_default(kernel_.read().value(), Family::v4, {}), nullptr);
  boot_ = "0123abcd";
  say("eth0", HealthState::up);
  scheduler_.settle();
  EXPECT_THAT(active(), ElementsAre("eth0"));
}

TEST_F(RouteBeliefTest, ARecordOfAnotherDeviceIsNotBelieved) {
  config_.uplinks[1].name = "backup";
  say("backup", HealthState::up, "", "eth1");
  start();
  scheduler_.advance(seconds(1));
  ASSERT_EQ(carrier(), "eth1");
  kernel_.add_link("eth2");
  kernel_.add_address("eth2", "100.64.3.2/24");
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "100.64.3.1", "eth2", 300)));
  config_.uplinks = {fakes::uplink("eth2", 1), fakes::uplink("eth1", 2)};
  config_.uplinks[0].name = "backup";
  reload();
  scheduler_.advance(seconds(5));
  EXPECT_EQ(carrier(), "eth1") << "of eth2 nobody has said anything";
}

}  // namespace route_belief_test
}  // namespace multilink
