// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/stuck_routes.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace stuck_routes_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StuckRoutes : public testing::Test {
 protected:
  StuckRoutes() { fakes::add_two_uplinks_and_lan(kernel_); }

  void add(std::string_view destination, std::string_view device, std::string_view gateway = "",
           std::uint32_t metric = 0) {
    Route route;
    route.table = kMainTable;
    route.destination = fakes::prefix(destination);
    route.protocol = 4;
    route.metric = metric;
    NextHop hop;
    hop.link_index = kernel_.link(device).index;
    if (!gateway.empty()) hop.gateway = fakes::address(gateway);
    hop.onlink = true;
    route.link_scope = gateway.empty();
    route.next_hops = {hop};
    ASSERT_TRUE(kernel_.add_route(route));
  }
  std::vector<std::string> found() {
    const auto state = kernel_.read().value();
    return stuck_routes(config_, state, observe_uplinks(config_, state, {}, {}), {});
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  Config config_ = fakes::two_uplinks();
};

TEST_F(StuckRoutes, AnOrdinaryHostHasNone) {
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(StuckRoutes, AStaticRouteAndTheFarEndOfAVpn) {
  add("203.0.113.0/24", "eth0", "192.0.2.1");
  add("203.0.113.50/32", "eth1", "198.51.100.1", 7);
  EXPECT_THAT(
      found(),
      ElementsAre(
          HasSubstr("203.0.113.0/24 does not fail over: a route in main keeps it on eth0"),
          "what goes to 203.0.113.50/32 does not fail over: a route in main keeps it on eth1; if it may "
          "go by any uplink: ip route del 203.0.113.50/32 via 198.51.100.1 dev eth1 onlink proto 4 "
          "metric 7"));
}

TEST_F(StuckRoutes, NotWhatIsOnTheLinkOrPrivate) {
  add("192.0.2.1/32", "eth0");
  add("192.0.2.64/26", "eth0", "192.0.2.1");
  add("203.0.113.0/24", "eth0");
  for (const auto* network :
       {"10.9.0.0/16", "172.17.0.0/16", "192.168.1.0/24", "100.64.0.0/10", "169.254.0.0/16"}) {
    add(network, "eth0", "192.0.2.1");
  }
  EXPECT_THAT(found(), IsEmpty());
  add("172.0.0.0/8", "eth0", "192.0.2.1");
  EXPECT_THAT(found(), SizeIs(1)) << "more than what is private";
}

TEST_F(StuckRoutes, NotByTheLanNorByBothUplinks) {
  add("203.0.113.0/24", "lan", "10.0.0.9");
  Route both;
  both.table = kMainTable;
  both.destination = fakes::prefix("198.18.0.0/15");
  both.next_hops = {{kernel_.link("eth0").index, fakes::address("192.0.2.1")},
                    {kernel_.link("eth1").index, fakes::address("198.51.100.1")}};
  ASSERT_TRUE(kernel_.add_route(both));
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(StuckRoutes, ByAPointToPointLinkAlsoWithoutAGateway) {
  kernel_.add_link("ppp0", true);
  kernel_.add_address("ppp0", "192.0.2.130/32", "192.0.2.129");
  config_.uplinks.push_back(fakes::uplink("ppp0", 3));
  EXPECT_THAT(found(), IsEmpty()) << "the peer itself";
  add("203.0.113.0/24", "ppp0");
  EXPECT_THAT(found(), ElementsAre(HasSubstr("on ppp0")));
}

TEST_F(StuckRoutes, WithASingleUplinkThereIsNoFailover) {
  add("203.0.113.0/24", "eth0", "192.0.2.1");
  config_.uplinks.pop_back();
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(StuckRoutes, OursAreNot) {
  Route ours;
  ours.table = kMainTable;
  ours.destination = fakes::prefix("203.0.113.0/24");
  ours.protocol = RoutingNumbers{}.protocol;
  ours.next_hops = {{kernel_.link("eth0").index, fakes::address("192.0.2.1")}};
  ASSERT_TRUE(kernel_.add_route(ours));
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(StuckRoutes, OfManyTheRestIsCounted) {
  for (int i = 1; i <= 20; ++i) add(cat("203.0.113.", i, "/32"), "eth0", "192.0.2.1");
  const auto lines = found();
  ASSERT_THAT(lines, SizeIs(kMostStuckRoutes + 1));
  EXPECT_EQ(lines.back(), "12 more routes in main keep what they lead to on one uplink");
}

}  // namespace stuck_routes_test
}  // namespace multilink
