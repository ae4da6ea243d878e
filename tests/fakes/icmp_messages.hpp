// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multilink/core/ip_address.hpp"

namespace multilink::fakes {

/// ICMP messages as others make them, written apart from the code that reads them. Those of ICMPv6 are without a
/// checksum: it covers addresses that are not known here, and the kernel checks it.

/// The answer a target gives to an echo request.
std::vector<std::uint8_t> echo_reply_to(std::vector<std::uint8_t> request);
/// What a router says that cannot deliver it, with the first `quoted` bytes of the request (IPv6: all of it).
std::vector<std::uint8_t> unreachable_for(const IpAddress& target, const std::vector<std::uint8_t>& request,
                                          std::size_t quoted = 8);
void fill_icmp_checksum(std::vector<std::uint8_t>& message);

}  // namespace multilink::fakes
