// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/doctor.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl doctor` was asked for.
struct DoctorRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  bool json = false;
};

/// The exit status of a doctor that has found problems, beside those of all commands.
inline constexpr int kExitProblems = 2;

struct DoctorResult {
  std::string text;
  int status = 0;
};

/// Looks at everything there is to look at. Nothing of it changes the host, and a part that cannot be looked at is a note.
DoctorResult run_doctor(const DoctorRequest& request, Duration deadline);

/// Where redis-users has put the logins of the private Redis.
inline constexpr const char* kLoginsPath = "/etc/multilink/credentials";

/// Tries the login of each user in the folder with a command that changes nothing and that the user must be allowed.
Checks try_logins(const std::string& folder, const RedisAddress& redis, const std::string& site,
                  Duration deadline);

}  // namespace multilink
