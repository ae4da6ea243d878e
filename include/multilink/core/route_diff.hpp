// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// The operations that turn `actual` into a state that owns exactly `wanted`, in the order in which to apply
/// them: first everything that is missing, as `wanted` orders it, rules by rising priority; then what is
/// owned and not wanted, rules from the last to the first, routes with the defaults of `main` last and the one in
/// force the very last. So there is
/// always an owned default where there was one, and no rule leads a packet past the LAN. A wanted route that
/// stands behind a foreign one of the same destination and metric is put in front. A rule that stands before one which
/// is wanted before it comes once more, behind, before its first self is taken away: so at each step a packet is led
/// as by the rules before or by those after. What is not of our protocol is never named. Empty if nothing is to be done.
std::vector<RouteOperation> diff_routes(const KernelState& actual, const OwnedState& wanted,
                                        const RoutingNumbers& numbers);

/// Where the mask of the marks changes, packets bear new marks from the moment on at which the packet filter sets them, and
/// have to find the rules for these by then, and until then those for the old ones. Puts the additions that lead packets of
/// the new marks, and no others, first, and gives how many there are: 0 where the mask stays.
std::size_t put_steering_first(std::vector<RouteOperation>& operations, std::uint32_t mark_mask);

/// Whether `removal` takes away what the addition of another route was to supersede: the same destination in
/// the same table. If that addition has failed, the removal must wait.
bool supersedes(const RouteOperation& addition, const RouteOperation& removal);

/// Whether `later` makes sense only together with `failed`, an addition that the kernel has refused: the
/// removal of what it was to supersede; after the default of a table, the rules of `wanted` that send
/// packets to it and bar them from all else (not so in the table of a policy, whose packets are rather refused); after a
/// rule that was to come once more behind others, the removal of its first self.
bool must_wait_for(const RouteOperation& failed, const RouteOperation& later, const OwnedState& wanted);

/// Whether `removal` is of a default, in `main` or before it, that leads over links without carrier only, while a foreign one
/// leads over a link that has it: without ours the host could be reached.
bool clears_the_way(const RouteOperation& removal, const KernelState& state, const RoutingNumbers& numbers);

}  // namespace multilink
