// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// The kernel's rules that select what the policy does in a family: one for each combination of its lists. Only the
/// selectors are set. Empty: the policy selects nothing of this family.
std::vector<Rule> selectors_of(const PolicyConfig& policy, Family family);

}  // namespace multilink
