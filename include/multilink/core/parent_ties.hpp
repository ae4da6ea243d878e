// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// Whether the kernel's rules tie all packets of this user to an uplink, in every family that the kernel has: before any
/// other rule (but that for the host's own addresses) they lead to a table of ours, and then nowhere. A parent of the proxy
/// must not run before that.
bool is_tied(std::uint32_t user, const KernelState& state, const RoutingNumbers& numbers);

/// The name servers that a resolv.conf(5) names, in its order; those with a zone ("fe80::1%eth0") are left out.
std::vector<IpAddress> parse_nameservers(std::string_view resolv_conf);

}  // namespace multilink
