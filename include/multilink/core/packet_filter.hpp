// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/packet_marks.hpp"

namespace multilink {

/// The nftables table `inet multilink` as values: what is wanted of it, and its text.

/// IPv6 prefixes of equal length: what leaves with a source in `inside` bears the same host bits in `outside`.
struct PrefixTranslation {
  IpPrefix inside;
  IpPrefix outside;

  auto operator<=>(const PrefixTranslation&) const = default;
};

/// One uplink as the table needs it.
struct FilteredUplink {
  unsigned index = 0;  ///< uplink_index.hpp; its mark is PacketMarks::of_uplink(index)
  std::string device;  ///< as the kernel names it now
  /// Its own addresses, of both families. One that another uplink has too (both behind routers of the same make)
  /// tells nothing, and is taken to be each one's own.
  std::set<IpAddress> addresses;
  std::set<Family> masquerade;  ///< whose packets get the uplink's own address, whoever sent them
  std::optional<PrefixTranslation> translation;  ///< goes before `masquerade`

  bool operator==(const FilteredUplink&) const = default;
};

/// The whole wanted table.
struct PacketFilterTable {
  std::uint32_t mark_mask = 0x3f000000;
  std::vector<FilteredUplink> uplinks;  ///< no index and no device twice

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

}  // namespace multilink
