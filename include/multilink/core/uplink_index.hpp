// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// The index of each uplink, from 1, by its device as configured. The routing table of an uplink, and the
/// mark of the flows pinned to it, are made of its index.
using UplinkIndices = std::map<std::string, unsigned>;

/// Gives every uplink of `config` its index. An index stays the same for as long as the uplink is configured:
/// `known` are those of this process; after a restart they are read back from the kernel, where each owned
/// rule "oif DEVICE lookup TABLE" tells one. New uplinks get the lowest free one, in configuration order, and so does one
/// whose index has no mark within `mark_mask`. Free is not, while there are others, what an uplink has that has just been taken
/// out of the configuration: its connections would be led out through the new one.
UplinkIndices assign_indices(const Config& config, const KernelState& state, const RoutingNumbers& numbers,
                             const UplinkIndices& known);

/// The uplinks that an earlier configuration had and whose rules are still there, by the names of their devices.
UplinkIndices departing_uplinks(const KernelState& state, const UplinkIndices& assigned,
                                const RoutingNumbers& numbers);

}  // namespace multilink
