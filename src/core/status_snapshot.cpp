// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_snapshot.hpp"

#include <algorithm>

namespace multilink {

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

std::string reason_of(const UplinkStatus& uplink, Family family) {
  if (!uplink.health) return uplink.health.error().message;
  const auto* health = family_health(uplink, family);
  return health != nullptr ? health->reason : "healthd says nothing of this family";
}

}  // namespace multilink
