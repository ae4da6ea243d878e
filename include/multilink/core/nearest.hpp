// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

namespace multilink {

/// The one of `words` that a misspelt `word` most likely means: at most two letters inserted, left out or
/// exchanged for others, case aside; empty when none is that near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& words);

}  // namespace multilink
