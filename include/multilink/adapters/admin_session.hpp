// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/adapters/status_source.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// The login that may write the administrator's orders; only root can read it.
inline constexpr const char* kAdminLoginPath = "/etc/multilink/credentials/admin";

/// "Redis refuses it: …", with the remedy where it is full. Untrusted text.
std::string refused_by_redis(std::string_view refusal);

/// A conversation of multilinkctl with Redis: one batch after another, and pauses that SIGINT, SIGTERM and SIGHUP cut short.
/// They do not end the process from then on: ask is_interrupted().
class AdminSession {
 public:
  explicit AdminSession(StatusSource source);
  ~AdminSession();

  /// The replies, or an Error at the latest after `deadline`.
  Result<std::vector<Reply>> run(const std::vector<Store::Command>& commands, Duration deadline);
  /// What healthd says of each uplink that it lists; one that cannot be understood is left out.
  Result<std::map<std::string, HealthRecord>> read_health(const RedisKeys& keys, Duration deadline);
  /// Returns at once where a signal has come.
  void pause(Duration length);
  bool is_interrupted() const;
  Now now() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
