// SPDX-License-Identifier: GPL-2.0-or-later
// ICMP messages from the Internet; the first byte says of which family.
#include <vector>

#include "fuzz.hpp"
#include "multilink/core/echo_packet.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  if (size == 0) return 0;
  const Family family = data[0] % 2 == 0 ? Family::v4 : Family::v6;
  // A copy of its own: reading past its end is seen.
  const std::vector<std::uint8_t> message(data + 1, data + size);
  const auto parsed = parse_icmp(family, message);
  if (!parsed) {
    must(!parsed.error().message.empty());
    return 0;
  }
  if (const auto* reply = std::get_if<EchoReply>(&*parsed)) {
    must(build_echo_request(family, reply->echoed).size() == message.size());
  }
  return 0;
}
