// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/ip_address.hpp"

namespace multilink {

/// Where the proxy takes connections.
struct ListenPlace {
  std::optional<IpAddress> address;  ///< none: every address of this host
  std::uint16_t port = 0;

  bool operator==(const ListenPlace&) const = default;
};

/// "3128", "192.0.2.1:3128", "[2001:db8::1]:3128": the form of the configuration, and Squid's own.
std::string to_string(const ListenPlace& place);
std::optional<ListenPlace> parse_listen_place(std::string_view text);

/// `[squid]`: the web proxy that spreads its requests over the uplinks.
struct SquidConfig {
  bool enabled = false;
  std::vector<ListenPlace> listen{{std::nullopt, 3128}};
  std::vector<IpPrefix> allow;     ///< networks whose clients it serves, besides this host; none of length 0
  unsigned cache_memory_mib = 64;  ///< of cached objects, in the child alone

  bool operator==(const SquidConfig&) const = default;
};

/// How many uplinks can have a parent: as many as there are system users for them.
inline constexpr unsigned kMostParents = 16;
/// The parent with seat n (from 1) listens on 127.0.0.1, at this + n.
inline constexpr std::uint16_t kParentPortBase = 3220;

}  // namespace multilink
