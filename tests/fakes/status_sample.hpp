// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/status_snapshot.hpp"
#include "multilink/ports/store.hpp"

namespace multilink::fakes {

/// 2026-11-05T10:00:00Z.
inline constexpr WallTime kSampleTime{std::chrono::milliseconds(1'793'872'800'000)};

/// Two uplinks, "fibre" (eth0) which carries the traffic and "lte" (wwan0) which stands by, IPv4 alone, all
/// daemons alive, one event: everything is as it should be.
StatusSnapshot sample_snapshot();

/// The same with "fibre" down and "lte" carrying the traffic.
StatusSnapshot failed_over_snapshot();

/// The commands that put a snapshot into Redis as the daemons would have written it. Errors in it become
/// absent keys.
std::vector<Store::Command> commands_to_write(const StatusSnapshot& snapshot);

}  // namespace multilink::fakes
