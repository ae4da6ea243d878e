// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "multilink/core/section_keys.hpp"
#include "multilink/core/squid_config.hpp"

namespace multilink {

/// A key of [squid], with the default as one would write it.
struct SquidKey : SectionKey<SquidConfig> {
  std::string_view fallback;
};

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<SquidKey>& squid_keys();

/// Every default in force.
SquidConfig default_squid();

}  // namespace multilink
