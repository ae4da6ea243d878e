// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/failback_hold.hpp"

namespace multilink {
namespace {

bool is_manual(const UplinkConfig& uplink) {
  return uplink.failback == Failback::manual;
}

}  // namespace

void FailbackHold::adopt(const Config& config, Family family, const Devices& in_force) {
  if (in_force.empty()) return;
  for (const auto& uplink : config.uplinks) {
    if (is_manual(uplink)) held_[family].insert(uplink.device);
  }
  see(config, family, in_force);
}

void FailbackHold::see(const Config& config, Family family, const Devices& carriers) {
  auto& held = held_[family];
  auto& before = carriers_[family];
  for (const auto& uplink : config.uplinks) {
    if (carriers.contains(uplink.device) || !is_manual(uplink)) {
      held.erase(uplink.device);
    } else if (before.contains(uplink.device)) {
      held.insert(uplink.device);
    }
  }
  before = carriers;
}

}  // namespace multilink
