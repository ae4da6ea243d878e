// SPDX-License-Identifier: GPL-2.0-or-later
// routed keeps to the administrator's orders, as healthd tells them.
#include <gmock/gmock.h>

#include "multilink/services/route_actions.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_orders_test {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class RouteOrders : public RouteServiceTest {
 protected:
  void order(const std::string& name, AdminMode mode, HealthState state) {
    auto record =
        HealthRecord::decode(as_fields(redis_.execute({"HGETALL", keys_.health(name)})).value()).value();
    record.admin = mode;
    record.enabled = mode != AdminMode::disabled;
    auto& said = record.families[Family::v4];
    said.state = state;
    if (mode == AdminMode::disabled) said.reason = "disabled by root with multilinkctl";
    redis_.execute(hash_write(keys_.health(name), record.encode()));
    redis_.execute({"PUBLISH", keys_.status_channel(), name});
    scheduler_.advance(10ms);
  }
  std::vector<EventRecord> moves() {
    auto all = events();
    std::erase_if(all, [](const EventRecord& event) { return event.kind != "route"; });
    return all;
  }
};

TEST_F(RouteOrders, ADisabledOneCarriesNothing) {
  start_with_both_up();
  order("eth0", AdminMode::disabled, HealthState::down);
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_THAT(moves().back().reason, HasSubstr("disabled by root with multilinkctl"));
  order("eth0", AdminMode::none, HealthState::up);
  scheduler_.advance(1s);
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RouteOrders, ADisabledOneNeverCarriesEvenIfItIsTheLast) {
  start_with_both_up();
  order("eth0", AdminMode::disabled, HealthState::down);
  say("eth1", HealthState::down);
  scheduler_.advance(1min);
  EXPECT_NE(carrier(), "eth0");
}

TEST_F(RouteOrders, ADrainedOneGetsNothingNewAndNothingIsCut) {
  start_with_both_up();
  order("eth0", AdminMode::drained, HealthState::up);
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_EQ(moves().back().reason, "eth0 is drained by its administrator");
  scheduler_.advance(10min);
  EXPECT_EQ(carrier_from("192.0.2.2"), "eth0");  // what is bound to its address stays
  const auto all = events();
  EXPECT_TRUE(std::none_of(all.begin(), all.end(), [](const auto& event) { return event.kind == "flows"; }));
  order("eth0", AdminMode::none, HealthState::up);
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_EQ(moves().back().reason, "eth0 is no longer drained");
}

TEST_F(RouteOrders, ADrainedOneCarriesWhereNoOtherIsUsable) {
  start_with_both_up();
  order("eth0", AdminMode::drained, HealthState::up);
  ASSERT_EQ(carrier(), "eth1");
  say("eth1", HealthState::suspect);
  scheduler_.advance(10ms);
  EXPECT_EQ(carrier(), "eth0");
  say("eth1", HealthState::up);
  scheduler_.advance(10ms);
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(RouteOrders, ARestartAndAReloadKeepThem) {
  start_with_both_up();
  order("eth0", AdminMode::disabled, HealthState::down);
  order("eth1", AdminMode::drained, HealthState::up);
  EXPECT_EQ(carrier(), "eth1");
  kill();
  start();
  scheduler_.advance(5s);
  EXPECT_EQ(carrier(), "eth1");
  reload();
  EXPECT_EQ(carrier(), "eth1");
  scheduler_.advance(5s);
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(RouteOrders, ThePlanKnowsThem) {
  start_with_both_up();
  HealthRecords health;
  for (const auto* name : {"eth0", "eth1"}) {
    health[name].device = name;
    health[name].boot = boot_;
    health[name].families[Family::v4].state = HealthState::up;
  }
  const auto plan = [&] { return preview_routes(kernel_, filter_, config_, {}, health, boot_, {}).value(); };
  EXPECT_THAT(plan(), ElementsAre(std::string(kNothingToChange)));
  health["eth0"].admin = AdminMode::drained;
  EXPECT_THAT(plan(), Contains(HasSubstr("eth1")));
  health["eth0"].admin = AdminMode::disabled;
  health["eth0"].families[Family::v4].state = HealthState::up;
  EXPECT_THAT(plan(), Contains(HasSubstr("eth1")));
}

}  // namespace route_orders_test
}  // namespace multilink
