// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl config` was asked for.
struct ConfigRequest {
  std::string config;        ///< path of the configuration file: where Redis is, and the file in question
  std::string file = {};     ///< another one in question; empty: `config`
  std::string against = {};  ///< diff: compared with this file instead of what is in force
  std::optional<RedisAddress> redis;  ///< instead of the file's
  bool json = false;
};

/// The exit status of a diff that has found something, beside those of all commands.
inline constexpr int kExitDiffersFromFile = 2;

struct ConfigResult {
  std::string text;
  int status = 0;
};

/// What `pingd --check` says; a refused file is a failure with its errors.
tl::expected<ConfigResult, CommandFailure> check_config(const ConfigRequest& request);

/// What a reload of the file would change, key by key, against what each daemon says in Redis that it goes by.
tl::expected<ConfigResult, CommandFailure> diff_config(const ConfigRequest& request, Duration deadline);

}  // namespace multilink
