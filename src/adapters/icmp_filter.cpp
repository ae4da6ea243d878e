// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/icmp_filter.hpp"

#include <linux/filter.h>
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
constexpr std::uint32_t kQuote = 8;  // where the quoted packet begins in an unreachable

}  // namespace

// The filter of a raw IPv4 socket sees the packet from its IP header on. Loads beyond the end drop it.
Result<void> attach_icmp_filter(int socket, const ProbeIdentity& identity) {
  std::array program{
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
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    const int code = errno;
    return fail(cat("the filter of the ICMP socket: ", std::strerror(code)), code);
  }
  return {};
}

}  // namespace multilink
