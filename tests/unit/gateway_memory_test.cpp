// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/gateway_memory.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"

namespace multilink {
namespace gateway_memory_test {

using fakes::address;
using fakes::default_via;
using testing::Optional;

/// eth0 has 192.0.2.2/24 and somebody's default by 192.0.2.1.
class GatewayMemoryTest : public testing::Test {
 protected:
  GatewayMemoryTest() {
    kernel_.add_link("eth0");
    kernel_.add_address("eth0", "192.0.2.2/24");
    EXPECT_TRUE(kernel_.add_route(theirs()));
    look();
  }

  Route theirs(std::string_view gateway = "192.0.2.1") { return default_via(kernel_, gateway, "eth0", 100); }
  UplinkFacts::PerFamily look() {
    const auto state = kernel_.read().value();
    auto facts = observe_uplink(uplink_, state, {}, {});
    memory_.apply("eth0", state, facts);
    return facts.families.at(Family::v4);
  }
  void delete_theirs() { ASSERT_TRUE(kernel_.delete_route(theirs())); }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  UplinkConfig uplink_ = fakes::uplink("eth0", 1);
  GatewayMemory memory_;
};

TEST_F(GatewayMemoryTest, OutlivesAllRoutes) {
  delete_theirs();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(look().gateway, Optional(address("192.0.2.1")));
    EXPECT_EQ(look().fact, LinkFact::ok);
  }
}

TEST_F(GatewayMemoryTest, YieldsToWhatIsTold) {
  delete_theirs();
  look();
  ASSERT_TRUE(kernel_.add_route(theirs("192.0.2.9")));
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.9")));
  ASSERT_TRUE(kernel_.delete_route(theirs("192.0.2.9")));
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.9")));
}

TEST_F(GatewayMemoryTest, DoesNotHideWhatIsWrongWithTheLink) {
  delete_theirs();
  kernel_.set_carrier("eth0", false);
  EXPECT_EQ(look().fact, LinkFact::no_carrier);
  EXPECT_THAT(look().gateway, Optional(address("192.0.2.1")));
}

TEST_F(GatewayMemoryTest, GoesWithTheNetwork) {
  kernel_.add_address("eth0", "198.51.100.2/24");
  kernel_.remove_address("eth0", "192.0.2.2/24");
  delete_theirs();
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
  kernel_.add_address("eth0", "192.0.2.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_gateway) << "what has been forgotten stays forgotten";
}

TEST_F(GatewayMemoryTest, GoesWithTheLastAddress) {
  kernel_.remove_address("eth0", "192.0.2.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_address);
  kernel_.add_address("eth0", "192.0.2.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
}

TEST_F(GatewayMemoryTest, IsNotForcedOnALinkThatNeedsNone) {
  kernel_.add_link("ppp0", true);
  kernel_.add_address("ppp0", "203.0.113.2/32", "203.0.113.1");
  uplink_ = fakes::uplink("ppp0", 1);
  const Route by_peer = default_via(kernel_, "203.0.113.1", "ppp0", 50);
  ASSERT_TRUE(kernel_.add_route(by_peer));
  EXPECT_TRUE(look().gateway);
  ASSERT_TRUE(kernel_.delete_route(by_peer));
  EXPECT_FALSE(look().gateway);
  EXPECT_EQ(look().fact, LinkFact::ok);
}

TEST_F(GatewayMemoryTest, GoesWithTheDevice) {
  kernel_.remove_link("eth0");
  kernel_.add_link("eth0");
  kernel_.add_address("eth0", "192.0.2.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
}

TEST_F(GatewayMemoryTest, OfAnOnlinkGatewayGoesWithAnyChangeOfAddress) {
  Route onlink = theirs("10.0.0.1");
  onlink.metric = 50;
  onlink.next_hops.front().onlink = true;
  ASSERT_TRUE(kernel_.add_route(onlink));
  ASSERT_TRUE(look().onlink);
  ASSERT_TRUE(kernel_.delete_route(onlink));
  delete_theirs();
  EXPECT_THAT(look().gateway, Optional(address("10.0.0.1")));
  EXPECT_TRUE(look().onlink);
  kernel_.add_address("eth0", "198.51.100.2/24");
  EXPECT_EQ(look().fact, LinkFact::no_gateway);
}

}  // namespace gateway_memory_test
}  // namespace multilink
