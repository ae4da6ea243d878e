// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config_values.hpp"

namespace multilink {

/// Where a key may stand.
enum class KeyPlace : std::uint8_t {
  suite,     ///< in [multilink] only
  anywhere,  ///< in [multilink] as the default, and in an uplink's section
  uplink,    ///< in an uplink's section only
};

/// One key of interfaces.conf: all that is known of it.
struct ConfigKey {
  std::string_view name;
  KeyPlace place;
  /// The default as one would write it; empty where it is not a fixed value (name: the device, precedence:
  /// the position in the file, mac: none).
  std::string_view fallback;
  std::string_view example;  ///< a good value for error messages
  ConfigValue value;
};

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<ConfigKey>& config_keys();
const ConfigKey* find_config_key(std::string_view name);

/// Reads one value into `settings`. The Error's message is the whole one: "key: 'value' rule; remedy".
Result<void> read_config_value(const ConfigKey& key, std::string_view text, Settings& settings);

/// Every default in force.
Settings default_settings();

}  // namespace multilink
