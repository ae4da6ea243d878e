// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fakes/fake_kernel.hpp"
#include "multilink/core/config.hpp"
#include "multilink/core/route_decision.hpp"

namespace multilink::fakes {

/// What tests of routing are written with.

IpAddress address(std::string_view text);
IpPrefix prefix(std::string_view text);

/// A foreign (protocol static) default in `main`, IPv4 or IPv6 as the gateway is.
Route default_via(const FakeKernel& kernel, std::string_view gateway, std::string_view device,
                  std::uint32_t metric = 0);

/// An uplink of its own tier, as the configuration would give it.
UplinkConfig uplink(std::string_view device, unsigned precedence, unsigned weight = 1);

/// Two uplinks and a LAN, with a foreign default each (metrics 100 and 200) as a DHCP client sets them:
/// eth0 192.0.2.2/24 via 192.0.2.1, eth1 198.51.100.2/24 via 198.51.100.1, lan 10.0.0.1/24.
void add_two_uplinks_and_lan(FakeKernel& kernel);
/// IPv6 for these: eth0 2001:db8:0:1::2/64, eth1 2001:db8:0:2::2/64, lan 2001:db8:0:10::1/64; the same router
/// fe80::1 is advertised on both uplinks.
void add_ipv6(FakeKernel& kernel);
inline constexpr std::string_view kRouter = "fe80::1";
Config two_uplinks();

/// The kernel's state as plain lines, owned things only: what iproute2 would show, sorted.
std::vector<std::string> owned_lines(FakeKernel& kernel);
/// The foreign routes and rules, in the kernel's order.
KernelState foreign_state(FakeKernel& kernel);

}  // namespace multilink::fakes
