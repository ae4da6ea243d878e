// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/routing_samples.hpp"

#include <algorithm>
#include <stdexcept>

#include "multilink/core/route_operation.hpp"

namespace multilink::fakes {
namespace {

constexpr std::uint8_t kProtocolStatic = 4;

void must(const Result<void>& result) {
  if (!result) throw std::logic_error(result.error().message);
}

}  // namespace

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}

Route default_via(const FakeKernel& kernel, std::string_view gateway, std::string_view device,
                  std::uint32_t metric) {
  Route route;
  route.table = kMainTable;
  route.destination = IpPrefix::default_of(address(gateway).family());
  route.metric = metric;
  route.protocol = kProtocolStatic;
  route.next_hops = {{kernel.link(device).index, address(gateway), 1}};
  return route;
}

UplinkConfig uplink(std::string_view device, unsigned precedence, unsigned weight) {
  UplinkConfig out;
  out.device = out.name = device;
  out.precedence = precedence;
  out.weight = weight;
  return out;
}

void add_two_uplinks_and_lan(FakeKernel& kernel) {
  kernel.add_link("lan");
  kernel.add_address("lan", "10.0.0.1/24");
  kernel.add_link("eth0");
  kernel.add_address("eth0", "192.0.2.2/24");
  must(kernel.add_route(default_via(kernel, "192.0.2.1", "eth0", 100)));
  kernel.add_link("eth1");
  kernel.add_address("eth1", "198.51.100.2/24");
  must(kernel.add_route(default_via(kernel, "198.51.100.1", "eth1", 200)));
}

void add_ipv6(FakeKernel& kernel) {
  kernel.add_address("lan", "2001:db8:0:10::1/64");
  kernel.add_address("eth0", "2001:db8:0:1::2/64");
  kernel.add_address("eth0", "fe80::2/64");
  kernel.advertise_router("eth0", kRouter, 1800);
  kernel.add_address("eth1", "2001:db8:0:2::2/64");
  kernel.add_address("eth1", "fe80::2/64");
  kernel.advertise_router("eth1", kRouter, 1800);
}

Config two_uplinks() {
  Config config;
  config.uplinks = {uplink("eth0", 1), uplink("eth1", 2)};
  return config;
}

std::vector<std::string> owned_lines(FakeKernel& kernel) {
  const RoutingNumbers numbers;
  const KernelState state = kernel.read().value();
  std::vector<std::string> out;
  for (const auto& route : state.routes) {
    if (route.protocol == numbers.protocol) out.push_back(to_string(PrependRoute{route}, state));
  }
  for (const auto& rule : state.rules) {
    if (rule.protocol == numbers.protocol) out.push_back(to_string(AddRule{rule}, state));
  }
  std::sort(out.begin(), out.end());
  return out;
}

KernelState foreign_state(FakeKernel& kernel) {
  const RoutingNumbers numbers;
  KernelState state = kernel.read().value();
  std::erase_if(state.routes, [&](const Route& route) { return route.protocol == numbers.protocol; });
  std::erase_if(state.rules, [&](const Rule& rule) { return rule.protocol == numbers.protocol; });
  return state;
}

}  // namespace multilink::fakes
