// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_index.hpp"

#include <algorithm>
#include <set>

#include "multilink/core/packet_marks.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

/// The index that the kernel's rules tell of each device.
UplinkIndices indices_in_rules(const KernelState& state, const RoutingNumbers& numbers) {
  UplinkIndices out;
  for (const auto& rule : state.rules) {
    if (rule.protocol == numbers.protocol && rule.oif && rule.table > numbers.table_base) {
      out.emplace(*rule.oif, rule.table - numbers.table_base);
    }
  }
  return out;
}

unsigned lowest_without(const std::set<unsigned>& taken) {
  unsigned lowest = 1;
  while (taken.contains(lowest)) ++lowest;
  return lowest;
}

}  // namespace

UplinkIndices assign_indices(const Config& config, const KernelState& state, const RoutingNumbers& numbers,
                             const UplinkIndices& known) {
  const UplinkIndices in_rules = indices_in_rules(state, numbers);
  const PacketMarks marks(config.suite.mark_mask);
  UplinkIndices out;
  std::set<unsigned> taken;
  const auto adopt = [&](const UplinkIndices& from, const std::string& name, const std::string& device) {
    const auto found = from.find(name);
    if (found == from.end() || out.contains(device) || found->second > marks.uplinks()) return;
    if (!taken.insert(found->second).second) return;
    out[device] = found->second;
  };
  for (const auto& uplink : config.uplinks) adopt(known, uplink.device, uplink.device);
  for (const auto& uplink : config.uplinks) {
    const Link* link = find_uplink_link(uplink, state);
    adopt(in_rules, link == nullptr ? uplink.device : link->name, uplink.device);
  }
  // Connections still bear the marks of those that are no longer configured.
  std::set<unsigned> avoided = taken;
  for (const auto* former : {&known, &in_rules}) {
    for (const auto& [name, index] : *former) avoided.insert(index);
  }
  for (const auto& uplink : config.uplinks) {
    if (out.contains(uplink.device)) continue;
    unsigned index = lowest_without(avoided);
    if (index > marks.uplinks()) index = lowest_without(taken);
    avoided.insert(index);
    taken.insert(index);
    out[uplink.device] = index;
  }
  return out;
}

UplinkIndices departing_uplinks(const KernelState& state, const UplinkIndices& assigned,
                                const RoutingNumbers& numbers) {
  auto out = indices_in_rules(state, numbers);
  std::erase_if(out, [&](const auto& in_rules) {
    return std::any_of(assigned.begin(), assigned.end(),
                       [&](const auto& own) { return own.second == in_rules.second; });
  });
  return out;
}

}  // namespace multilink
