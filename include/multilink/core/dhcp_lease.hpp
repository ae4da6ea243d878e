// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What a DHCPv4 client has written down of a lease, as far as it tells a gateway. DHCPv6 names none.
struct DhcpLease {
  std::string device{};     ///< its name at that time; empty where the client goes by the index
  unsigned link_index = 0;  ///< 0: the name counts
  IpAddress address{};      ///< what was leased
  /// The router of the default route; none: the lease says that there is none, or that it is on the link.
  std::optional<IpAddress> gateway{};
  std::optional<WallTime> expires{};  ///< none: never, or the client takes the file away in time
  std::optional<IpAddress> server{};  ///< by its own word (option 54): where the client sends its renewals

  bool operator==(const DhcpLease&) const = default;
};

/// Those that have not expired, in the same order. The clock on the wall counts, for clients write nothing else; a
/// step of it forgets no gateway that is in use (see observe_uplink()).
std::vector<DhcpLease> in_force(std::vector<DhcpLease> leases, WallTime now);

/// The following read what clients write for themselves. The text is not trusted: it may be cut off, and it bears
/// options from any server that answered. What is malformed or incomplete is passed over, for a lease that is just
/// being written looks the same. Routers that cannot be one (0.0.0.0, 127.0.0.1, multicast) are none; where there are
/// classless static routes (RFC 3442), their default counts, and option routers does not.

/// dhclient.leases(5): all leases of all devices, the oldest first; at most the last `most`.
std::vector<DhcpLease> parse_dhclient_leases(std::string_view text, std::size_t most = 64);

/// A file of /run/systemd/netif/leases, whose name is the index. It is removed when the lease ends.
std::optional<DhcpLease> parse_networkd_lease(std::string_view text, unsigned link_index);

/// A file of /run/NetworkManager/devices, whose name is the index: its group [dhcp4], if it has one.
std::optional<DhcpLease> parse_networkmanager_device(std::string_view text, unsigned link_index);

}  // namespace multilink
