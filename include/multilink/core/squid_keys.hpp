// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/result.hpp"
#include "multilink/core/squid_config.hpp"

namespace multilink {

/// One key of the section [squid]: all that is known of it. As ConfigKey is for the other sections.
struct SquidKey {
  std::string_view name;
  std::string_view rule;      ///< what a value must be; completes "'x' is not …"
  std::string_view fallback;  ///< the default as one would write it
  std::string_view example;   ///< a good value for error messages
  Result<void> (*read)(std::string_view text, SquidConfig& squid);
  std::string (*write)(const SquidConfig& squid);  ///< the text that read() turns into the same
};

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<SquidKey>& squid_keys();
const SquidKey* find_squid_key(std::string_view name);

/// Reads one value into `squid`, which an Error leaves as it was. The Error's message is the whole one: "key: 'value'
/// rule; remedy".
Result<void> read_squid_value(const SquidKey& key, std::string_view text, SquidConfig& squid);

/// Every default in force.
SquidConfig default_squid();

}  // namespace multilink
