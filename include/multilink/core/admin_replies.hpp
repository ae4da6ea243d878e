// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// Exit status of multilinkctl: it may not be done as things are.
inline constexpr int kExitRefused = 2;

/// The Error: no uplink is called so; it names those that there are.
Result<void> check_name(std::string_view uplink, const std::map<std::string, HealthRecord>& health);

/// Whether in each family in which the uplink is up another one is that is enabled.
bool has_another_usable(const std::string& uplink, const std::map<std::string, HealthRecord>& health);

}  // namespace multilink
