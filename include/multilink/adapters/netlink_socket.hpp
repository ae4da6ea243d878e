// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "multilink/adapters/netlink_batch.hpp"
#include "multilink/adapters/netlink_message.hpp"
#include "multilink/core/result.hpp"

struct nlmsghdr;

namespace multilink {

/// Whom a socket talks to in the kernel.
enum class NetlinkProtocol : std::uint8_t {
  route,      ///< rtnetlink(7)
  sock_diag,  ///< sock_diag(7)
  netfilter,  ///< nfnetlink: connection tracking
};

/// Asks the kernel and waits for the answer, for 2 s at most (ETIMEDOUT; the late answer is then recognised by
/// its sequence number and dropped). The Error of each call has the raw errno, and in its message, behind
/// strerror's text, the kernel's own explanation where it gives one.
class NetlinkSocket {
 public:
  using Each = std::function<void(const nlmsghdr&)>;
  using OnRefused = std::function<void(std::size_t position, int code)>;

  /// Throws std::system_error when the kernel refuses the socket.
  explicit NetlinkSocket(NetlinkProtocol protocol = NetlinkProtocol::route);
  ~NetlinkSocket();

  /// Sends a request that changes something, and waits until it has been carried out.
  Result<void> change(NetlinkMessage message);
  /// Sends several requests in one piece, as a transaction of nfnetlink must come, and waits until the last that asks
  /// for an answer (NLM_F_ACK, at least one) has been answered. The first failure is the Error.
  Result<void> change_together(const std::vector<NetlinkMessage>& messages);
  /// Sends requests that change something, kBatch in a system call, and waits until each has been carried out
  /// or refused; tells of those that were refused. The Error is about the talk as a whole: what follows was not sent.
  Result<void> change_all(NetlinkBatch& batch, const OnRefused& on_refused);
  static constexpr std::size_t kBatch = 256;
  /// Sends a request for a dump, or for one thing, and hands each message of the answer to `each`; its header's length is within the
  /// data. True: complete. False: something changed meanwhile, so that parts may be missing or double
  /// (NLM_F_DUMP_INTR): dump again.
  Result<bool> dump(NetlinkMessage message, const Each& each);

 private:
  static constexpr int kRouteProtocol = 0;  // NETLINK_ROUTE

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace multilink
