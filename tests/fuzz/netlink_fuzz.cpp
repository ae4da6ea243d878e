// SPDX-License-Identifier: GPL-2.0-or-later
// Messages of the kernel: links, addresses, routes, rules, connections, nftables' notifications. The input is their bytes, a
// message behind the other, as a socket gives them; of the header the length is made to fit.
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "fuzz.hpp"
#include "multilink/adapters/conntrack_message.hpp"
#include "multilink/adapters/netlink_parse.hpp"
#include "multilink/adapters/nftables_message.hpp"

namespace multilink {
namespace {

void parse(const nlmsghdr& message) {
  KernelState state;
  parse_message(message, RoutingNumbers(), state);
  parse_message_about(message, IpAddress::parse("192.0.2.1").value(), RoutingNumbers(), state);
  std::vector<Connection> connections;
  const auto parsed = parse_connection(message, connections);
  must(connections.size() == (parsed == Parsed::taken ? 1 : 0));
  is_about_our_table(message);
}

}  // namespace
}  // namespace multilink

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, data, sizeof header);
    const std::size_t length = std::clamp<std::size_t>(header.nlmsg_len, sizeof header, size);
    header.nlmsg_len = static_cast<std::uint32_t>(length);
    // A block of its own, so that reading past its end is seen.
    const auto block = std::make_unique<std::byte[]>(length);
    std::memcpy(block.get(), data, length);
    std::memcpy(block.get(), &header, sizeof header);
    multilink::parse(*reinterpret_cast<const nlmsghdr*>(block.get()));
    const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(length), size);
    data += step;
    size -= step;
  }
  return 0;
}
