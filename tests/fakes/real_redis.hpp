// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/ports/store.hpp"

namespace multilink::fakes {

/// A redis-server of the test's own, on a unix socket in a new directory below /tmp; nothing is persistent.
/// It ends with this object, and also when the thread that started it dies. Failures are exceptions.
class RealRedis {
 public:
  /// `config`: further lines of redis.conf. The server runs in the calling thread's network namespace.
  explicit RealRedis(std::vector<std::string> config = {});
  RealRedis(const RealRedis&) = delete;
  RealRedis& operator=(const RealRedis&) = delete;
  ~RealRedis();

  void start();  ///< returns when it answers
  void kill();   ///< SIGKILL; the data are lost
  void freeze();
  void thaw();

  RedisAddress address() const;
  const std::string& directory() const { return directory_; }
  pid_t pid() const { return pid_; }
  /// Runs one command on a connection of its own, as the default user; waits for the reply.
  Reply execute(const Store::Command& command) const;

 private:
  std::string socket_path() const { return directory_ + "/redis.sock"; }

  std::string directory_;
  pid_t pid_ = 0;
};

}  // namespace multilink::fakes
