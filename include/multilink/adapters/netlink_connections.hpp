// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "multilink/adapters/netlink_batch.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/ports/connections.hpp"
#include "multilink/ports/log.hpp"

namespace multilink {

/// The connection tracking of the network namespace this object is made in, by nfnetlink. Needs CAP_NET_ADMIN. The
/// socket is opened at the first use.
class NetlinkConnections final : public Connections {
 public:
  explicit NetlinkConnections(Log& log) : log_(log) {}

  Result<std::vector<Connection>> list(Family family, const MarkMatch& mark) override;
  Result<std::size_t> remove(std::span<const Connection> connections) override;
  Result<std::size_t> mark(std::span<const Connection> connections, const MarkMatch& mark) override;

 private:
  Result<NetlinkSocket*> socket();
  void read(const nlmsghdr& message, std::vector<Connection>& connections);
  Result<std::size_t> carry_out(std::string_view doing);

  Log& log_;
  std::unique_ptr<NetlinkSocket> socket_;
  NetlinkBatch batch_;
  std::uint64_t malformed_ = 0;
};

}  // namespace multilink
