// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/kernel_fixture.hpp"

#include <algorithm>

namespace multilink {

KernelFixture::KernelFixture() {
  world_->add_link("e0");
  world_->add_link("e1");
  world_->add_address("e0", "192.0.2.2/24");
  world_->add_address("e1", "198.51.100.2/24");
  e0_ = index_of("e0");
  e1_ = index_of("e1");
}

Route KernelFixture::via(unsigned link, std::string_view gateway, std::uint32_t metric,
                         std::uint8_t protocol) {
  Route route;
  route.table = kMainTable;
  route.destination = IpPrefix::default_of(address(gateway).family());
  route.metric = metric;
  route.protocol = protocol;
  route.next_hops = {{link, address(gateway), 1}};
  return route;
}

Route KernelFixture::unreachable(std::uint32_t table) {
  Route route;
  route.table = table;
  route.destination = IpPrefix::default_of(Family::v4);
  route.metric = 4'000'000'000;
  route.protocol = kOurs;
  route.type = RouteType::unreachable;
  return route;
}

Route KernelFixture::over_both(std::uint32_t metric, unsigned weight0, unsigned weight1) const {
  Route route = via(e0_, kGateway0, metric);
  route.next_hops = {{e0_, address(kGateway0), weight0}, {e1_, address(kGateway1), weight1}};
  std::sort(route.next_hops.begin(), route.next_hops.end());
  return route;
}

void KernelFixture::apply(const RouteOperation& operation) {
  const auto done = world_->kernel().apply(operation);
  EXPECT_TRUE(done) << done.error().message;
}

KernelState KernelFixture::read() {
  auto state = world_->kernel().read();
  EXPECT_TRUE(state) << state.error().message;
  return state.value_or(KernelState{});
}

std::vector<Route> KernelFixture::routes_of(std::uint32_t table) {
  auto routes = read().routes;
  std::erase_if(routes, [&](const Route& route) { return route.table != table; });
  return routes;
}

std::vector<Route> KernelFixture::defaults(Family family) {
  auto routes = routes_of(kMainTable);
  std::erase_if(routes,
                [&](const Route& route) { return route.destination != IpPrefix::default_of(family); });
  return routes;
}

std::vector<Route> KernelFixture::connected_routes(std::string_view prefix) {
  auto routes = routes_of(kMainTable);
  std::erase_if(routes, [&](const Route& route) { return route.destination != IpPrefix::parse(prefix); });
  return routes;
}

unsigned KernelFixture::index_of(std::string_view link) {
  const auto state = read();
  const Link* found = state.link_named(link);
  EXPECT_NE(found, nullptr) << link;
  return found == nullptr ? 0 : found->index;
}

std::string KernelFixture::carrier_of(std::string_view destination) {
  const auto carrier = world_->carrier_of({.destination = address(destination)});
  return carrier ? *carrier : carrier.error().message;
}

}  // namespace multilink
