// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/adapters/admin_command.hpp"

namespace multilink {

/// The report of a drill, and the exit status.
struct DrillResult {
  std::string text;
  int status = 0;
};
inline constexpr int kExitNoFailover = 3;  ///< it did not fail over, or did not come back
inline constexpr int kExitCutShort = 4;    ///< something else ended or spoilt it: it has shown neither

/// Has routed make the uplink a black hole for a while, and waits until the traffic is back. SIGINT ends the drill early.
tl::expected<DrillResult, CommandFailure> run_drill(const AdminRequest& request, bool json);

}  // namespace multilink
