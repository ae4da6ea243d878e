// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config_lists.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

/// One key of a section that has keys of its own: all that is known of it. As ConfigKey is for [multilink] and the uplinks.
template <class SectionSettings>
struct SectionKey {
  using Settings = SectionSettings;

  std::string_view name;
  std::string_view rule;     ///< what a value must be; completes "'x' is not …"
  std::string_view example;  ///< a good value for error messages
  Result<void> (*read)(std::string_view text, Settings& settings);
  /// The text that read() turns into the same; may be empty where the key is absent.
  std::string (*write)(const Settings& settings);
};

/// The key of this name in a table of them; null: there is none.
template <class Key>
const Key* find_section_key(const std::vector<Key>& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Key::name);
  return found == table.end() ? nullptr : &*found;
}

/// Reads one value into `settings`, which an Error leaves as it was. The Error's message is the whole one, a line for each
/// problem: "key: 'value' rule; remedy".
template <class Key>
Result<void> read_section_value(const Key& key, std::string_view text, typename Key::Settings& settings) {
  const auto done = key.read(text, settings);
  if (done) return {};
  if (!done.error().message.empty()) return fail(problems_of_key(key.name, done.error().message));
  return fail(cat(key.name, ": ", quoted(text), " is not ", key.rule, "; write for example ", key.name, " = ",
                  key.example));
}

}  // namespace multilink
