// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/admin_replies.hpp"

#include <algorithm>
#include <vector>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

bool is_up_in(const HealthRecord& record, Family family) {
  const auto said = record.families.find(family);
  return record.enabled && said != record.families.end() && said->second.state == HealthState::up;
}

}  // namespace

Result<void> check_name(std::string_view uplink, const std::map<std::string, HealthRecord>& health) {
  if (health.contains(std::string(uplink))) return {};
  std::vector<std::string> names;
  for (const auto& [name, record] : health) names.push_back(name);
  if (names.empty()) return fail("no uplink is known: healthd has not reported to this Redis");
  return fail(cat("no uplink is called ", quoted(uplink), "; there is: ", join(names, ", ")));
}

bool has_another_usable(const std::string& uplink, const std::map<std::string, HealthRecord>& health) {
  const auto own = health.find(uplink);
  if (own == health.end()) return false;
  return std::ranges::all_of(kFamilies, [&](Family family) {
    if (!is_up_in(own->second, family)) return true;
    return std::ranges::any_of(
        health, [&](const auto& other) { return other.first != uplink && is_up_in(other.second, family); });
  });
}

}  // namespace multilink
