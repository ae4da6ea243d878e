// SPDX-License-Identifier: GPL-2.0-or-later
// pingd where the gateway of an uplink is known from a DHCP lease alone, or not at all.
#include <gmock/gmock.h>

#include "services/ping_service_fixture.hpp"

namespace multilink {
namespace ping_leases_test {

using std::chrono::seconds;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class PingLeases : public PingServiceTest {
 protected:
  PingLeases() {
    const unsigned index = kernel_.add_link("eth2");
    kernel_.add_address("eth2", "203.0.113.130/26");
    config_.uplinks.push_back(uplink("eth2"));
    config_.uplinks.back().precedence = 3;
    lease_ = {"", index, *IpAddress::parse("203.0.113.130"), IpAddress::parse("203.0.113.129"), std::nullopt};
  }
  LinkFact fact() { return stored_link("eth2").families.at(Family::v4).fact; }
  std::size_t complaints() {
    return log_.count("uplink eth2: no IPv4 gateway is known on eth2", LogLevel::error);
  }

  DhcpLease lease_;
};

TEST_F(PingLeases, ALeaseMakesTheUplinkWhole) {
  leases_.set({lease_});
  start();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(fact(), LinkFact::ok);
  EXPECT_EQ(stored_link("eth2").families.at(Family::v4).gateway, lease_.gateway);
  EXPECT_THAT(sent_through("eth2"), Not(IsEmpty()));
  EXPECT_EQ(complaints(), 0U);
}

TEST_F(PingLeases, WhenItComesProbingBegins) {
  start();
  scheduler_.advance(PingService::kGatewayPatience - seconds(1));
  EXPECT_EQ(fact(), LinkFact::no_gateway);
  EXPECT_THAT(sent_through("eth2"), IsEmpty());
  leases_.set({lease_});
  scheduler_.advance(seconds(10));
  EXPECT_EQ(fact(), LinkFact::ok);
  EXPECT_THAT(sent_through("eth2"), Not(IsEmpty()));
  EXPECT_EQ(complaints(), 0U) << "a client that takes its time is no news";
}

TEST_F(PingLeases, AnExpiredLeaseTellsNothing) {
  lease_.expires = scheduler_.now().wall;
  leases_.set({lease_});
  start();
  EXPECT_EQ(fact(), LinkFact::no_gateway);
}

TEST_F(PingLeases, AGatewayThatNobodyKnowsIsAnErrorOnceWithTheRemedy) {
  start();
  scheduler_.advance(std::chrono::minutes(10));
  EXPECT_EQ(complaints(), 1U);
  EXPECT_EQ(log_.count("write gateway = ADDRESS under [eth2]", LogLevel::error), 1U);
  leases_.set({lease_});
  scheduler_.advance(seconds(10));
  leases_.set({});
  kernel_.remove_address("eth2", "203.0.113.130/26");
  scheduler_.settle();
  kernel_.add_address("eth2", "203.0.113.130/26");
  scheduler_.advance(std::chrono::minutes(10));
  EXPECT_EQ(complaints(), 2U) << "and once more when it is lost again";
}

TEST_F(PingLeases, AGatewayOutlivesWhatToldItButNotTheAddress) {
  leases_.set({lease_});
  start();
  scheduler_.advance(seconds(2));
  leases_.set({});
  scheduler_.advance(seconds(10));
  EXPECT_EQ(fact(), LinkFact::ok);
  kernel_.remove_address("eth2", "203.0.113.130/26");
  scheduler_.advance(std::chrono::milliseconds(10));
  kernel_.add_address("eth2", "203.0.113.130/26");
  scheduler_.advance(std::chrono::milliseconds(10));
  EXPECT_EQ(fact(), LinkFact::no_gateway);
}

TEST_F(PingLeases, AnUplinkThatIsNoLongerConfiguredIsNotComplainedOf) {
  start();
  config_.uplinks.pop_back();
  reload();
  scheduler_.advance(std::chrono::minutes(1));
  EXPECT_EQ(complaints(), 0U);
}

}  // namespace ping_leases_test
}  // namespace multilink
