// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/adapters/replay_command.hpp"

namespace multilink {

/// What `multilinkctl init` was asked for.
struct InitRequest {
  std::string output;  ///< a path; "-": standard output
  bool force = false;  ///< replace the administrator's file
};

/// The exit statuses of init, beside those of all commands.
inline constexpr int kExitNothingFound = 2;
inline constexpr int kExitFileExists = 3;

struct InitResult {
  std::string out;   ///< for standard output
  std::string said;  ///< for people, where the file itself goes to standard output
};

/// As the package brings it: who has not touched it loses nothing.
inline constexpr const char* kPackagedConfigPath = "/usr/share/multilink/interfaces.conf";

/// Finds the uplinks of this host and writes them into a new interfaces.conf. A file that is there is replaced only with
/// `force`, or where it is still the package's example; the old one stays beside it as FILE.old. Needs neither Redis nor, for
/// reading, root.
tl::expected<InitResult, CommandFailure> run_init(const InitRequest& request);

}  // namespace multilink
