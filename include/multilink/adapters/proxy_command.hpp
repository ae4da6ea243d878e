// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl proxy` was asked for.
struct ProxyRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  bool json = false;
  bool no_start = false;  ///< of apply: writes and validates, starts and stops nothing
};

/// `multilinkctl proxy`: what the helper reports of each parent. Gives the text to print.
tl::expected<std::string, CommandFailure> show_proxy(const ProxyRequest& request, Duration deadline);

/// `multilinkctl proxy apply`: makes the Squids what interfaces.conf says. Gives what was done, a line each.
///
/// Allots the seats, waits until routed has tied each parent's user to its uplink, writes the files that have changed (below the
/// state directory, once Squid has found all of them valid; else none), and has systemd start, reload and stop. Where the
/// proxy is not enabled, nothing of it is left. Without systemd it starts nothing and says so.
tl::expected<std::string, CommandFailure> apply_proxy(const ProxyRequest& request);

}  // namespace multilink
