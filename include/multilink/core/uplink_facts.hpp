// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/dhcp_lease.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// What is known of one uplink without a probe: the same derivation for pingd, which reports it, and for
/// routed, which acts on it at once.
struct UplinkFacts {
  struct PerFamily {
    LinkFact fact = LinkFact::no_device;
    std::vector<IpPrefix> addresses;  ///< usable global ones, in the kernel's order
    /// Global ones that are valid, but deprecated: a privacy address of yesterday, a prefix that was renumbered.
    /// Nothing begins with them; what has begun with them still needs its way out.
    std::vector<IpAddress> retired{};
    std::optional<IpAddress> gateway;  ///< none on a point-to-point link
    /// The gateway is a link-local one, and only a route of our own still names it: GatewayGrace.
    bool remembered = false;
    bool onlink = false;       ///< the gateway is on the link, though no network of the link holds it
    std::string attributes{};  ///< of the default that told the gateway: Route::attributes
    /// Of the last DHCP lease whose address the device bears: where the client asks for renewals.
    std::optional<IpAddress> lease_server{};
    std::vector<std::uint32_t> metrics{};  ///< of foreign defaults through this link, ascending

    bool operator==(const PerFamily&) const = default;
  };
  unsigned link_index = 0;  ///< 0: no such device
  bool carrier = false;
  std::map<Family, PerFamily> families;  ///< always both

  bool operator==(const UplinkFacts&) const = default;
};

/// The device of an uplink: the one with its `mac` where that is configured, whatever its name, else the one
/// with its name. Null when there is none. Of several with the `mac` (a bridge or a VLAN has that of the device under
/// it) the one with the name counts, else the first.
const Link* find_uplink_link(const UplinkConfig& uplink, const KernelState& state);

bool is_ipv6_link_local(const IpAddress& address);

/// Whether one of the device's own prefixes holds the gateway. IPv6 gateways are mostly link-local: they are.
bool is_on_link(const IpAddress& gateway, unsigned link_index, const KernelState& state);

/// The name of the uplink's device, also while there is no such device. Empty where it is not known: an uplink matched by
/// `mac` whose device is not there.
std::string device_name(const UplinkConfig& uplink, const UplinkFacts& facts, const KernelState& state);

/// Derives the facts. The gateway of a family is, in this order: the configured one; that of the foreign
/// default with the lowest metric through the device (`main` before other tables; of several routers the preferred
/// one); that of a DHCP lease; that of our
/// own default through the device, as long as an address of the device still reaches it on the link, or the route
/// says onlink. The last makes a learned gateway survive the moment in which a DHCP client takes its route away and
/// puts it back, a restart, and a step of the clock by which leases end; a link-local gateway, which comes from router
/// advertisements and is reached always, it makes survive for GatewayGrace only. A configured gateway is onlink where a
/// default to it says so, and where the device has host addresses only (/32), so that no network could hold it.
///
/// Leases (`leases`: those in force, the oldest first) are for DHCP clients whose default never reaches the kernel:
/// without metrics, the second client's `ip route add default` fails, since a default is there. The last lease counts
/// whose address the device bears; without such a one, the last whose gateway an address of the device reaches.
UplinkFacts observe_uplink(const UplinkConfig& uplink, const KernelState& state,
                           const RoutingNumbers& numbers, const std::vector<DhcpLease>& leases);

}  // namespace multilink
