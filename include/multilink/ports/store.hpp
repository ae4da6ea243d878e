// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// A reply of Redis: checked by type before it is used.
struct Reply {
  struct Nil {
    bool operator==(const Nil&) const = default;
  };
  struct Failure {
    std::string message;  ///< an error reply, e.g. "WRONGTYPE …"
    bool operator==(const Failure&) const = default;
  };
  using Array = std::vector<Reply>;
  std::variant<Nil, std::int64_t, std::string, Array, Failure> value;

  bool operator==(const Reply&) const = default;
};

/// Readings of a reply: an Error that says what came instead when the type is another.
Result<std::string> as_string(const Reply& reply);
Result<std::int64_t> as_integer(const Reply& reply);
Result<Fields> as_fields(const Reply& reply);  ///< the flat array of HGETALL; empty for no such key
/// The flat array of a WITHSCORES query, in order.
Result<std::vector<std::pair<std::string, double>>> as_scored(const Reply& reply);

/// Redis, as services see it. One thread; callbacks come from the loop, never from inside a call.
class Store {
 public:
  using Command = std::vector<std::string>;  ///< argv form: data is never part of a format string
  /// One reply a command, in order. An Error (and no replies) when the connection failed or the deadline
  /// passed: each of the commands may then have been executed or not.
  using Done = std::function<void(Result<std::vector<Reply>>)>;
  using Message = std::function<void(std::string_view channel, std::string_view payload)>;

  struct Events {
    /// Connected and subscribed to every channel: now read the snapshot. Called again after each reconnect.
    std::function<void()> on_ready;
    /// The connection was lost (called once for each on_ready). Reconnecting goes on by itself.
    std::function<void(const Error&)> on_lost;
    Message on_message;
  };

  virtual ~Store() = default;

  /// Connects, and keeps trying for ever. Call once. `channels` are subscribed to before each on_ready.
  virtual void start(std::vector<std::string> channels, Events events) = 0;
  virtual bool is_ready() const = 0;
  /// Sends all `commands` in one write. Fails at once (through `done`) when not ready. `done` may be empty.
  virtual void run(std::vector<Command> commands, Done done) = 0;
};

}  // namespace multilink
