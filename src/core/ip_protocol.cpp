// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/ip_protocol.hpp"

#include <array>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::array<std::pair<std::uint8_t, std::string_view>, 4> kNames{
    {{ip_protocol::kIcmp, "icmp"},
     {ip_protocol::kTcp, "tcp"},
     {ip_protocol::kUdp, "udp"},
     {ip_protocol::kIcmpv6, "ipv6-icmp"}}};

}  // namespace

std::string protocol_name(std::uint8_t protocol) {
  for (const auto& [number, name] : kNames) {
    if (number == protocol) return std::string(name);
  }
  return cat(unsigned{protocol});
}

std::optional<std::uint8_t> parse_protocol(std::string_view text) {
  for (const auto& [number, name] : kNames) {
    if (name == text) return number;
  }
  const auto number = parse_number<std::uint8_t>(text);
  return number && *number > 0 ? number : std::nullopt;
}

}  // namespace multilink
