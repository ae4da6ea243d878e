// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/core/config.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// Who logs in. From the credential file `redis` of the service manager ($CREDENTIALS_DIRECTORY), two words:
/// "user password".
struct RedisLogin {
  std::string user;
  std::string password;
};
Result<std::optional<RedisLogin>> read_redis_login();

/// The Store on a real Redis: hiredis, two connections (commands, subscriptions), a deadline on every command
/// (a frozen server shows no error), reconnects with backoff from 10 ms to 250 ms.
class RedisStore final : public Store {
 public:
  RedisStore(EventLoop& loop, Log& log, RedisAddress address, std::optional<RedisLogin> login);
  ~RedisStore() override;

  void start(std::vector<std::string> channels, Events events) override;
  bool is_ready() const override;
  void run(std::vector<Command> commands, Done done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
