// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// What belongs to uplinks: packets bound to one of these devices, those that bear one of these addresses, and those
/// with a mark of ours.
struct OwnPackets {
  std::set<std::string> devices;
  std::set<IpAddress> addresses;
  std::uint32_t mark_mask = 0;
};

/// Where the block of kRuleBlock priorities begins in which the owned rules are.
struct RulePlace {
  std::uint32_t base = 0;
  /// The foreign rule before which there is no place; `base` is then the ordinary one. None: all is well.
  std::optional<Rule> obstacle;
};

/// Whether a rule of others could decide about packets that belong to uplinks: it selects all packets, or those of an
/// uplink. Not so one that asks for something else (a source, a device, users, a mark of its own, a device of arrival, a
/// network to go to): somebody wants just that, and was there first or said where it is to stand. Nor one that only
/// looks up the host's own addresses.
bool decides_for(const OwnPackets& own, const Rule& foreign);

/// RoutingNumbers::rule_base, or as many whole blocks before it as it takes for no rule of others that decides_for() our
/// packets to stand before ours or among them. It is needed for what is set up without a priority (wg-quick): the kernel
/// then puts a rule before the second one there is, that is before the first of ours, and the answers to who came in
/// through an uplink would leave by the tunnel. What is there now is all that counts: when the rule goes, the place is
/// the ordinary one again.
///
/// Never before the rule for the host's own addresses: what arrives here would be sent on.
RulePlace place_rules(const OwnPackets& own, const KernelState& state, Family family,
                      const RoutingNumbers& numbers);

}  // namespace multilink
