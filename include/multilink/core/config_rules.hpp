// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/config_draft.hpp"

namespace multilink {

/// The rules between keys and between sections that the draft breaks, each with its remedy. In no order.
std::vector<LineProblem> check_rules(const ConfigDraft& draft);

}  // namespace multilink
