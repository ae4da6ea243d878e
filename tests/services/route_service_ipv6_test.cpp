// SPDX-License-Identifier: GPL-2.0-or-later
// routed on a host with both families.
#include "multilink/core/gateway_grace.hpp"
#include "multilink/services/route_actions.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_service_ipv6_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kInternet6 = "2001:db8:ffff::9";

class RouteServiceIpv6Test : public RouteServiceTest {
 protected:
  RouteServiceIpv6Test() { fakes::add_ipv6(kernel_); }

  void say_both(const std::string& name, HealthState v4, HealthState v6) {
    HealthRecord record;
    record.device = name;
    record.boot = boot_;
    for (const auto& [family, state] : {std::pair(Family::v4, v4), std::pair(Family::v6, v6)}) {
      auto& said = record.families[family];
      said.state = state;
      said.since = scheduler_.now().wall;
      if (states_[{name, family}] != state) {
        events_[{name, family}] = EventRecord::make_id("0123abcd", MonoTime(Duration(++last_event_)));
      }
      states_[{name, family}] = state;
      said.event = events_[{name, family}];
    }
    redis_.execute(hash_write(keys_.health(name), record.encode()));
    redis_.execute({"PUBLISH", keys_.status_channel(), name});
    scheduler_.settle();
  }
  void start_with_all_up() {
    say_both("eth0", HealthState::up, HealthState::up);
    say_both("eth1", HealthState::up, HealthState::up);
    start();
    scheduler_.advance(seconds(2));
    ASSERT_EQ(carriers(), (std::pair<std::string, std::string>("eth0", "eth0")));
    kernel_.forget_applied();
  }
  std::string carrier6() { return kernel_.carrier_of({.destination = fakes::address(kInternet6)}); }
  std::pair<std::string, std::string> carriers() { return {carrier(), carrier6()}; }
  std::vector<std::string> active6() {
    std::vector<std::string> out;
    const auto record = routing();
    for (const auto& active : record.families.at(Family::v6).active) out.push_back(active.uplink);
    return out;
  }

  std::map<std::pair<std::string, Family>, HealthState> states_;
  std::map<std::pair<std::string, Family>, std::string> events_;
};

using Devices = std::pair<std::string, std::string>;

TEST_F(RouteServiceIpv6Test, AFamilyThatIsDownMovesAlone) {
  start_with_all_up();
  const auto before = events().size();
  say_both("eth0", HealthState::up, HealthState::down);
  EXPECT_EQ(carriers(), (Devices{"eth0", "eth1"}));
  EXPECT_THAT(active(), ElementsAre("eth0"));
  EXPECT_THAT(active6(), ElementsAre("eth1"));
  ASSERT_EQ(events().size(), before + 1);
  EXPECT_EQ(events().back().family, Family::v6);
  EXPECT_EQ(events().back().to, "eth1");
  say_both("eth0", HealthState::down, HealthState::up);
  EXPECT_EQ(carriers(), (Devices{"eth1", "eth0"}));
}

TEST_F(RouteServiceIpv6Test, AFamilyOfWhichNothingIsKnownKeepsItsRouters) {
  say("eth0", HealthState::up);  // a healthd that speaks of IPv4 only
  start();
  scheduler_.advance(seconds(2));
  EXPECT_EQ(owned_default(kernel_.read().value(), Family::v6, {}), nullptr);
  EXPECT_THAT(active6(), IsEmpty());
  EXPECT_THAT(routed_->supervisor.statuses.back(), Not(HasSubstr("IPv6")));
}

TEST_F(RouteServiceIpv6Test, ALostCarrierMovesBothAtOnce) {
  start_with_all_up();
  redis_.stop();
  kernel_.set_carrier("eth0", false);
  scheduler_.settle();
  EXPECT_EQ(carriers(), (Devices{"eth1", "eth1"}));
  EXPECT_THAT(routed_->supervisor.statuses.back(), HasSubstr("IPv4 through eth1; IPv6 through eth1"));
}

