// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "multilink/core/redis_address.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl replay` was asked for.
struct ReplayRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  std::string uplink;                 ///< by name; empty: none, which needs a file
  std::string file;                   ///< CSV instead of Redis; empty: none
  std::vector<std::string> settings;  ///< key=value each
  bool json = false;
};

/// Why a command came to nothing, and its exit status.
struct CommandFailure {
  int status = 1;
  std::vector<std::string> lines;  ///< at least one
};

/// What the uplink's recorded probes would have led to: as configured and, if there are settings, with these as well.
/// Gives the text to print.
tl::expected<std::string, CommandFailure> run_replay(const ReplayRequest& request, Duration deadline);

}  // namespace multilink
