// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/config_draft.hpp"

namespace multilink {

/// What a valid file says and its author hardly meant: the warnings. In no order.
std::vector<LineProblem> check_doubts(const ConfigDraft& draft);

}  // namespace multilink
