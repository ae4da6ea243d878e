// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/rule_place.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// The families that are routed. Everything below is the same for both.
inline constexpr std::array kRoutedFamilies{Family::v4, Family::v6};

/// The priorities of the owned rules, as offsets to the base that place_rules() finds. A rule of one uplink selects
/// only that uplink's own packets: those bound to its device, those pinned to it by their mark, and those that bear
/// one of its addresses, retired ones included. All other packets meet none of our rules, so that the rules of VPNs see
/// them as if multilink were not there.
namespace rule_offset {
/// uidrange PARENT lookup T_i: all that the proxy's parent of the uplink sends leaves by the uplink, its questions to name
/// servers too. First of all, and the whole table: a parent has no business in the LAN.
inline constexpr std::uint32_t kParent = 1;
inline constexpr std::uint32_t kParentNoLeak =
    2;                                        ///< all users of parents, unreachable: never by another uplink
inline constexpr std::uint32_t kDevice = 10;  ///< oif DEVICE lookup T_i
/// fwmark M_i or from ADDRESS, lookup T_i suppress_prefixlength 0: the uplink's own networks come first, so that two
/// uplinks may have the same subnet or the same gateway address.
inline constexpr std::uint32_t kNear = 20;
/// The same, lookup main suppress_prefixlength no_network(): the LAN is never cut, whatever becomes of the uplink.
inline constexpr std::uint32_t kLocalNets = 30;
inline constexpr std::uint32_t kFar = 40;     ///< the same, lookup T_i: out through the uplink's gateway
inline constexpr std::uint32_t kNoLeak = 50;  ///< the same, unreachable: never out through another uplink
/// From DHCP clients of this host to the server of the uplink's lease, lookup T_i. dhclient sends renewals from a socket
/// that is bound to nothing: to a server which is not on the link they would leave by the default, that is by another
/// uplink and with its address, and the lease would expire.
inline constexpr std::uint32_t kRenewal = 60;
/// What the rules by address have on top. A mark tells how the connection began; it counts more than the address, and
/// most packets that users wait for bear one: the kernel goes through the rules one by one.
inline constexpr std::uint32_t kByAddress = 1;
}  // namespace rule_offset

/// Of the routes of `main`, these lengths and shorter ones are no network of anybody's but the whole Internet or a part
/// of it, as VPNs take it by two halves (0.0.0.0/1 and 128.0.0.0/1, or 2000::/4 and 3000::/4): they must not have what
/// belongs to an uplink. 224.0.0.0/4 and fc00::/7 are networks.
/// Nor may it be 0: `wg-quick down` deletes every rule that it sees as "lookup main suppress_prefixlength 0", whosoever.
constexpr std::uint32_t no_network(Family family) {
  return family == Family::v4 ? 3 : 6;
}

/// One uplink as the plan needs it.
struct PlannedUplink {
  unsigned index = 0;   ///< its table is RoutingNumbers::table_base + index
  MarkMatch mark = {};  ///< of the packets that are pinned to it: PacketMarks
  unsigned weight = 1;
  bool enabled = true;  ///< may carry; its own packets leave by it all the same
  /// The name of its device, for rules; also while there is no such device (a rule waits for it, and keeps
  /// the index). Empty where the name is not known: an uplink matched by `mac` whose device is not there.
  std::string device;
  UplinkFacts facts;
  /// The families in which its address does not hold packets on it: there are no rules by address.
  std::set<Family> gives_way = {};
  std::optional<std::uint32_t> parent = {};  ///< the user of the proxy's parent that is tied to it
};

/// Who carries each family: positions in the list of uplinks. Empty or absent: what is owned there stays, but
/// for next hops over links of uplinks that are not enabled.
using Carriers = std::map<Family, std::vector<std::size_t>>;

/// All that multilink wants to own in the kernel, the most urgent first.
struct OwnedState {
  std::vector<Route> routes;
  std::vector<Rule> rules;

  bool operator==(const OwnedState&) const = default;
};

/// What the rules of the uplinks select, in both families.
OwnPackets packets_of(const std::vector<PlannedUplink>& uplinks);

/// The wanted state. `state` is the kernel as read.
///
/// - *One default in `main`* a family, over the carriers, and the front where one of others is before it:
///   default_place.hpp.
/// - *A table a uplink*: copies of the foreign specific routes of `main` through its device, and a default
/// through
///   its gateway. No unreachable route in it: the kernel does not suppress such a route
///   (fib_rules_lookup() suppresses only what was found), it would cut the LAN in the rule kNear.
/// - *Rules*, see rule_offset. Where an uplink has no IPv6 address it has no IPv6 table and rules either, but for those of
///   parents, which bar what they lead nowhere. `parents`: all users of parents, in use or not.
///
/// A default over one uplink has the attributes (MTU and the like) of the one that others have through its device.
/// In IPv6 the kernel takes no route with several next hops one of which has no gateway: a device that needs none
/// carries alone there if it is the first of its tier, else not at all.
/// No preferred source is set: the kernel takes the address of the device whose network holds the gateway.
OwnedState plan_routes(const std::vector<PlannedUplink>& uplinks, const Carriers& carriers,
                       const KernelState& state, const RoutingNumbers& numbers,
                       const std::vector<UidRange>& parents = {});

}  // namespace multilink
