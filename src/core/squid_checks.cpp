// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/squid_checks.hpp"

#include "multilink/core/text.hpp"

namespace multilink {

std::vector<LineProblem> check_squid(const ConfigDraft& draft) {
  if (!draft.squid.settings.enabled || draft.uplinks.size() <= kMostParents) return {};
  const auto& first_too_many = draft.uplinks[kMostParents];
  return {{first_too_many.line,
           cat('[', printable(first_too_many.settings.device),
               "]: with enabled = yes in [squid] there can be ", kMostParents,
               " uplinks, as many as there are users for the parents, and this is one more; take one out")}};
}

}  // namespace multilink
