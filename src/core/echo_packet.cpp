// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/echo_packet.hpp"

#include <algorithm>
#include <array>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kIcmpHeader = 8;
constexpr std::size_t kEchoLength = kIcmpHeader + 16;
constexpr std::size_t kSequenceAt = kIcmpHeader;
constexpr std::size_t kNonceAt = kIcmpHeader + 8;
constexpr std::uint8_t kProtocolIcmp = 1;
constexpr std::uint8_t kProtocolIcmp6 = 58;
constexpr std::uint8_t kFragmentationNeeded = 4;  // code of an IPv4 unreachable

struct IcmpTypes {
  std::uint8_t request;
  std::uint8_t reply;
  std::uint8_t unreachable;
};

constexpr IcmpTypes types_of(Family family) {
  return family == Family::v4 ? IcmpTypes{8, 0, 3} : IcmpTypes{128, 129, 1};
}

std::uint16_t read_16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>((bytes[at] << 8) | bytes[at + 1]);
}

std::uint64_t read_64(Bytes bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = (value << 8) | bytes[at + i];
  return value;
}

template <class Value>
void write(std::vector<std::uint8_t>& bytes, std::size_t at, Value value) {
  for (std::size_t i = sizeof(Value); i-- > 0;) {
    bytes[at + i] = static_cast<std::uint8_t>(value & 0xff);
    value = static_cast<Value>(value >> 8);
  }
}

/// RFC 1071: the complement of the ones' complement sum. Over a message that holds its own right checksum it
/// is zero.
std::uint16_t checksum_of(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += read_16(bytes, i);
  if (bytes.size() % 2 != 0) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::uint8_t> build_without_checksum(Family family, const EchoRequest& request) {
  std::vector<std::uint8_t> message(kEchoLength);
  message[0] = types_of(family).request;
  write(message, 4, request.identifier);
  write(message, 6, static_cast<std::uint16_t>(request.sequence));
  write(message, kSequenceAt, request.sequence);
  write(message, kNonceAt, request.nonce);
  return message;
}

/// The request or reply of kEchoLength bytes at the start of `message`; nullopt when the two sequences in it
/// contradict each other.
std::optional<EchoRequest> read_echo(Bytes message) {
  const EchoRequest echo{read_16(message, 4), read_64(message, kSequenceAt), read_64(message, kNonceAt)};
  if (static_cast<std::uint16_t>(echo.sequence) != read_16(message, 6)) return std::nullopt;
  return echo;
}

Result<IcmpMessage> parse_reply(Bytes message) {
  if (message[1] != 0) return fail(cat("echo reply with code ", message[1]));
  if (message.size() != kEchoLength) {
    return fail(cat("echo reply of ", message.size(), " bytes, not ", kEchoLength));
  }
  const auto echo = read_echo(message);
  if (!echo) return fail("echo reply whose header and payload disagree on the sequence");
  return EchoReply{*echo};
}

struct QuotedHeader {
  IpAddress destination;
  std::size_t length = 0;
};

Result<QuotedHeader> parse_quoted_v4(Bytes quote) {
  if (quote.size() < 20) return fail("unreachable with a truncated quote");
  const std::size_t length = std::size_t{quote[0] & 0x0fU} * 4;
  if (quote[0] >> 4 != 4 || length < 20) return fail("unreachable that does not quote an IPv4 packet");
  if ((read_16(quote, 6) & 0x1fff) != 0) return fail("unreachable that quotes a later fragment");
  if (quote[9] != kProtocolIcmp) return fail(cat("unreachable that quotes protocol ", quote[9]));
  std::array<std::uint8_t, 4> destination{};
  std::copy_n(quote.begin() + 16, destination.size(), destination.begin());
  return QuotedHeader{IpAddress::from_v4(destination), length};
}

Result<QuotedHeader> parse_quoted_v6(Bytes quote) {
  if (quote.size() < 40) return fail("unreachable with a truncated quote");
  if (quote[0] >> 4 != 6) return fail("unreachable that does not quote an IPv6 packet");
  // Our probes have no extension headers, so a quote that has some is of another packet.
  if (quote[6] != kProtocolIcmp6) return fail(cat("unreachable that quotes next header ", quote[6]));
  std::array<std::uint8_t, 16> destination{};
  std::copy_n(quote.begin() + 24, destination.size(), destination.begin());
  return QuotedHeader{IpAddress::from_v6(destination), 40};
}

Result<IcmpMessage> parse_unreachable(Family family, Bytes message) {
  if (family == Family::v4 && message[1] == kFragmentationNeeded) {
    return fail("unreachable that only asks for smaller packets");
  }
  const Bytes quote = message.subspan(kIcmpHeader);
  const auto header = family == Family::v4 ? parse_quoted_v4(quote) : parse_quoted_v6(quote);
  if (!header) return tl::unexpected<Error>(header.error());
  const std::size_t needed = family == Family::v4 ? kIcmpHeader : kEchoLength;
  if (quote.size() < header->length + needed) return fail("unreachable with a truncated quote");
  const Bytes quoted = quote.subspan(header->length);
  if (quoted[0] != types_of(family).request || quoted[1] != 0) {
    return fail(cat("unreachable that quotes ICMP type ", quoted[0], " code ", quoted[1]));
  }
  Unreachable out{message[1],         header->destination, read_16(quoted, 4),
                  read_16(quoted, 6), read_16(quoted, 2),  std::nullopt};
  if (family == Family::v6) {
    out.payload = read_echo(quoted);
    if (!out.payload) return fail("unreachable whose quote disagrees with itself on the sequence");
  }
  return out;
}

}  // namespace

std::uint16_t echo_checksum(const EchoRequest& request) {
  return checksum_of(build_without_checksum(Family::v4, request));
}

std::vector<std::uint8_t> build_echo_request(Family family, const EchoRequest& request) {
  auto message = build_without_checksum(family, request);
  if (family == Family::v4) write(message, 2, checksum_of(message));
  return message;
}

bool Unreachable::quotes(const EchoRequest& request, const IpAddress& sent_to) const {
  if (target != sent_to) return false;
  if (target.family() == Family::v6) return payload == request;
  return identifier == request.identifier && sequence == static_cast<std::uint16_t>(request.sequence) &&
         checksum == echo_checksum(request);
}

Result<IcmpMessage> parse_icmp(Family family, std::span<const std::uint8_t> message) {
  if (message.size() < kIcmpHeader) return fail(cat("ICMP message of ", message.size(), " bytes"));
  if (family == Family::v4 && checksum_of(message) != 0) return fail("ICMP message with a wrong checksum");
  const auto types = types_of(family);
  if (message[0] == types.reply) return parse_reply(message);
  if (message[0] == types.unreachable) return parse_unreachable(family, message);
  return fail(cat("ICMP type ", message[0]));
}

}  // namespace multilink
