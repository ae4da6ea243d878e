// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// dockerd sets the policy of the chain FORWARD to drop and lets only its own bridges through: on a gateway the LAN is cut off
/// from all uplinks by that, and multilink gets the blame.
///
/// What to tell of it, with the remedy; empty where all is well: `forward` (the chain FORWARD of the table `ip filter`, as nft prints
/// it) drops by policy and asks DOCKER-USER, no rule of either that is not Docker's lets anything through, and there is a LAN.
std::string docker_stops_lan(const Config& config, const KernelState& state, std::string_view forward,
                             std::string_view docker_user);

}  // namespace multilink
