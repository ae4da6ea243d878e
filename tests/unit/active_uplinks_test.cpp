// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/active_uplinks.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/route_decision.hpp"

namespace multilink {
namespace active_uplinks_test {

class ActiveUplinks : public testing::Test {
 protected:
  ActiveUplinks() { fakes::add_two_uplinks_and_lan(kernel_); }

  Route ours(std::string_view gateway, std::string_view device, std::uint32_t metric) {
    Route route = fakes::default_via(kernel_, gateway, device, metric);
    route.protocol = RoutingNumbers{}.protocol;
    return route;
  }
  std::string names() {
    const auto state = kernel_.read().value();
    return names_of(active_uplinks(Family::v4, config_, state, observe_uplinks(config_, state, {}, {}), {}));
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  Config config_ = fakes::two_uplinks();
};

TEST_F(ActiveUplinks, NoOwnedDefaultIsNone) {
  EXPECT_EQ(names(), "none");
}

TEST_F(ActiveUplinks, TheOwnedDefaultInForce) {
  config_.uplinks[1].name = "lte";
  ASSERT_TRUE(kernel_.add_route(ours("198.51.100.1", "eth1", 1)));
  EXPECT_EQ(names(), "lte");
}

TEST_F(ActiveUplinks, BehindAnotherDefaultItIsNotInForceUnlessThatLeadsTheSameWay) {
  ASSERT_TRUE(kernel_.add_route(ours("198.51.100.1", "eth1", 1)));
  ASSERT_TRUE(kernel_.add_route(fakes::default_via(kernel_, "198.51.100.1", "eth1")));
  EXPECT_EQ(names(), "eth1");
  ASSERT_TRUE(kernel_.add_route(fakes::default_via(kernel_, "192.0.2.1", "eth0"), fakes::AddMode::prepend));
  EXPECT_EQ(names(), "none");
}

TEST_F(ActiveUplinks, SeveralAreInTheOrderOfTheConfigurationAndAStrangerGoesByItsDevice) {
  kernel_.add_link("eth7");
  kernel_.add_address("eth7", "10.7.0.2/24");
  Route route = ours("192.0.2.1", "eth0", 1);
  for (const auto& [device, gateway] : {std::pair("eth1", "198.51.100.1"), std::pair("eth7", "10.7.0.1")})
    route.next_hops.push_back({kernel_.link(device).index, fakes::address(gateway), 2});
  ASSERT_TRUE(kernel_.add_route(route));
  std::swap(config_.uplinks[0], config_.uplinks[1]);
  EXPECT_EQ(names(), "eth1, eth0, eth7");
}

}  // namespace active_uplinks_test
}  // namespace multilink
