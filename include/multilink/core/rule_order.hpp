// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "multilink/core/kernel_state.hpp"

namespace multilink {

enum class RuleStand : std::uint8_t {
  right,
  missing,
  too_early,  ///< it is there, but before, or not yet behind, a rule that is wanted before it and may take its packets
};

/// Where each of the `wanted` rules stands among the `actual` ones. The kernel puts a new rule behind all others of its
/// priority, so the order within a priority is that of adding; it counts between rules that may overlap. So a rule is
/// also too early if one that is wanted before it is missing or too early itself: that one will come behind it.
std::vector<RuleStand> compare_rules(const std::vector<Rule>& wanted, const std::vector<Rule>& actual);

}  // namespace multilink
