// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/icmp_socket.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/prober.hpp"

namespace multilink {

/// The Prober on one raw socket a family for all uplinks. Needs CAP_NET_RAW. On a kernel without IPv6 probes for it
/// are refused with EAFNOSUPPORT.
///
/// Each probe names its device in IP_PKTINFO or IPV6_PKTINFO, so that the routing lookup is done for that device as with a
/// socket bound to it, and one sendmmsg serves many. A `type route` chain that changes the probe's mark would
/// have it re-routed without the device: the mark is one that no rule of ours changes.
///
/// Arrival times are the kernel's receive timestamps. Those are of the wall clock; what is taken from them is
/// the age of a message at the moment it is read, so that a step of the wall clock shifts nothing but what is
/// in the socket at that very moment, and that by a second at most. The kernel begins to stamp a moment after
/// the first socket has asked for it; until then a message is as old as its reading.
class IcmpProber final : public Prober {
 public:
  /// Throws StartFailure when a socket is not allowed, std::system_error when it cannot be set up.
  IcmpProber(EventLoop& loop, Log& log);

  Result<void> listen(const ProbeIdentity& identity,
                      std::function<void(std::span<const ArrivedMessage>)> on_arrivals) override;
  std::vector<Result<MonoTime>> send(std::span<const OutgoingProbe> probes) override;

 private:
  /// Of `probes` those at the positions `which`, all of the socket's family.
  static void send_all(IcmpSocket& socket, std::span<const OutgoingProbe> probes,
                       std::span<const std::size_t> which, std::vector<Result<MonoTime>>& results);

  std::map<Family, std::unique_ptr<IcmpSocket>> sockets_;
};

}  // namespace multilink
