// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/quantity.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

/// One uplink's view of every setting, so that one table can name the field of any key.
struct Settings : SuiteConfig, UplinkConfig {};

/// How the text of one value becomes a setting, and back.
struct ConfigValue {
  std::string rule;  ///< what a value must be; completes "'x' is not …"
  /// Checks the text and stores it. An Error with an empty message: the text is not what `rule` says; any
  /// other message is complete, from the refused value to the remedy, and is shown as it is. Settings are
  /// unchanged after an Error.
  std::function<Result<void>(std::string_view text, Settings& settings)> read;
  /// The text that read() turns into the same setting; empty where that is the absence of the key.
  std::function<std::string(const Settings& settings)> write;
};

/// Letters, digits, '-', '_' and '.', up to 32, beginning with a letter or digit: safe as a part of a Redis
/// key, a file name and an argument.
bool is_token(std::string_view text);

/// "a, b or c"; of two or more words.
std::string one_of(std::vector<std::string> words);

/// Stores what a parser gave; the plain refusal when it gave nothing, or `allowed` does not hold.
template <class Parsed, class Field, class Allowed>
Result<void> store_if(const Parsed& parsed, Field& field, Allowed allowed) {
  if (!parsed || !allowed(*parsed)) return fail("");
  field = *parsed;
  return {};
}

template <class Owner>
ConfigValue duration_value(Duration Owner::*field, Duration least, Duration most) {
  return {cat("a duration from ", format_duration(least), " to ", format_duration(most),
              " (units: ms, s, min, h, d)"),
          [=](std::string_view text, Settings& settings) {
            return store_if(parse_duration(text), settings.*field,
                            [=](Duration d) { return d >= least && d <= most; });
          },
          [=](const Settings& settings) { return format_duration(settings.*field); }};
}

/// A value that is one of a few words.
template <class Owner, class Word>
ConfigValue word_value(Word Owner::*field, std::vector<std::pair<std::string, Word>> words) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words) names.push_back(name);
  return {one_of(std::move(names)),
          [=](std::string_view text, Settings& settings) -> Result<void> {
            for (const auto& [name, value] : words) {
              if (name != text) continue;
              settings.*field = value;
              return {};
            }
            return fail("");
          },
          [=](const Settings& settings) {
            for (const auto& [name, value] : words) {
              if (value == settings.*field) return name;
            }
            return std::string();
          }};
}

template <class Owner>
ConfigValue token_value(std::string Owner::*field) {
  return {"a name of at most 32 letters, digits, '-', '_' and '.' that begins with a letter or digit",
          [=](std::string_view text, Settings& settings) -> Result<void> {
            if (!is_token(text)) return fail("");
            settings.*field = text;
            return {};
          },
          [=](const Settings& settings) { return settings.*field; }};
}

ConfigValue threshold_value(std::optional<Duration> UplinkConfig::*field, Duration least, Duration most);
ConfigValue metered_value();
ConfigValue ratio_value(double UplinkConfig::*field, double least, double most);
ConfigValue number_value(unsigned UplinkConfig::*field, unsigned least, unsigned most);
ConfigValue yes_no_value(bool UplinkConfig::*field);
ConfigValue redis_value();
ConfigValue mark_mask_value();
ConfigValue prefix_translation_value();
ConfigValue mac_value();
ConfigValue gateway_value();
ConfigValue targets_value();

}  // namespace multilink
