// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "multilink/core/config_draft.hpp"

namespace multilink {

inline constexpr std::size_t kMostPolicies = 100;
/// Of one policy in one family: each packet that leaves is held against all of them.
inline constexpr std::size_t kMostRulesOfAPolicy = 256;

/// The rules between the keys of policies, and between policies and the rest of the file, that the draft breaks, each
/// with its remedy. In no order.
std::vector<LineProblem> check_policies(const ConfigDraft& draft);

/// What valid policies say and their author hardly meant. In no order.
std::vector<LineProblem> check_policy_doubts(const ConfigDraft& draft);

/// The policies of a draft without problems. A mark without a mask looks at all bits but those of mark_mask, which
/// multilink itself sets on packets.
std::vector<PolicyConfig> build_policies(const ConfigDraft& draft);

}  // namespace multilink
