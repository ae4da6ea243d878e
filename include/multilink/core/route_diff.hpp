// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// The operations that turn `actual` into a state that owns exactly `wanted`, in the order in which to apply
/// them: first everything that is missing, as `wanted` orders it, rules by rising priority; then what is
/// owned and not wanted, rules by falling priority, routes with the defaults of `main` last and the one in
/// force the very last. So there is
/// always an owned default where there was one, and no rule leads a packet past the LAN. A wanted route that
/// stands behind a foreign one of the same destination and metric is put in front. What is not of our
/// protocol is never named. Empty if nothing is to be done.
std::vector<RouteOperation> diff_routes(const KernelState& actual, const OwnedState& wanted,
                                        const RoutingNumbers& numbers);

/// Whether `removal` takes away what the addition of another route was to supersede: the same destination in
/// the same table. If that addition has failed, the removal must wait.
bool supersedes(const RouteOperation& addition, const RouteOperation& removal);

}  // namespace multilink
