// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/config_draft.hpp"

namespace multilink {

/// The rules between [squid] and the rest of the file that the draft breaks, each with its remedy. In no order.
std::vector<LineProblem> check_squid(const ConfigDraft& draft);

}  // namespace multilink
