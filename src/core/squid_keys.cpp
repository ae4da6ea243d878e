// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/squid_keys.hpp"

#include <cassert>
#include <utility>

#include "multilink/core/config_lists.hpp"
#include "multilink/core/packet_match.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr unsigned kLeastMemory = 8;       // MiB
constexpr unsigned kMostMemory = 1 << 20;  // MiB

Result<void> read_enabled(std::string_view text, SquidConfig& squid) {
  if (text != "yes" && text != "no") return fail("");
  squid.enabled = text == "yes";
  return {};
}

Result<ListenPlace> parse_listen_item(std::string_view text) {
  const auto place = parse_listen_place(text);
  if (!place) return fail("");
  if (place->address && (place->address->is_multicast() || place->address->is_unspecified())) {
    return fail(cat(quoted(text), " is no address of a host; write ", place->port, " for all addresses"));
  }
  if (place->port >= kParentPortBase && place->port <= kParentPortBase + kMostParents) {
    return fail(cat(quoted(text), " is among the ports ", kParentPortBase, " to ",
                    kParentPortBase + kMostParents,
                    " that the proxies speak to each other by; write for example listen = 3128"));
  }
  return *place;
}

Result<void> read_listen(std::string_view text, SquidConfig& squid) {
  auto places = read_list<ListenPlace>(text, parse_listen_item, "a port alone, which is on every address");
  if (!places) return tl::unexpected(places.error());
  squid.listen = *std::move(places);
  return {};
}

/// To Squid, IPv4 is the IPv6 network ::ffff:0:0/96: what touches it would serve IPv4 addresses that nobody has named.
Result<IpPrefix> parse_allowed(std::string_view text) {
  static const IpPrefix kIpv4 = *IpPrefix::parse("::ffff:0:0/96");
  auto network = parse_network_item(
      text, "would be an open proxy, for everybody in the Internet to hide behind; name your networks");
  if (network && (network->contains(kIpv4.address) || kIpv4.contains(network->address))) {
    return fail(cat(quoted(text),
                    " stands for IPv4 addresses too, to Squid; name your IPv6 networks, and IPv4 networks as "
                    "such, as in 192.168.1.0/24"));
  }
  return network;
}

Result<void> read_allow(std::string_view text, SquidConfig& squid) {
  auto networks = read_list<IpPrefix>(text, parse_allowed, "larger networks instead");
  if (!networks) return tl::unexpected(networks.error());
  squid.allow = *std::move(networks);
  return {};
}

Result<void> read_memory(std::string_view text, SquidConfig& squid) {
  constexpr std::string_view kUnits = "MG";
  if (!text.ends_with('B') || text.size() < 3) return fail("");
  const auto unit = kUnits.find(text[text.size() - 2]);
  const auto number = parse_number<unsigned>(trim(text.substr(0, text.size() - 2)));
  if (unit == std::string_view::npos || !number || *number > kMostMemory) return fail("");
  const unsigned mib = unit == 0 ? *number : *number * 1024;
  if (mib < kLeastMemory || mib > kMostMemory) return fail("");
  squid.cache_memory_mib = mib;
  return {};
}

std::vector<SquidKey> make_table() {
  return {
      {{"enabled", "yes or no", "yes", read_enabled,
        [](const SquidConfig& squid) { return std::string(squid.enabled ? "yes" : "no"); }},
       "no"},
      {{"listen", "a list of ports, each with or without an address before it, separated by commas",
        "192.168.1.1:3128, [fd00::1]:3128", read_listen,
        [](const SquidConfig& squid) {
          return write_list(squid.listen, [](const ListenPlace& place) { return to_string(place); });
        }},
       "3128"},
      {{"allow", "a list of addresses and networks, separated by commas", "192.168.1.0/24, fd00::/64",
        read_allow, [](const SquidConfig& squid) { return write_list(squid.allow, short_words); }},
       "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"},
      {{"cache_memory", "a size from 8MB to 1024GB (units: MB, GB)", "64MB", read_memory,
        [](const SquidConfig& squid) { return cat(squid.cache_memory_mib, "MB"); }},
       "64MB"},
  };
}

}  // namespace

const std::vector<SquidKey>& squid_keys() {
  static const std::vector<SquidKey> table = make_table();
  return table;
}

SquidConfig default_squid() {
  SquidConfig squid;
  for (const auto& key : squid_keys()) {
    const auto done = read_section_value(key, key.fallback, squid);
    assert(done && "a default of the table breaks its own rule");
  }
  return squid;
}

}  // namespace multilink
