// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_facts.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"

namespace multilink {
namespace uplink_facts_test {

using fakes::address;
using fakes::default_via;
using testing::Optional;

/// eth0 has 192.0.2.2/24 by DHCP, and no default of anybody's.
class LeasedGateway : public testing::Test {
 protected:
  LeasedGateway() {
    index_ = kernel_.add_link("eth0");
    kernel_.add_address("eth0", "192.0.2.2/24");
  }

  UplinkFacts::PerFamily look() {
    return observe_uplink(uplink_, kernel_.read().value(), {}, leases_).families.at(Family::v4);
  }
  void lease(std::string_view leased, std::string_view gateway, std::string device = "eth0") {
    leases_.push_back({std::move(device), 0, address(leased), address(gateway), std::nullopt});
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  unsigned index_ = 0;
  UplinkConfig uplink_ = fakes::uplink("eth0", 1);
  std::vector<DhcpLease> leases_;
};

TEST_F(LeasedGateway, IsUsedWhereNothingElseTellsOne) {
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
  lease("192.0.2.2", "192.0.2.1");
  EXPECT_EQ(look().fact, LinkFact::ok);
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.1")));
  EXPECT_FALSE(look().onlink);
  EXPECT_THAT(look().metrics, testing::IsEmpty()) << "a lease is no route";
}

TEST_F(LeasedGateway, YieldsToTheKernelAndToTheConfiguration) {
  lease("192.0.2.2", "192.0.2.1");
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "192.0.2.8", "eth0", 100)));
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.8")));
  uplink_.gateways[Family::v4] = address("192.0.2.9");
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.9")));
}

TEST_F(LeasedGateway, OfANewLeaseGoesBeforeOurOwnRoute) {
  Route ours = default_via(kernel_, "192.0.2.1", "eth0");
  ours.protocol = RoutingNumbers{}.protocol;
  ours.table = 7001;
  ASSERT_TRUE(kernel_.add_route(ours));
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.1"))) << "as learned before";
  lease("192.0.2.2", "192.0.2.254");
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.254")));
}

TEST_F(LeasedGateway, TheLastLeaseWhoseAddressTheDeviceBearsCounts) {
  lease("192.0.2.2", "192.0.2.1");
  lease("192.0.2.2", "192.0.2.4");
  lease("192.0.2.77", "192.0.2.5");
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.4")));
}

TEST_F(LeasedGateway, WithoutSuchALeaseTheLastOneThatIsReached) {
  lease("192.0.2.77", "192.0.2.5");
  lease("192.0.2.78", "192.0.2.6");
  lease("10.0.0.7", "10.0.0.1");
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.6")));
}

TEST_F(LeasedGateway, OfAnotherNetworkOrAnotherDeviceTellsNothing) {
  lease("10.0.0.7", "10.0.0.1");
  lease("192.0.2.2", "192.0.2.1", "eth1");
  leases_.push_back({"", index_ + 1, address("192.0.2.2"), address("192.0.2.1"), std::nullopt});
  leases_.push_back({"eth0", 0, address("192.0.2.2"), std::nullopt, std::nullopt});
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
}

TEST_F(LeasedGateway, ByTheIndexWhereTheClientGoesByThat) {
  leases_.push_back({"", index_, address("192.0.2.2"), address("192.0.2.1"), std::nullopt});
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.1")));
}

TEST_F(LeasedGateway, IsOnTheLinkWhereTheLeaseIsAHostAddress) {
  kernel_.remove_address("eth0", "192.0.2.2/24");
  kernel_.add_address("eth0", "192.0.2.2/32");
  lease("192.0.2.2", "198.51.100.1");
  EXPECT_THAT(look().gateway, Optional(address("198.51.100.1")));
  EXPECT_TRUE(look().onlink);
}

TEST_F(LeasedGateway, GoesWithTheAddress) {
  lease("192.0.2.2", "192.0.2.1");
  kernel_.remove_address("eth0", "192.0.2.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_address);
  kernel_.add_address("eth0", "203.0.113.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
}

TEST_F(LeasedGateway, TheServerIsThatOfTheLastLeaseWhoseAddressTheDeviceBears) {
  EXPECT_EQ(look().lease_server, std::nullopt);
  lease("192.0.2.2", "192.0.2.1");
  leases_.back().server = address("10.1.1.1");
  lease("192.0.2.2", "192.0.2.1");
  leases_.back().server = address("10.2.2.2");
  lease("192.0.2.77", "192.0.2.1");
  leases_.back().server = address("10.3.3.3");
  lease("192.0.2.2", "192.0.2.1", "eth1");
  leases_.back().server = address("10.4.4.4");
  EXPECT_THAT(look().lease_server, Optional(address("10.2.2.2")));
  kernel_.remove_address("eth0", "192.0.2.2/24");
  EXPECT_EQ(look().lease_server, std::nullopt);
}

TEST(UplinkLink, IsTheOneWithTheMacWhateverItsName) {
  KernelState state;
  for (const auto* name : {"eth0", "br0", "eth9"}) {
    Link link;
    link.index = static_cast<unsigned>(state.links.size()) + 1;
    link.name = name;
    link.mac = link.index < 3 ? "02:00:00:00:00:01" : "02:00:00:00:00:09";
    state.links.push_back(link);
  }
  auto uplink = fakes::uplink("eth0", 1);
  const auto found = [&] {
    const Link* link = find_uplink_link(uplink, state);
    return link == nullptr ? "" : link->name;
  };
  EXPECT_EQ(found(), "eth0");
  uplink.mac = "02:00:00:00:00:09";
  EXPECT_EQ(found(), "eth9");
  uplink.mac = "02:00:00:00:00:01";
  EXPECT_EQ(found(), "eth0");
  uplink.device = "br0";
  EXPECT_EQ(found(), "br0") << "a bridge has the address of its port";
  uplink.device = "dsl0";
  EXPECT_EQ(found(), "eth0");
  uplink.mac = "02:00:00:00:00:77";
  EXPECT_EQ(found(), "") << "somebody else's device under that name is not it";
}

}  // namespace uplink_facts_test
}  // namespace multilink
