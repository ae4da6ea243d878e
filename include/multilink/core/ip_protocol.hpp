// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace multilink {

/// Protocol numbers of IP (RFC 790 and later) that a decision depends on.
namespace ip_protocol {
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpv6 = 58;
}  // namespace ip_protocol

/// Of those whose ports multilink tells.
constexpr bool has_ports(std::uint8_t protocol) {
  return protocol == ip_protocol::kTcp || protocol == ip_protocol::kUdp;
}

/// As iproute2 has it: "icmp", "tcp", "udp", "ipv6-icmp", else the number.
std::string protocol_name(std::uint8_t protocol);
/// One of these names or a number from 1 to 255.
std::optional<std::uint8_t> parse_protocol(std::string_view text);

}  // namespace multilink
