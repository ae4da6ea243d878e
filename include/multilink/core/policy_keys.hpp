// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/section_keys.hpp"

namespace multilink {

/// A key of [policy NAME].
using PolicyKey = SectionKey<PolicyConfig>;

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<PolicyKey>& policy_keys();

/// The word in `use` that says in the file what holds anyway: by no other uplink.
inline constexpr std::string_view kNoUplink = "none";

}  // namespace multilink
