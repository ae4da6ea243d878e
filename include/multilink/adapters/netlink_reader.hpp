// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "multilink/adapters/netlink_parse.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/log.hpp"

namespace multilink {

/// Dumps of the kernel's state as values. A dump during which something changed is repeated, a few times at
/// most (then EAGAIN). Malformed messages are skipped, counted and logged.
class NetlinkReader {
 public:
  /// All outlive this.
  NetlinkReader(NetlinkSocket& socket, Log& log, RoutingNumbers numbers);

  Result<KernelState> everything();
  /// What decides where a packet to `destination` goes: parse_message_about().
  Result<KernelState> everything_about(const IpAddress& destination);
  /// The routes of one table to this destination, in the kernel's order. The kernel has to walk the whole
  /// table.
  Result<std::vector<Route>> routes_to(const IpPrefix& destination, std::uint32_t table);
  /// Those of our own protocol only: the kernel walks as far, but tells nothing of the others.
  Result<std::vector<Route>> owned_routes_to(const IpPrefix& destination, std::uint32_t table);
  Result<std::vector<Rule>> rules(Family family);
  /// Reads one message, which may be a notification too.
  Parsed parse(const nlmsghdr& message, KernelState& state);

 private:
  using Request = std::function<Result<NetlinkMessage>()>;

  Result<KernelState> everything(const IpAddress* destination);
  Parsed note(Parsed result, const nlmsghdr& message);
  /// Appends what the answer to `request` holds. `af`: only of this address family. `destination`: if it is given, only
  /// the routes about it.
  Result<void> dump(const Request& request, unsigned char af, KernelState& state,
                    const IpAddress* destination = nullptr);
  Result<std::vector<Route>> routes_to(const IpPrefix& destination, std::uint32_t table,
                                       std::uint8_t protocol);

  NetlinkSocket& socket_;
  Log& log_;
  RoutingNumbers numbers_;
  std::uint64_t malformed_ = 0;
};

}  // namespace multilink
