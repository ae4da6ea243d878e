// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/explanation.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// What the kernel holds once all that multilink owns in it is as `wanted`, and the rest as in `state`. Routes are in the
/// kernel's order: by metric, and ours before others of the same.
KernelState with_owned(KernelState state, const OwnedState& wanted, const RoutingNumbers& numbers);

/// What routed would make of `state` if `uplink` (by name) were silent for longer than its evict_after, and all else as it
/// is. `facts`: one an uplink, in the order of config.uplinks; `health` by name, unknown where it does not say.
KernelState state_if_silent(std::string_view uplink, const Config& config, const KernelState& state,
                            const RoutingNumbers& numbers, const std::vector<UplinkFacts>& facts,
                            const std::map<std::string, HealthRecord>& health);

/// Where the packet of `said` goes then: of an explanation that is complete but for this, with the lookup that it is
/// about. A pin is no hindrance: the connection is taken off the dead uplink, or begins anew.
Alternative alternative_to(const Explanation& said, const RouteAnswer& answer,
                           const std::vector<UplinkFacts>& facts, const ExplainInputs& inputs);

}  // namespace multilink
