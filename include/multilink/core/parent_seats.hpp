// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/packet_match.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// Which of the fixed system users (kMostParents of them) is the parent's of each uplink. The kernel knows the packets of a
/// parent by its user alone, so that an uplink keeps its user for as long as it is configured, whoever else comes and goes.

/// The seats, from 1 to kMostParents, by the uplink's name.
using ParentSeats = std::map<std::string, unsigned>;

/// "multilink-squid-3"
std::string user_of_seat(unsigned seat);
std::uint16_t port_of_seat(unsigned seat);

/// Who had a seat keeps it; the others get the lowest free ones in the order of `config.uplinks`, those last that uplinks which
/// are gone have left: so the new parent's port and user are not still in use by the old one. Uplinks that are no
/// longer configured have none, nor has anybody where the proxy is not enabled. The same again for what it gave: so whoever
/// allots from the same `before` comes to the same.
ParentSeats allot_seats(const Config& config, const ParentSeats& before);

/// A line "seat name" each.
std::string write_seats(const ParentSeats& seats);
/// The Error names the first line that is none, or that takes a seat or a name which another has.
Result<ParentSeats> parse_seats(std::string_view text);

/// The ids of these users, as the kernel sees them.
struct ParentUsers {
  std::map<std::string, std::uint32_t> by_uplink = {};  ///< who has a seat, by the uplink's name
  /// Every user there is, also those whose seat is free: whoever runs as one must leave by its uplink or not at all.
  std::vector<UidRange> all = {};

  bool operator==(const ParentUsers&) const = default;
};

/// As few ranges as hold exactly these.
std::vector<UidRange> ranges_of(const std::set<std::uint32_t>& ids);

}  // namespace multilink
