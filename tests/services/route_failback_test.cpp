// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_actions.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_failback_test {

using namespace std::chrono_literals;

/// `failback = manual`; eth0 has failed and is well again.
class ManualFailback : public RouteServiceTest {
 protected:
  ManualFailback() {
    for (auto& uplink : config_.uplinks) uplink.failback = Failback::manual;
    start_with_both_up();
    say("eth0", HealthState::down);
    scheduler_.settle();
    EXPECT_EQ(carrier(), "eth1");
    say("eth0", HealthState::up);
    scheduler_.advance(10min);
  }

  HealthRecords healthy() {
    HealthRecords out;
    for (const auto& uplink : config_.uplinks) {
      out[uplink.name].device = uplink.device;
      out[uplink.name].boot = boot_;
      out[uplink.name].families[Family::v4].state = HealthState::up;
    }
    return out;
  }
};

TEST_F(ManualFailback, TheTrafficStaysWhereItIs) {
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(ManualFailback, AReloadBringsItBack) {
  reload();
  EXPECT_EQ(carrier(), "eth0");
  scheduler_.advance(10min);
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(ManualFailback, AFailureBringsItBack) {
  say("eth1", HealthState::suspect);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
  say("eth1", HealthState::up);
  scheduler_.advance(10min);
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(ManualFailback, ARestartDoesNot) {
  kill();
  start();
  scheduler_.advance(10min);
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(ManualFailback, NorAPlanThatIsPrinted) {
  const auto lines = preview_routes(kernel_, filter_, config_, {}, healthy(), "0123abcd", {});
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, testing::ElementsAre("nothing to change"));
}

TEST_F(RouteServiceTest, AtBootTheBestUplinkGetsTheTrafficWhicheverComesFirst) {
  for (auto& uplink : config_.uplinks) uplink.failback = Failback::manual;
  say("eth1", HealthState::up);
  start();
  EXPECT_EQ(carrier(), "eth1");
  say("eth0", HealthState::up);
  scheduler_.advance(2s);
  EXPECT_EQ(carrier(), "eth0");
}

}  // namespace route_failback_test
}  // namespace multilink