TEST_F(RouteServiceIpv6Test, ARouterThatIsWithdrawnMovesIpv6WhenItDoesNotComeBack) {
  start_with_all_up();
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  scheduler_.advance(GatewayGrace::kGrace - milliseconds(10));
  EXPECT_EQ(carriers(), (Devices{"eth0", "eth0"})) << "its routes may be back in a moment";
  scheduler_.advance(milliseconds(20));
  EXPECT_EQ(carriers(), (Devices{"eth0", "eth1"}));
  EXPECT_THAT(events().back().reason, HasSubstr("has no gateway"));
  kernel_.advertise_router("eth0", fakes::kRouter, 1800);
  scheduler_.advance(seconds(12));
  EXPECT_EQ(carriers(), (Devices{"eth0", "eth0"}));
}

TEST_F(RouteServiceIpv6Test, ARestartOfWhoeverHoldsTheRoutersRoutesMovesNothing) {
  start_with_all_up();
  const auto before = events().size();
  for (int i = 0; i < 3; ++i) {
    kernel_.advertise_router("eth0", fakes::kRouter, 0);
    scheduler_.advance(seconds(1));
    kernel_.advertise_router("eth0", fakes::kRouter, 1800);
    scheduler_.advance(seconds(2));
  }
  EXPECT_EQ(carriers(), (Devices{"eth0", "eth0"}));
  EXPECT_EQ(events().size(), before);
  EXPECT_THAT(kernel_.applied(), IsEmpty());
}

TEST_F(RouteServiceIpv6Test, WithoutAnyRouterTheLastDefaultStays) {
  start_with_all_up();
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  kernel_.advertise_router("eth1", fakes::kRouter, 0);
  scheduler_.advance(seconds(60));
  EXPECT_EQ(carrier6(), "eth0");
  kernel_.forget_applied();
  scheduler_.advance(seconds(60));
  EXPECT_THAT(kernel_.applied(), IsEmpty());
}

TEST_F(RouteServiceIpv6Test, EverythingDeletedIsPutBackInBothFamilies) {
  start_with_all_up();
  const auto before = owned();
  delete_everything_owned();
  scheduler_.settle();
  EXPECT_EQ(owned(), before);
  EXPECT_EQ(carriers(), (Devices{"eth0", "eth0"}));
}

TEST_F(RouteServiceIpv6Test, ARestartAdoptsWhatItFinds) {
  start_with_all_up();
  say_both("eth0", HealthState::up, HealthState::down);
  const auto before = owned();
  kill();
  kernel_.forget_applied();
  start();
  scheduler_.advance(seconds(5));
  EXPECT_THAT(kernel_.applied(), IsEmpty());
  EXPECT_EQ(owned(), before);
  EXPECT_THAT(active6(), ElementsAre("eth1"));
}

TEST_F(RouteServiceIpv6Test, ANewPrivacyAddressGetsItsRulesAtOnce) {
  start_with_all_up();
  kernel_.add_address("eth1", "2001:db8:0:2:abcd::1/64");
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("from 2001:db8:0:2:abcd::1 lookup 7002")));
  kernel_.deprecate_address("eth1", "2001:db8:0:2:abcd::1/64");
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("from 2001:db8:0:2:abcd::1 lookup 7002")));
  kernel_.remove_address("eth1", "2001:db8:0:2:abcd::1/64");
  scheduler_.settle();
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("2001:db8:0:2:abcd::1"))));
}

TEST_F(RouteServiceIpv6Test, ClearLeavesTheHostAsItWas) {
  const auto before = kernel_.read().value();
  start_with_all_up();
  say_both("eth0", HealthState::down, HealthState::down);
  kill();
  ASSERT_TRUE(clear_routes(kernel_, filter_, {}));
  EXPECT_EQ(kernel_.read().value(), before);
}

TEST_F(RouteServiceIpv6Test, APreviewSpeaksOfIpv6WhereThereIsSome) {
  kernel_.remove_address("eth1", "2001:db8:0:2::2/64");
  const auto lines = preview_routes(kernel_, filter_, config_, {}, {}, boot_, {});
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, Contains(HasSubstr("# the health of eth0 in IPv6 is unknown")));
  EXPECT_THAT(*lines, Not(Contains(HasSubstr("# the health of eth1 in IPv6 is unknown"))));
  EXPECT_THAT(*lines, Contains(HasSubstr("ip -6 rule add pref 1010 oif eth0 lookup 7001")));
  EXPECT_THAT(*lines, Not(Contains(HasSubstr("ip -6 rule add pref 1010 oif eth1"))));
}

}  // namespace route_service_ipv6_test
}  // namespace multilink
