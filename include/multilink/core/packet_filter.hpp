// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/prefix_translation.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// The nftables table `inet multilink` as values: what is wanted of it, and its text.

/// One uplink as the table needs it.
struct FilteredUplink {
  unsigned index = 0;  ///< uplink_index.hpp; its mark is PacketMarks::of_uplink(index)
  std::string device;  ///< as the kernel names it now
  /// Its own addresses, of both families. One that several uplinks have (behind routers of the same make, say) is
  /// each one's own. Link-local ones do not count.
  std::set<IpAddress> addresses;
  std::set<Family> masquerade;  ///< whose packets get the uplink's own address, whoever sent them
  std::optional<PrefixTranslation> translation;  ///< goes before `masquerade`
  /// Whose UDP flows are held no longer: what began on this side goes the way of new flows from now on. Where
  /// its source was masqueraded the kernel itself forgets the flow at its first packet that leaves elsewhere.
  std::set<Family> udp_moves = {};

  bool operator==(const FilteredUplink&) const = default;
};

/// The whole wanted table.
struct PacketFilterTable {
  std::uint32_t mark_mask = 0x3f000000;
  std::vector<FilteredUplink> uplinks;  ///< no index and no device twice
  /// The users of the proxy's parents. They begin no TCP connection to this host, whatever its addresses are: what is on
  /// it, the proxy's users have no business with.
  std::vector<UidRange> parents = {};

  bool operator==(const PacketFilterTable&) const = default;
};

/// One direction of a TCP connection, as its packets look on the side of the LAN: from the client to the server.
struct TcpTuple {
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;  ///< of the same family
  std::uint16_t destination_port = 0;

  auto operator<=>(const TcpTuple&) const = default;
};

/// Devices that are black holes for a drill.
inline constexpr std::string_view kDrilled = "drilled";
inline constexpr unsigned kMostDrilled = 64;

/// The families in which what belongs to no connection is reset.
inline constexpr std::string_view kOrphaned = "orphaned";

inline constexpr std::string_view kFilterTable = "multilink";  ///< of the family inet
/// The sets of tuples whose packets are reset: IPv4's and IPv6's.
inline constexpr std::string_view kEvicted4 = "evicted4";
inline constexpr std::string_view kEvicted6 = "evicted6";
inline constexpr unsigned kMostEvicted = 65536;  ///< elements of each set

/// Why nftables has no words for a device of this name; empty when it has. Any other name that Linux allows can be
/// written, and never means more than itself.
std::string_view why_not_filterable(std::string_view device);

/// What the table has now, as far as replacing it goes.
struct PresentFilter {
  bool exists = false;
  std::set<std::string> chains;
  std::set<std::string> sets;  ///< named ones
  bool has_objects = false;    ///< counters, flow tables and the like: never ours
};

/// Whether the rules ask the sets. Most of the time these are empty, and asking costs each packet: 6 % of the throughput of
/// a gateway for the tuples alone, measured.
enum class Exceptions : std::uint8_t {
  none,     ///< the sets are empty
  possible  ///< a drill, evicted connections, or what belongs to no connection any more
};

/// The transaction, in the words of nft, that makes the table what is wanted, whatever it was:
///
/// - in place, where it holds nothing but what some such text made: the base chains and the sets of evicted tuples
///   stay, all rules are replaced. So no packet can pass between two tables, and evicted tuples stay evicted.
/// - anew, where others have put something into it (or `present` is older than the kernel): the tuples are lost.
///
/// An Error names the device that cannot be written (why_not_filterable()).
Result<std::string> filter_in_place(const PacketFilterTable& table, Exceptions exceptions,
                                    const PresentFilter& present);
Result<std::string> filter_anew(const PacketFilterTable& table, Exceptions exceptions = Exceptions::none);
/// The transaction that makes the device, for which nftables has words, a black hole for so long, where the rules ask
/// the sets.
std::string begin_drill(std::string_view device, std::chrono::milliseconds length);
/// The transaction of PacketFilter::reset_orphans().
std::string reset_orphans(Family family, std::chrono::milliseconds length);
/// Whether filter_in_place() will do: nothing in it is anybody else's.
bool holds_only_ours(const PresentFilter& present);

}  // namespace multilink
