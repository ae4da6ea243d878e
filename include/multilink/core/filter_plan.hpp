// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/packet_filter.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/uplink_facts.hpp"
#include "multilink/core/uplink_index.hpp"

namespace multilink {

/// The wanted table `inet multilink`. `facts`: one an uplink, in the order of config.uplinks. An uplink whose device's
/// name is not known (one matched by `mac` that is not there) is left out: nothing can enter or leave by it.
/// `udp_moves`: the devices, as configured, from which UDP flows are to move. `parents`: the users of the proxy's.
PacketFilterTable plan_filter(const Config& config, const KernelState& state, const UplinkIndices& indices,
                              const std::vector<UplinkFacts>& facts, const DevicesByFamily& udp_moves,
                              const std::vector<UidRange>& parents);

}  // namespace multilink
