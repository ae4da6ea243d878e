// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/icmp_messages.hpp"

#include <algorithm>
#include <iterator>

namespace multilink::fakes {
namespace {

using Message = std::vector<std::uint8_t>;

constexpr std::uint8_t kEchoRequest6 = 128;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kIp6Header = 40;

Message unreachable_v6_for(const IpAddress& target, const Message& request) {
  Message out(kIcmpHeader + kIp6Header + request.size());
  out[0] = 1;
  out[1] = 3;  // address
  out[kIcmpHeader] = 0x60;
  out[kIcmpHeader + 6] = 58;
  std::copy_n(target.bytes().begin(), 16, out.begin() + kIcmpHeader + 24);
  std::copy(request.begin(), request.end(), out.begin() + kIcmpHeader + kIp6Header);
  return out;
}

}  // namespace

void fill_icmp_checksum(Message& message) {
  message[2] = message[3] = 0;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < message.size(); ++i) sum += message[i] * (i % 2 == 0 ? 256U : 1U);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  message[2] = static_cast<std::uint8_t>(~sum >> 8);
  message[3] = static_cast<std::uint8_t>(~sum);
}

Message echo_reply_to(Message request) {
  if (request[0] == kEchoRequest6) {
    request[0] = 129;
    return request;
  }
  request[0] = 0;
  fill_icmp_checksum(request);
  return request;
}

Message unreachable_for(const IpAddress& target, const Message& request, std::size_t quoted) {
  if (target.family() == Family::v6) return unreachable_v6_for(target, request);
  Message out(kIcmpHeader + kIpHeader);
  out[0] = 3;
  out[1] = 1;  // host
  out[kIcmpHeader] = 0x45;
  out[kIcmpHeader + 9] = 1;
  std::copy_n(target.bytes().begin(), 4, out.begin() + kIcmpHeader + 16);
  std::copy_n(request.begin(), quoted, std::back_inserter(out));
  fill_icmp_checksum(out);
  return out;
}

}  // namespace multilink::fakes
