// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl events` was asked for, as it was written.
struct EventsRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  std::string count;                  ///< how many of the last; empty: kEventsByDefault
  bool follow = false;
  bool json = false;
};

inline constexpr unsigned kEventsByDefault = 20;

/// Where its lines go.
struct EventsOutput {
  std::function<bool(std::string_view)> print;     ///< false: nobody reads any more
  std::function<void(std::string_view)> complain;  ///< of Redis, while following
};

/// The last events, oldest first; with `follow` also what comes, until SIGINT or SIGTERM. Without `follow` a Redis that does not
/// answer within the deadline is a failure; with it, it is waited for.
tl::expected<void, CommandFailure> run_events(const EventsRequest& request, Duration deadline,
                                              const EventsOutput& output);

}  // namespace multilink
