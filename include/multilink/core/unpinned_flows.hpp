// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <span>
#include <vector>

#include "multilink/core/connection.hpp"
#include "multilink/core/inside_networks.hpp"
#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// Before multilink has any rule, of the connections that bear no mark: those that go out with an address that no uplink
/// has (translated to one of a routed network, or from a network of public addresses inside). Of the others the
/// packet filter finds the uplink by that address; these are lost if they are led elsewhere before their next packet. By
/// the uplink by which the kernel leads them in `state`; what goes by none is left out. `uplinks`: the number of each by its link
/// index. Looks at 20 million rules and routes at most, all in all; what is left over then is left out.
std::map<unsigned, std::vector<Connection>> unpinned_flows(std::span<const Connection> unmarked,
                                                           const KernelState& state,
                                                           const std::map<unsigned, unsigned>& uplinks,
                                                           const InsideNetworks& inside);

}  // namespace multilink
