// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/notify_config.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// One key of the section [notify]: all that is known of it. As ConfigKey is for the other sections.
struct NotifyKey {
  std::string_view name;
  std::string_view rule;     ///< what a value must be; completes "'x' is not …"
  std::string_view example;  ///< a good value for error messages
  Result<void> (*read)(std::string_view text, NotifyConfig& notify);
  /// The text that read() turns into the same; empty where the key is absent.
  std::string (*write)(const NotifyConfig& notify);
};

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<NotifyKey>& notify_keys();
const NotifyKey* find_notify_key(std::string_view name);

/// Reads one value into `notify`, which an Error leaves as it was. The Error's message is the whole one: "key: 'value'
/// rule; remedy".
Result<void> read_notify_value(const NotifyKey& key, std::string_view text, NotifyConfig& notify);

}  // namespace multilink
