// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/ip_protocol.hpp"

namespace multilink {

/// One direction of a connection, as its packets look. A protocol without ports has zeros.
struct ConnectionTuple {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;       ///< ICMP: the identifier
  std::uint16_t destination_port = 0;  ///< ICMP: type * 256 + code

  auto operator<=>(const ConnectionTuple&) const = default;
};

/// The states in which connection tracking sees a TCP connection, with the kernel's numbers.
enum class TcpState : std::uint8_t {
  none,
  syn_sent,
  syn_received,
  established,
  fin_wait,
  close_wait,
  last_ack,
  time_wait,
  close,
  syn_sent_both,  ///< a simultaneous open
};

/// One entry of the kernel's connection tracking. `original` is the direction of the packet that began it, before
/// any translation; `reply` is what answers look like when they come in, so that its destination is the address that the
/// connection bears outside (source translation), and its source the one it is really with (destination translation).
struct Connection {
  std::uint8_t protocol = 0;
  ConnectionTuple original;
  ConnectionTuple reply;
  std::uint32_t mark = 0;  ///< packet_marks.hpp says whose uplink it names
  std::uint32_t id = 0;    ///< the kernel's: tells it, mostly, from a later one of the same ends
  std::uint16_t zone = 0;  ///< conntrack zone of the original direction
  std::optional<TcpState> tcp_state = {};  ///< of TCP only
  bool answered = false;                   ///< packets were seen in both directions

  Family family() const { return original.source.family(); }
  bool operator==(const Connection&) const = default;
};

}  // namespace multilink
