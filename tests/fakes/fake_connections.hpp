// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "multilink/ports/connections.hpp"

namespace multilink::fakes {

/// Fails a number of times with an errno, or for ever.
class Failing {
 public:
  static constexpr unsigned kForEver = 1'000'000;

  void fail(int code, unsigned times = kForEver) { code_ = code, times_ = times; }
  void mend() { times_ = 0; }

 protected:
  /// The Error of this call, if it is to fail.
  Result<void> attempt();

 private:
  int code_ = 0;
  unsigned times_ = 0;
};

/// An in-memory table of connections.
class FakeConnections final : public Connections, public Failing {
 public:
  Result<std::vector<Connection>> list(Family family, const MarkMatch& mark) override;
  Result<std::size_t> remove(std::span<const Connection> connections) override;
  Result<std::size_t> mark(std::span<const Connection> connections, const MarkMatch& mark) override;

  /// Gives it an id. One between the same ends must not be there.
  Connection add(Connection connection);
  const std::vector<Connection>& entries() const { return entries_; }

  std::function<void()> on_remove = [] {};  ///< before it happens
  int removal_error = 0;                    ///< not 0: remove() fails with it

 private:
  Connection* find(const Connection& connection);

  std::vector<Connection> entries_;
  std::uint32_t last_id_ = 0;
};

class FakeSockets final : public LocalSockets, public Failing {
 public:
  Result<std::size_t> destroy(std::span<const ConnectionTuple> connections, const TiedUsers& tied) override;

  std::set<ConnectionTuple> open;
  std::map<ConnectionTuple, std::uint32_t> opening;  ///< nobody has answered yet: the user of each
  std::map<ConnectionTuple, std::uint32_t> users;    ///< of open ones: 0 where not given
  std::function<void()> on_destroy = [] {};          ///< before it happens
};

class FakeClients final : public ClientNotifier, public Failing {
 public:
  Result<std::size_t> notify(std::span<const ConnectionTuple> connections) override;

  std::vector<ConnectionTuple> told;
};

}  // namespace multilink::fakes
