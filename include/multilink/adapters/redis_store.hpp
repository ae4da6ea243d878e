// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/redis_login.hpp"
#include "multilink/core/config.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// The Store on a real Redis: hiredis on the loop, two connections (a subscribed one runs no commands;
/// without channels there is only one), a deadline on every answer and a question when all is quiet (a frozen
/// server shows no error), reconnects for ever with backoff from 10 ms to 250 ms. Of each outage the log
/// hears the loss, a refused login with its remedy, and the return, once each. At most
/// RedisConnection::kMaxInFlight commands wait for their answers; what is beyond fails at once.
class RedisStore final : public Store {
 public:
  /// Redis and the daemons start at once, in whatever order.
  static constexpr Duration kStarting = std::chrono::seconds(2);

  /// `starting`: a daemon's, which needs Redis for good: so long from now it is no news that it is not there yet. Zero: a
  /// command's, which gives up by itself.
  RedisStore(EventLoop& loop, Log& log, RedisAddress address, std::optional<RedisLogin> login,
             Duration starting = {});
  ~RedisStore() override;

  void start(std::vector<std::string> channels, Events events) override;
  bool is_ready() const override;
  void run(std::vector<Command> commands, Done done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
