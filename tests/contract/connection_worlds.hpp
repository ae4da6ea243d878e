// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string_view>

#include "multilink/ports/connections.hpp"

namespace multilink {

/// What the contracts of Connections and LocalSockets are tried in: the fakes, or the adapters in a network namespace of
/// its own.
class ConnectionWorld {
 public:
  virtual ~ConnectionWorld() = default;

  virtual Connections& connections() = 0;
  virtual LocalSockets& sockets() = 0;

  /// As if its packets had passed. Its id does not count.
  virtual void add(const Connection& connection) = 0;
  /// A TCP connection of this host with itself: opens it, and gives the end that connected. `address`: IPv4, IPv6 or
  /// IPv4 in IPv6 form; `device`: what the socket is bound to, empty: nothing.
  virtual ConnectionTuple open(std::string_view address, std::string_view device = "") = 0;
  virtual bool is_open(const ConnectionTuple& connection) = 0;
  /// Whether whoever listens at the end of open()ed connections still does.
  virtual bool is_listening(const ConnectionTuple& connection) = 0;
};

std::unique_ptr<ConnectionWorld> make_fake_connection_world();
std::unique_ptr<ConnectionWorld> make_real_connection_world();

}  // namespace multilink
