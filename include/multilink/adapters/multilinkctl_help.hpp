// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace multilink {

/// The commands of multilinkctl in a row, for an error, and the text of --help.
extern const std::string_view kMultilinkctlCommands;
extern const std::string_view kMultilinkctlHelp;

}  // namespace multilink
