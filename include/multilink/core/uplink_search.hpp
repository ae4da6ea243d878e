// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/dhcp_lease.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// What `multilinkctl init` finds: which devices of this host are lines to the Internet, and which are not. All that counts
/// is what the host does now: an uplink is a device by which a default route leads, or a DHCP client's lease names a router.

/// What the kernel says of a device beyond Link.
struct DeviceKind {
  unsigned link_index = 0;
  std::string kind = {};  ///< "bridge", "wireguard", "tun", ...: IFLA_INFO_KIND; empty: a real device
  unsigned master = 0;    ///< index of the bridge, bond or VRF it belongs to; 0: none

  bool operator==(const DeviceKind&) const = default;
};

/// Whether devices of this kind carry packets inside of others, which leave by an uplink themselves.
bool is_tunnel(std::string_view kind);

/// Who told of the way out, the one that counts most first.
enum class WayOrigin : std::uint8_t { main, other_table, lease, ours };

/// The way to the Internet by one device and family.
struct FoundWay {
  WayOrigin origin = WayOrigin::main;
  std::uint32_t table = kMainTable;
  std::uint32_t metric = 0;
  std::uint8_t protocol = 0;         ///< of the route: who set it
  std::optional<IpAddress> gateway;  ///< none: on a point-to-point device, or nothing tells it
  unsigned weight = 1;               ///< among the hops of a route with several
  std::size_t order = 0;             ///< of the route among all of its family

  bool operator==(const FoundWay&) const = default;
};

struct FoundUplink {
  std::string device;
  std::string name;  ///< differs from the device where that is no name
  std::string kind;
  std::string mac;
  bool point_to_point = false;
  bool carrier = false;
  std::map<Family, FoundWay> ways;
  std::map<Family, std::vector<IpPrefix>> addresses;  ///< usable global ones
  std::optional<unsigned> precedence;                 ///< none: the place in the file says it
  unsigned weight = 1;

  bool operator==(const FoundUplink&) const = default;
};

struct LeftOut {
  std::string device;
  std::string reason;  ///< for people

  bool operator==(const LeftOut&) const = default;
};

struct UplinkSearch {
  std::vector<FoundUplink> uplinks;  ///< best first: by the metric of IPv4, then of IPv6
  std::vector<LeftOut> left_out;     ///< in the kernel's order
  bool has_lan = false;  ///< there is a device with an address that is no uplink, tunnel or loopback

  bool operator==(const UplinkSearch&) const = default;
};

/// `leases`: those in force. A device that no section can name is left out, with the reason.
UplinkSearch search_uplinks(const KernelState& state, const std::vector<DeviceKind>& kinds,
                            const std::vector<DhcpLease>& leases, const RoutingNumbers& numbers);

/// The interfaces.conf for them, with comments: valid by parse_config(), which the search has made sure of for each.
/// `path`: what the file will be called.
std::string render_found_config(const UplinkSearch& search, std::string_view path);

/// The same for the terminal: what was found and left out, a line each.
std::string describe_search(const UplinkSearch& search);

}  // namespace multilink
