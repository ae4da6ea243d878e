// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/ip_address.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// Whether the kernel's rules tie all packets of this user to the uplink with this device, in every family that the kernel
/// has: before any other rule (but that for the host's own addresses) they lead to its table, and then nowhere. A parent of
/// the proxy must not run before that. Where the device is not known, as with one that is not plugged in, any table of ours
/// will do: so far nothing leaves by it.
bool is_tied(std::uint32_t user, std::string_view device, const KernelState& state,
             const RoutingNumbers& numbers);

/// Whether this address is one of this host's own, or in a network of a device that is no uplink: where no parent gets to.
bool is_inside(const IpAddress& address, const Config& config, const KernelState& state);

/// The name servers that a resolv.conf(5) names, in its order; those with a zone ("fe80::1%eth0") are left out.
std::vector<IpAddress> parse_nameservers(std::string_view resolv_conf);

}  // namespace multilink
