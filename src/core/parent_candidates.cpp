// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_candidates.hpp"

#include <algorithm>

namespace multilink {
namespace {

struct Contestant {
  ParentCandidate candidate;
  bool metered = false;
  bool drained = false;
};

/// Those in this state in this family.
std::vector<Contestant> in_state(HealthState state, Family family, const std::vector<ParentUplink>& uplinks,
                                 const std::map<std::string, HealthRecord>& health) {
  std::vector<Contestant> out;
  for (const auto& uplink : uplinks) {
    const auto record = health.find(uplink.name);
    if (record == health.end() || !record->second.enabled) continue;
    const auto said = record->second.families.find(family);
    if (said == record->second.families.end() || said->second.state != state) continue;
    out.push_back({{uplink.name, record->second.weight, said->second.rtt},
                   uplink.metered,
                   record->second.admin == AdminMode::drained});
  }
  return out;
}

}  // namespace

std::vector<ParentCandidate> parent_candidates(const std::vector<ParentUplink>& uplinks,
                                               const std::map<std::string, HealthRecord>& health) {
  std::vector<Contestant> field;
  for (const auto state : {HealthState::up, HealthState::unknown}) {
    for (const Family family : kFamilies) {
      if (field.empty()) field = in_state(state, family, uplinks, health);
    }
  }
  const auto is_drained = [](const auto& each) { return each.drained; };
  if (!std::ranges::all_of(field, is_drained)) std::erase_if(field, is_drained);
  const bool all_metered =
      std::all_of(field.begin(), field.end(), [](const auto& each) { return each.metered; });
  std::vector<ParentCandidate> out;
  for (auto& each : field) {
    if (all_metered || !each.metered) out.push_back(std::move(each.candidate));
  }
  return out;
}

}  // namespace multilink
