// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "sim/trace_comparison.hpp"

namespace multilink::sim {

/// What multilink promises about recorded links, and breaks: each as a line for people. Empty: it keeps them all.
///
/// On each series, its segments apart: no `down` in a segment where something always arrived within evict_after, and each
/// silence longer than that is noticed. Nothing at all is found on loaded cable. Over the series joined: at most 30
/// switches of new flows an hour, beside a link that always works (of a series of a few minutes, in which one failure
/// would be too much, that is not asked). On each group, joined: less time on a dead link while
/// another worked than any peer's rule, at most 30 switches an hour, and no more sparable evictions than the peers that
/// spend at most twice as long on a dead link.
std::vector<std::string> broken_demands(const Comparison& comparison);

}  // namespace multilink::sim
