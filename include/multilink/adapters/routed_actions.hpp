// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/adapters/daemon.hpp"

namespace multilink {

/// `routed --plan`: waits for Redis for a second at most, then prints what would be changed in the kernel.
int print_route_plan(DaemonParts& parts);
/// `routed --clear`: removes everything owned and prints what it was.
int clear_owned_routes(DaemonParts& parts);

}  // namespace multilink
