// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/adapters/admin_command.hpp"

namespace multilink {

/// What `multilinkctl drain --wait` was asked for, as it was written.
struct DrainRequest {
  AdminRequest order;
  std::string timeout;  ///< "5min"; empty: for as long as the uplink is drained
  bool json = false;
};

struct DrainResult {
  std::string text;
  int status = 0;
};
inline constexpr int kExitFlowsLeft = 3;

/// Drains an uplink and waits until no flow is left on it, telling on standard error how many there are. Until then, the time
/// is over, the uplink is drained no longer, or a signal has come: it stays drained.
tl::expected<DrainResult, CommandFailure> run_drain(const DrainRequest& request);

}  // namespace multilink
