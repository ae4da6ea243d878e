// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multilink {

/// What stands behind `multilinkctl`: words, and options without their dashes, which may be anywhere among them.
struct CtlLine {
  std::vector<std::string> words;
  std::map<std::string, std::vector<std::string>, std::less<>> options;

  bool has(std::string_view option) const { return options.contains(option); }
  /// The last one given; empty: none, or none was given.
  std::string value(std::string_view option) const;
};

/// nullopt after a complaint on standard error: an option that there is not, or one without its value.
std::optional<CtlLine> parse_ctl_line(int argc, char** argv);

}  // namespace multilink
