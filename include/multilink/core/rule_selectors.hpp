// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// Which packets a rule takes, whatever it does with them.

/// Whether two rules of one family select by the same.
bool select_alike(const Rule& a, const Rule& b);

/// What two rules of one family and priority have in common if and only if they select alike: the rule without what it
/// does.
Rule selection_of(Rule rule);

/// Whether the rule takes every packet of its family.
bool selects_all(const Rule& rule);

/// `rule`, but for those packets only that `other` takes as well. No value: there are none, or both families differ,
/// or no single rule can say it (one of the two is inverted or has selectors that are not known).
std::optional<Rule> narrowed(Rule rule, const Rule& other);

/// Whether there may be a packet that both rules take.
bool may_overlap(const Rule& a, const Rule& b);

}  // namespace multilink
