// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// What multilink owns in the kernel for the policies of the configuration.
///
/// Each policy has a *table* (RoutingNumbers::policy_table_base + its index) with the default of the uplink it uses now,
/// if there is one, and an unreachable default behind it: there the lookup ends. *Rules* lead its traffic there. They
/// stand where the front stands (default_place.hpp), before each foreign rule that looks up all of `main`: behind the
/// rules of VPNs, and behind `lookup main suppress_prefixlength 0`, so that whatever has a specific route goes by that.
/// All of them have one priority, since right before the kernel's own rule there is but one; their order is that of
/// the file, and what front there is comes behind them.

/// The index of each policy, by its identity, from 1.
using PolicyIndices = std::map<std::string, unsigned>;

/// Its name and all else. With other selectors or another list it is another policy: rules of the old and of the new one
/// are there together for a moment, and each must lead to the uplink that is right for it.
std::string identity_of(const PolicyConfig& policy);

/// Gives every policy of `config` its index. It stays the same for as long as there is this policy: `known`
/// are those of this process; after a restart they are read back from the kernel, where an owned rule that selects as
/// the policy does tells its table. A new policy gets the lowest one whose table no rule in the kernel leads to: else
/// the traffic of a policy that goes in the same step would follow the new one for a moment.
PolicyIndices assign_policy_indices(const Config& config, const KernelState& state,
                                    const RoutingNumbers& numbers, const PolicyIndices& known);

/// The device (as configured) of the uplink by which each policy's traffic of a family goes, by the policy's name. No
/// value: it is refused. An absent family: the policy is not in force there, or selects nothing of it.
using PolicyUplinks = std::map<std::string, std::map<Family, std::optional<std::string>>>;

/// The uplink of one policy and family; no value: it is refused, or not in force.
std::optional<std::string> uplink_of(const PolicyUplinks& uplinks, const std::string& policy, Family family);

/// What routed remembers of the policies.
struct PolicyMemory {
  PolicyIndices indices = {};  ///< of this process; empty after a start
  /// By which uplink each policy's traffic went last. The kernel's own routes tell it better; this counts where somebody
  /// has taken them away.
  PolicyUplinks uplinks = {};
  /// Who waits for the administrator (FailbackHold), by policy.
  std::map<std::string, std::map<Family, std::set<std::string>>> held = {};
};

/// As the kernel has it. `facts`: one an uplink, in the order of config.uplinks.
PolicyUplinks policies_in_force(const Config& config, const KernelState& state,
                                const std::vector<UplinkFacts>& facts, const PolicyIndices& indices,
                                const RoutingNumbers& numbers);

/// One policy as the plan needs it.
struct PlannedPolicy {
  const PolicyConfig* policy = nullptr;
  unsigned index = 0;
  /// The index of the uplink that carries each family; absent: none does.
  std::map<Family, unsigned> uplinks = {};
};

/// Adds the tables and rules to `wanted`, which has those of the uplinks: what goes by an uplink goes as in its own table.
/// `policies` in the order of the file.
void add_policies(OwnedState& wanted, const std::vector<PlannedPolicy>& policies, const KernelState& state,
                  const RoutingNumbers& numbers);

}  // namespace multilink
