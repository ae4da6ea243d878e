// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl status` was asked for.
struct StatusRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  bool json = false;
  bool no_colour = false;
  bool watch = false;
  std::string seconds;  ///< between two readings while watching, as it was written; empty: kWatchEvery
};

inline constexpr Duration kWatchEvery = std::chrono::seconds(2);

/// The status once: the text to print.
tl::expected<std::string, CommandFailure> show_status(const StatusRequest& request, Duration deadline);

struct StatusCheck {
  std::string text;  ///< one line
  int status = 3;    ///< 0 ok, 1 attention, 2 failed, 3 unknown
};
/// As a plugin of a monitoring system: what cannot be read is unknown, and said in the text.
StatusCheck check_status(const StatusRequest& request, Duration deadline);

/// The status again and again, until SIGINT or SIGTERM: on a terminal in place, which is then left as it was; else one below the
/// other. A Redis that does not answer is said, and tried again.
tl::expected<void, CommandFailure> watch_status(const StatusRequest& request, Duration deadline);

}  // namespace multilink
