// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// One key of a section [policy NAME]: all that is known of it. As ConfigKey is for the other sections.
struct PolicyKey {
  std::string_view name;
  std::string_view rule;     ///< what a value must be; completes "'x' is not …"
  std::string_view example;  ///< a good value for error messages
  Result<void> (*read)(std::string_view text, PolicyConfig& policy);
  /// The text that read() turns into the same; empty where the key is absent.
  std::string (*write)(const PolicyConfig& policy);
};

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<PolicyKey>& policy_keys();
const PolicyKey* find_policy_key(std::string_view name);

/// Reads one value into `policy`, which an Error leaves as it was. The Error's message is the whole one: "key: 'value'
/// rule; remedy".
Result<void> read_policy_value(const PolicyKey& key, std::string_view text, PolicyConfig& policy);

/// The word in `use` that says in the file what holds anyway: by no other uplink.
inline constexpr std::string_view kNoUplink = "none";

}  // namespace multilink
