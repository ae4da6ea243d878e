// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_address.hpp"

namespace multilink {

/// What `multilinkctl disable|enable|drain` was asked for, as it was written; what is not given is empty.
struct AdminRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  std::string uplink;                 ///< by name
  std::string length;                 ///< "10min"
  bool force = false;                 ///< also where no other uplink is usable
};

/// Writes the administrator's order and waits until healthd keeps to it: the line to print. AdminMode::none takes an order back.
tl::expected<std::string, CommandFailure> run_admin(AdminMode mode, const AdminRequest& request);

/// For messages and events: the user who has called, also behind sudo.
std::string calling_user();

}  // namespace multilink
