// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/filter_plan.hpp"

#include <utility>

namespace multilink {

PacketFilterTable plan_filter(const Config& config, const KernelState& state, const UplinkIndices& indices,
                              const std::vector<UplinkFacts>& facts, const DevicesByFamily& udp_moves,
                              const std::vector<UidRange>& parents) {
  PacketFilterTable out;
  out.mark_mask = config.suite.mark_mask;
  out.parents = parents;
  for (std::size_t i = 0; i < config.uplinks.size(); ++i) {
    const auto& uplink = config.uplinks[i];
    FilteredUplink planned;
    planned.index = indices.at(uplink.device);
    planned.device = device_name(uplink, facts[i], state);
    if (planned.device.empty()) continue;
    for (const auto& [family, seen] : facts[i].families) {
      for (const auto& own : seen.addresses) planned.addresses.insert(own.address);
    }
    planned.masquerade = uplink.masquerade;
    planned.translation = uplink.translate_prefix;
    for (const auto& [family, devices] : udp_moves) {
      if (devices.contains(uplink.device)) planned.udp_moves.insert(family);
    }
    out.uplinks.push_back(std::move(planned));
  }
  return out;
}

}  // namespace multilink
