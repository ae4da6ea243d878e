// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// Who carries a family, as the kernel has it: the uplinks behind the owned default in force, in the order of the
/// configuration; empty if there is none, or if another default goes before it. A device that is no uplink (any
/// more) goes by its own name. `facts`: one an uplink, in the order of config.uplinks.
std::vector<RoutingRecord::Active> active_uplinks(Family family, const Config& config,
                                                  const KernelState& state,
                                                  const std::vector<UplinkFacts>& facts,
                                                  const RoutingNumbers& numbers);

/// What the events of routes say where there is no uplink.
inline constexpr std::string_view kCarriedByNone = "none";

/// The names of the uplinks: "fibre, lte"; kCarriedByNone.
std::string names_of(const std::vector<RoutingRecord::Active>& actives);

bool contains_uplink(const std::vector<RoutingRecord::Active>& actives, const std::string& name);

}  // namespace multilink
