// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/adapters/netlink_reader.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/explanation.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/log.hpp"

namespace multilink {

/// Questions to the kernel of the network namespace this object is made in. Needs no right.
class NetlinkQuery {
 public:
  /// Throws std::system_error when the kernel refuses a netlink socket. `log` outlives this.
  NetlinkQuery(Log& log, RoutingNumbers numbers);

  /// What routed decides by: NetlinkReader::everything().
  Result<KernelState> state();
  /// What decides about packets to `destination`.
  Result<KernelState> state_about(const IpAddress& destination);
  /// Where the kernel says that the packet goes (RTM_GETROUTE). The Error: it cannot be asked about such a packet.
  /// `links` names the devices.
  Result<KernelAnswer> ask(const Flow& flow, const KernelState& links);

 private:
  NetlinkSocket socket_;
  NetlinkReader reader_;
};

}  // namespace multilink
