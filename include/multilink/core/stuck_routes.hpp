// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// The routes of others in `main` that keep a part of the Internet on one uplink: what goes there is not saved by any
/// failover, for a specific route goes before every default. Administrators set such routes and forget them;
/// programs set them for the far end of a VPN.
///
/// Counts: a foreign unicast route, no default, whose next hops all lead through one uplink and not to what is on its
/// link; to addresses that another uplink could reach too. Private addresses (RFC 1918, 6598, 4193) are taken to be the
/// provider's own.
///
/// One sentence a route, with the remedy, in the order of the kernel; at most kMostStuckRoutes, and one more that
/// counts the rest. None where there is no second uplink. `facts`: one an uplink, in the order of config.uplinks.
inline constexpr std::size_t kMostStuckRoutes = 8;
std::vector<std::string> stuck_routes(const Config& config, const KernelState& state,
                                      const std::vector<UplinkFacts>& facts, const RoutingNumbers& numbers);

}  // namespace multilink
