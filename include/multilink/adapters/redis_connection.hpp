// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/core/config.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// One connection to Redis from its beginning to its end: it is never reused after a failure. Commands may be
/// given at once, they are sent when the connection stands. What is owed for longer than the deadline ends
/// the connection, since a frozen server shows no error. Callbacks come from the loop, and any of them may
/// destroy the connection; destroying it calls nobody.
class RedisConnection {
 public:
  static constexpr Duration kDeadline = std::chrono::milliseconds(500);
  static constexpr std::size_t kMaxInFlight = 16384;  ///< commands without an answer yet

  struct Events {
    std::function<void(const Error&)> on_failed;  ///< once; the connection is over
    Store::Message on_message;                    ///< on a channel subscribed to
  };

  /// `address` holds a path or a literal address: resolving a name would block.
  RedisConnection(EventLoop& loop, const RedisAddress& address, Events events);
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;
  ~RedisConnection();

  /// Sends all in one write. `done` (may be empty) gets the replies; when the connection fails, nothing.
  void run(const std::vector<Store::Command>& commands, Store::Done done);
  /// From now on only for messages. `done`: every channel is confirmed.
  void subscribe(const std::vector<std::string>& channels, Store::Done done);
  /// Asks Redis for a sign of life unless one came since the last call.
  void check_alive();

  bool has_room_for(std::size_t commands) const;
  /// The callbacks of what will never be answered, in order; for the owner to call after a failure.
  std::vector<Store::Done> take_unanswered();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace multilink
