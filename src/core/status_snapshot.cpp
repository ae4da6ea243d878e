// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_snapshot.hpp"

#include <algorithm>

namespace multilink {

void leave_out_idle_notifier(StatusSnapshot& snapshot) {
  const bool has_receiver = std::ranges::any_of(
      snapshot.daemons, [](const DaemonStatus& daemon) { return daemon.record && daemon.record->notifies; });
  if (has_receiver) return;
  std::erase_if(snapshot.daemons,
                [](const DaemonStatus& daemon) { return daemon.name == kNotifier && !daemon.record; });
}

std::optional<bool> carries_default(const StatusSnapshot& snapshot, std::string_view uplink, Family family) {
  if (!snapshot.routing) return std::nullopt;
  const auto found = snapshot.routing->families.find(family);
  if (found == snapshot.routing->families.end()) return std::nullopt;
  return std::ranges::any_of(found->second.active,
                             [&](const RoutingRecord::Active& active) { return active.uplink == uplink; });
}

std::vector<Family> families_shown(const UplinkStatus& uplink) {
  std::vector<Family> shown{Family::v4};
  if (uplink.link) {
    const auto found = uplink.link->families.find(Family::v6);
    if (found != uplink.link->families.end() && !found->second.addresses.empty()) shown.push_back(Family::v6);
  }
  return shown;
}

const HealthRecord::PerFamily* family_health(const UplinkStatus& uplink, Family family) {
  if (!uplink.health) return nullptr;
  const auto found = uplink.health->families.find(family);
  return found == uplink.health->families.end() ? nullptr : &found->second;
}

std::vector<PolicyStatus> policies_shown(const StatusSnapshot& snapshot) {
  std::vector<PolicyStatus> out;
  if (!snapshot.routing) return out;
  const bool has_v6 = std::ranges::any_of(
      snapshot.uplinks, [](const UplinkStatus& uplink) { return families_shown(uplink).size() > 1; });
  for (const auto& [family, routing] : snapshot.routing->families) {
    for (const auto& [policy, uplink] : routing.policies) {
      if (family == Family::v4 || has_v6 || !uplink.empty()) out.push_back({policy, family, uplink});
    }
  }
  std::ranges::stable_sort(out, {}, &PolicyStatus::policy);
  return out;
}

std::string reason_of(const UplinkStatus& uplink, Family family) {
  if (!uplink.health) return uplink.health.error().message;
  const auto* health = family_health(uplink, family);
  return health != nullptr ? health->reason : "healthd says nothing of this family";
}

}  // namespace multilink
