// SPDX-License-Identifier: GPL-2.0-or-later
// routed where the gateway of an uplink is known from a DHCP lease alone.
#include "multilink/core/connection.hpp"
#include "multilink/core/route_lookup.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_leases_test {

using fakes::address;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// The DHCP client of eth1 could not add its default: `File exists`.
class RouteLeases : public RouteServiceTest {
 protected:
  RouteLeases() {
    EXPECT_TRUE(kernel_.delete_route(fakes::default_via(kernel_, "198.51.100.1", "eth1", 200)));
    say("eth0", HealthState::up);
    say("eth1", HealthState::up);
  }

  void lease(std::string_view gateway, std::optional<Duration> for_span = std::nullopt) {
    DhcpLease out{"eth1", 0, address("198.51.100.2"), address(gateway), std::nullopt};
    if (for_span)
      out.expires = scheduler_.now().wall + std::chrono::round<std::chrono::milliseconds>(*for_span);
    leases_.set({out});
    scheduler_.settle();
  }
  testing::AssertionResult fails_over_by(std::string_view gateway) {
    kernel_.set_carrier("eth0", false);
    scheduler_.settle();
    const auto hop = kernel_.lookup({.destination = address(kInternet)});
    const bool good =
        hop && hop->link_index == kernel_.link("eth1").index && hop->gateway == address(gateway);
    kernel_.set_carrier("eth0", true);
    scheduler_.settle();
    return good ? testing::AssertionSuccess() : testing::AssertionFailure() << carrier();
  }
};

TEST_F(RouteLeases, WithoutALeaseTheUplinkHasNoDefault) {
  start();
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("default via 198.51.100.1"))));
  EXPECT_FALSE(fails_over_by("198.51.100.1"));
}

TEST_F(RouteLeases, ALeaseTellsTheGatewayWhenItComes) {
  start();
  lease("198.51.100.1");
  EXPECT_THAT(owned(), Contains("ip route prepend default via 198.51.100.1 dev eth1 table 7002 proto 109"));
  EXPECT_TRUE(fails_over_by("198.51.100.1"));
}

TEST_F(RouteLeases, ALeaseWithAnotherGatewayMovesTheUplink) {
  lease("198.51.100.1");
  start();
  lease("198.51.100.254");
  EXPECT_THAT(owned(), Contains("ip route prepend default via 198.51.100.254 dev eth1 table 7002 proto 109"));
  EXPECT_TRUE(fails_over_by("198.51.100.254"));
}

TEST_F(RouteLeases, WhatWasLearnedFromALeaseSurvivesItsEndARestartAndAStepOfTheClock) {
  lease("198.51.100.1", seconds(60));
  start();
  scheduler_.step_wall(std::chrono::hours(24));
  scheduler_.advance(seconds(120));
  kernel_.set_carrier("eth0", false);
  kernel_.set_carrier("eth0", true);
  scheduler_.settle();
  kill();
  start();
  scheduler_.advance(seconds(20));
  EXPECT_TRUE(fails_over_by("198.51.100.1"));
}

TEST_F(RouteLeases, AnExpiredLeaseTellsNothingNew) {
  lease("198.51.100.1", -seconds(1));
  start();
  EXPECT_FALSE(fails_over_by("198.51.100.1"));
}

TEST_F(RouteLeases, RenewalsToAServerBeyondTheLinkLeaveByTheUplinkOfTheLease) {
  Flow renewal{.destination = address("10.255.2.1"),
               .ip_protocol = ip_protocol::kUdp,
               .source_port = 68,
               .destination_port = 67};
  start();
  EXPECT_EQ(kernel_.carrier_of(renewal), "eth0") << "as anything else";
  DhcpLease lease{
      "eth1", 0, address("198.51.100.2"), address("198.51.100.1"), std::nullopt, address("10.255.2.1")};
  leases_.set({lease});
  scheduler_.settle();
  EXPECT_EQ(kernel_.carrier_of(renewal), "eth1");
  auto other = renewal;
  other.destination_port = 53;
  EXPECT_EQ(kernel_.carrier_of(other), "eth0") << "it may be a name server as well";
  other = renewal;
  other.from = address("192.0.2.2");
  EXPECT_EQ(kernel_.carrier_of(other), "eth0") << "what is bound says itself where it belongs";
  DhcpLease same = lease;
  same.device = "eth0";
  same.address = address("192.0.2.2");
  leases_.set({lease, same});
  scheduler_.settle();
  EXPECT_EQ(kernel_.carrier_of(renewal), "eth0") << "the best uplink's, where both have the same server";
  leases_.set({});
  scheduler_.settle();
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("10.255.2.1"))));
}

TEST_F(RouteServiceTest, ADeviceIsSetUpAnewByAProgramThatDeletesAllRoutesFirst) {
  start_with_both_up();
  const auto before = owned();
  const Route theirs = fakes::default_via(kernel_, "192.0.2.1", "eth0", 100);
  ASSERT_TRUE(kernel_.delete_route(theirs));
  delete_everything_owned();
  scheduler_.settle();
  EXPECT_EQ(owned(), before) << "also while nobody tells a gateway";
  ASSERT_TRUE(kernel_.add_route(theirs));
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_EQ(active(), std::vector<std::string>{"eth0"});
  EXPECT_EQ(routing().families.at(Family::v4).since, events().front().at) << "and no switch was seen";
}

}  // namespace route_leases_test
}  // namespace multilink
