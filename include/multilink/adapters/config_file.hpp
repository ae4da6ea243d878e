// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"

namespace multilink {

inline constexpr std::string_view kDefaultConfigPath = "/etc/multilink/interfaces.conf";

/// Reads and parses a configuration file. A file that cannot be read (or is over 1 MiB) is one error with
/// line 0.
ParsedConfig load_config_file(const std::string& path);

/// The text of a file of at most 1 MiB. The Error, with the errno, completes "the configuration ...".
Result<std::string> read_text_file(const std::string& path);

/// The names of this host's network devices, for warnings about uplinks that are not there yet.
std::vector<std::string> existing_devices();

/// The first 8 hex digits of the kernel's boot id: what tells the monotonic times of two boots apart.
Result<std::string> read_boot_id();

}  // namespace multilink
