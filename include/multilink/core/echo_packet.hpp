// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// ICMP echo as multilink probes with it (RFC 792, RFC 4443). The payload is 16 bytes: the probe's 64-bit
/// sequence and a 64-bit nonce drawn anew for each probe. Whoever cannot see the probe cannot answer it: the
/// nonce would have to be guessed.

/// What identifies one probe on the wire. The header's 16-bit sequence is the low end of the full one.
struct EchoRequest {
  std::uint16_t identifier = 0;
  std::uint64_t sequence = 0;
  std::uint64_t nonce = 0;

  bool operator==(const EchoRequest&) const = default;
};

/// The whole ICMP message. The checksum is filled in for IPv4; for IPv6 it covers addresses that only the
/// kernel knows and is left zero for it.
std::vector<std::uint8_t> build_echo_request(Family family, const EchoRequest& request);

/// The checksum of the IPv4 message (RFC 1071).
std::uint16_t echo_checksum(const EchoRequest& request);

struct EchoReply {
  EchoRequest echoed;

  bool operator==(const EchoReply&) const = default;
};

/// A router's word that a probe will not arrive. IPv4 routers may quote as little as the probe's 8-byte
/// header (RFC 792): its checksum, which covers the nonce, is then what tells a true quote from a guess. IPv6
/// routers must quote all they can (RFC 4443), so the whole payload is asked for there.
struct Unreachable {
  std::uint8_t code = 0;
  IpAddress target;  ///< where the quoted probe was going
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;  ///< the low 16 bits
  std::uint16_t checksum = 0;
  std::optional<EchoRequest> payload;  ///< IPv6: the full request; none for IPv4

  /// Whether the quote can only come from someone who has seen this probe on its way to `sent_to`.
  bool quotes(const EchoRequest& request, const IpAddress& sent_to) const;

  bool operator==(const Unreachable&) const = default;
};

using IcmpMessage = std::variant<EchoReply, Unreachable>;

/// Reads an ICMP message that has arrived (without its IP header). An Error, with the reason, for anything
/// but a well-formed answer to an echo request of our shape: wrong checksum (IPv4; the kernel checks IPv6),
/// wrong length, a quote that is truncated, fragmented, has IPv6 extension headers or another protocol.
Result<IcmpMessage> parse_icmp(Family family, std::span<const std::uint8_t> message);

}  // namespace multilink
