// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "multilink/core/connection.hpp"
#include "multilink/core/inside_networks.hpp"

namespace multilink {

/// Which connections of an uplink are moved.
enum class EvictionScope : std::uint8_t {
  udp,              ///< those that survive it: UDP, and pings of others than this host
  udp_and_opening,  ///< and TCP connections whose SYN nobody has answered: the next SYN opens them elsewhere
  all,
};

/// Whether it goes from this side of the uplinks to the other. What came in from outside is not, and what stays
/// inside. A connection whose source is translated on its way out counts wherever it began: networks that a routing
/// protocol has told of are not among those that multilink reads.
bool goes_out(const Connection& connection, const InsideNetworks& inside);

/// This host is the end that began it.
bool is_local(const Connection& connection, const InsideNetworks& inside);

/// Of connections pinned to one uplink, those that move to another when their entry is removed: what goes out, of
/// this scope.
std::vector<Connection> connections_to_move(std::span<const Connection> pinned, EvictionScope scope,
                                            const InsideNetworks& inside);

/// Of connections pinned to an uplink that translates what goes out, those whose source nobody has translated and to which
/// nobody has answered. Translation is settled by a connection's first packet: these began while there was no rule for it,
/// and keep the address from inside, which nobody outside knows, for as long as somebody goes on sending.
std::vector<Connection> never_translated(std::span<const Connection> pinned, const InsideNetworks& inside);

/// Of connections pinned to an uplink whose addresses are `own`, those that bear another address of this host by translation
/// and that nobody has answered. Masquerading takes some address of the host where the device has none at that moment;
/// nobody outside answers to it, and it stays for as long as somebody goes on sending.
std::vector<Connection> translated_astray(std::span<const Connection> pinned, const std::set<IpAddress>& own,
                                          const InsideNetworks& inside);

/// A TCP connection that has got so far that its ends must be told when it is cut, and is not over. One that has sent
/// nothing but its SYN is not: the next SYN opens it by the new route.
bool must_be_told(const Connection& connection);

}  // namespace multilink
