// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "multilink/adapters/netlink_batch.hpp"
#include "multilink/adapters/netlink_parse.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/ports/connections.hpp"

namespace multilink {

/// One TCP socket of this host, as sock_diag(7) tells of it.
struct TcpSocketEntry {
  unsigned char af = 0;  ///< of the socket: AF_INET6 also where it speaks IPv4
  ConnectionTuple ends;  ///< IPv4 where it speaks that
  std::vector<std::byte>
      id;  ///< the kernel's words for it, by which it is told from one that takes its place
  bool bound_to_device = false;
  std::uint32_t user = 0;
  bool is_opening = false;  ///< nobody has answered its SYN yet

  bool operator==(const TcpSocketEntry&) const = default;
};

/// Appends what a message of a dump tells of; `message.nlmsg_len` bytes must be readable.
Parsed parse_tcp_socket(const nlmsghdr& message, std::vector<TcpSocketEntry>& sockets);

/// The TCP sockets of the network namespace this object is made in, by sock_diag (SOCK_DESTROY, Linux 4.5). Needs
/// CAP_NET_ADMIN. Asked for a connection by its ends alone the kernel would take a socket that listens at the same port
/// where the connection has gone: so the sockets are read first, and destroyed by their identity. The netlink socket is
/// opened at the first use.
class NetlinkSockets final : public LocalSockets {
 public:
  Result<std::size_t> destroy(std::span<const ConnectionTuple> connections, const TiedUsers& tied) override;

 private:
  Result<void> collect(unsigned char af, std::span<const ConnectionTuple> sorted, const TiedUsers& tied);

  std::unique_ptr<NetlinkSocket> socket_;
  NetlinkBatch batch_;
};

}  // namespace multilink
