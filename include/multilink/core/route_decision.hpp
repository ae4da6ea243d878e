// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/parent_seats.hpp"
#include "multilink/core/policy_plan.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/route_plan.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/uplink_facts.hpp"
#include "multilink/core/uplink_index.hpp"

namespace multilink {

/// The devices (as configured) of some uplinks, for each family.
using DevicesByFamily = std::map<Family, std::set<std::string>>;
/// Of those that carry.
using CarryingDevices = DevicesByFamily;

/// What routed believes of one uplink and family.
struct BelievedHealth {
  BelievedHealth(HealthState believed = HealthState::unknown, bool does_answer = false,
                 bool is_drained = false)  // NOLINT: a state is one
      : state(believed), answers(does_answer), drained(is_drained) {}
  HealthState state;
  bool answers;  ///< not up, and yet it answers
  bool drained;  ///< by the administrator: nothing new is to go by it
};
using HealthByFamily = std::map<Family, BelievedHealth>;

/// Indices of uplinks: uplink_index.hpp.
using IndicesByFamily = std::map<Family, std::set<unsigned>>;

/// Everything that decides what multilink wants to own.
struct RouteInputs {
  const Config& config;
  const KernelState& state;
  const RoutingNumbers& numbers;
  const UplinkIndices& known;             ///< of this process; empty after a start
  const std::vector<UplinkFacts>& facts;  ///< one an uplink, in the order of config.uplinks
  /// One an uplink likewise; an absent family is `unknown`.
  const std::vector<HealthByFamily>& health;
  /// Who carried last. The kernel's own default tells it better; this counts where the kernel, or somebody,
  /// has taken the default away.
  const CarryingDevices& carried;
  /// Whose addresses gave way by the last decision of this process. Null after a start: the kernel's rules tell.
  const DevicesByFamily* gave_way = nullptr;
  CarryingDevices held = {};  ///< who waits for the administrator: FailbackHold
  /// Whose addresses give way although they are well, while another carries: FlowKeeper.
  IndicesByFamily letting_go = {};
  PolicyMemory policies = {};
  ParentUsers parents = {};  ///< of the web proxy
};

struct RouteDecision {
  UplinkIndices indices;
  CarryingDevices carriers;    ///< a family is absent where nobody was chosen: what is there stays
  DevicesByFamily giving_way;  ///< whose addresses hold no packets: gives_way()
  PolicyIndices policy_indices;
  PolicyUplinks policies;  ///< by which uplink each policy's traffic is to go
  OwnedState wanted;
  std::vector<std::string> warnings;  ///< what multilink cannot put right, with the remedy; for people
};

/// `leases`: those in force.
std::vector<UplinkFacts> observe_uplinks(const Config& config, const KernelState& state,
                                         const RoutingNumbers& numbers, const std::vector<DhcpLease>& leases);

/// The uplinks over which the owned default of a family leads. No value: there is no such default.
std::optional<std::set<std::string>> devices_of_default(Family family, const Config& config,
                                                        const KernelState& state,
                                                        const std::vector<UplinkFacts>& facts,
                                                        const RoutingNumbers& numbers);

RouteDecision decide_routes(const RouteInputs& inputs);

}  // namespace multilink
