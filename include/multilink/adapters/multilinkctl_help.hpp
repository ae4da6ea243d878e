// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace multilink {

/// The commands of multilinkctl in a row, for an error.
extern const std::string_view kMultilinkctlCommands;

/// The text of --help: all commands.
std::string multilinkctl_help();

/// A command with the names of its options, but for those of each command.
struct CommandOptions {
  std::string_view words;
  std::string_view options;
};
/// Only what concerns these, at least one: the forms of a command.
std::string multilinkctl_help(const std::vector<CommandOptions>& of);

}  // namespace multilink
