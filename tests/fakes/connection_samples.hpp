// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "multilink/core/connection.hpp"
#include "multilink/core/inside_networks.hpp"
#include "multilink/core/kernel_state.hpp"

namespace multilink::fakes {

inline constexpr std::uint32_t kMask = 0x3f000000;

/// "192.0.2.2:80" or "[2001:db8::1]:80" to such another one.
ConnectionTuple tuple(std::string_view source, std::string_view destination);

/// `reply` none: without any translation.
Connection connection(std::uint8_t protocol, const ConnectionTuple& original,
                      std::optional<ConnectionTuple> reply = std::nullopt, std::uint32_t mark = 0);
/// An established one.
Connection tcp(std::string_view source, std::string_view destination, std::uint32_t mark = 0);
Connection udp(std::string_view source, std::string_view destination, std::uint32_t mark = 0);
/// The same, but that it bears the address `as` outside.
Connection translated(Connection connection, std::string_view as);

/// A gateway: wan1 (link 2, 192.0.2.2/24, 2001:db8:1::2/64), wan2 (link 3, 198.51.100.2/24, 2001:db8:2::2/64), and the
/// LAN at lan0 (link 4, 10.0.0.1/24, fd00::1/64). 10.20.0.0/16 is reached through 10.0.0.9, 203.0.113.64/26 through
/// wan1.
KernelState gateway_state();
InsideNetworks gateway_inside();

}  // namespace multilink::fakes
