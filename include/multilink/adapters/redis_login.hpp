// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/core/result.hpp"

namespace multilink {

/// Who logs in to Redis, as which user of its access control list.
struct RedisLogin {
  std::string user;
  std::string password;

  bool operator==(const RedisLogin&) const = default;
};

/// The login in a file: two words, "user password". None when there is no such file or only blanks in
/// it: Redis then asks for no user. An Error when it cannot be read or holds anything else (the message never shows its
/// content).
Result<std::optional<RedisLogin>> read_redis_login(const std::string& path);

/// The login from the credential `redis` that the service manager provides ($CREDENTIALS_DIRECTORY); none
/// without such a directory.
Result<std::optional<RedisLogin>> read_redis_login();

}  // namespace multilink
