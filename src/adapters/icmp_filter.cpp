// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/icmp_filter.hpp"

#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

sock_filter load(unsigned mode_and_size, std::uint32_t offset) {
  return {static_cast<std::uint16_t>(mode_and_size), 0, 0, offset};
}

sock_filter compute(unsigned operation, std::uint32_t operand = 0) {
  return {static_cast<std::uint16_t>(operation), 0, 0, operand};
}

/// Goes on `yes` or `no` instructions behind the next one.
sock_filter jump(unsigned condition, std::uint32_t operand, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(BPF_JMP | condition | BPF_K), yes, no, operand};
}

constexpr unsigned kByteAtX = BPF_LD | BPF_B | BPF_IND;
constexpr unsigned kHalfAtX = BPF_LD | BPF_H | BPF_IND;
constexpr unsigned kByteAt = BPF_LD | BPF_B | BPF_ABS;
constexpr unsigned kHalfAt = BPF_LD | BPF_H | BPF_ABS;
constexpr std::uint32_t kQuote = 8;  // where the quoted packet begins in an unreachable

/// The filter of a raw IPv4 socket sees the packet from its IP header on. Loads beyond the end drop it.
auto program_v4(const ProbeIdentity& identity) {
  return std::array{
      /*  0 */ load(BPF_LDX | BPF_B | BPF_MSH, 0),  // X = length of the IP header
      /*  1 */ load(kByteAtX, 0),
      /*  2 */ jump(BPF_JEQ, ICMP_ECHOREPLY, 11, 0),     // -> 14
      /*  3 */ jump(BPF_JEQ, ICMP_DEST_UNREACH, 0, 14),  // else -> 18
      /*  4 */ load(kByteAtX, kQuote + 9),
      /*  5 */ jump(BPF_JEQ, IPPROTO_ICMP, 0, 12),  // else -> 18
      /*  6 */ load(kByteAtX, kQuote),
      /*  7 */ compute(BPF_ALU | BPF_AND | BPF_K, 0x0f),
      /*  8 */ compute(BPF_ALU | BPF_LSH | BPF_K, 2),
      /*  9 */ compute(BPF_ALU | BPF_ADD | BPF_X),
      /* 10 */ compute(BPF_ALU | BPF_ADD | BPF_K, kQuote),  // NOLINT(misc-redundant-expression): both are 0
      /* 11 */ compute(BPF_MISC | BPF_TAX),                 // X = start of the quoted ICMP message
      /* 12 */ load(kByteAtX, 0),
      /* 13 */ jump(BPF_JEQ, ICMP_ECHO, 0, 4),  // else -> 18
      /* 14 */ load(kHalfAtX, 4),               // the identifier
      /* 15 */ compute(BPF_ALU | BPF_SUB | BPF_K, identity.first_id),
      /* 16 */ jump(BPF_JGE, identity.ids, 1, 0),  // unsigned: what is below the first is far above, too
      /* 17 */ compute(BPF_RET | BPF_K, 0xffff),
      /* 18 */ compute(BPF_RET | BPF_K, 0),
  };
}

/// That of a raw ICMPv6 socket sees the packet from its ICMPv6 header on. A quote with extension headers is of no probe.
auto program_v6(const ProbeIdentity& identity) {
  constexpr std::uint32_t kQuotedMessage = kQuote + 40;
  return std::array{
      /*  0 */ load(kByteAt, 0),
      /*  1 */ jump(BPF_JEQ, ICMP6_ECHO_REPLY, 7, 0),    // -> 9
      /*  2 */ jump(BPF_JEQ, ICMP6_DST_UNREACH, 0, 10),  // else -> 13
      /*  3 */ load(kByteAt, kQuote + 6),
      /*  4 */ jump(BPF_JEQ, IPPROTO_ICMPV6, 0, 8),  // else -> 13
      /*  5 */ load(kByteAt, kQuotedMessage),
      /*  6 */ jump(BPF_JEQ, ICMP6_ECHO_REQUEST, 0, 6),  // else -> 13
      /*  7 */ load(kHalfAt, kQuotedMessage + 4),        // the identifier
      /*  8 */ jump(BPF_JA, 1, 0, 0),                    // -> 10
      /*  9 */ load(kHalfAt, 4),                         // the identifier
      /* 10 */ compute(BPF_ALU | BPF_SUB | BPF_K, identity.first_id),
      /* 11 */ jump(BPF_JGE, identity.ids, 1, 0),  // unsigned: what is below the first is far above, too
      /* 12 */ compute(BPF_RET | BPF_K, 0xffff),
      /* 13 */ compute(BPF_RET | BPF_K, 0),
  };
}

template <std::size_t Size>
Result<void> attach(int socket, std::array<sock_filter, Size> program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    const int code = errno;
    return fail(cat("the filter of the ICMP socket: ", std::strerror(code)), code);
  }
  return {};
}

}  // namespace

Result<void> attach_icmp_filter(int socket, Family family, const ProbeIdentity& identity) {
  return family == Family::v4 ? attach(socket, program_v4(identity)) : attach(socket, program_v6(identity));
}

}  // namespace multilink
