// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/policy_keys.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "multilink/core/config_lists.hpp"
#include "multilink/core/config_values.hpp"
#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kInsteadOfMany = "a network or a range instead, or a second policy";

template <auto Field, class Item>
Result<void> store_list(std::string_view text, ParseItem<Item> parse, PolicyConfig& policy) {
  auto list = read_list<Item>(text, parse, kInsteadOfMany);
  if (!list) return tl::unexpected(list.error());
  policy.*Field = *std::move(list);
  return {};
}

Result<IpPrefix> parse_network(std::string_view text) {
  return parse_network_item(text, "selects nothing; leave the key out, or name networks");
}

Result<std::string> parse_device(std::string_view text) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ without its NUL
  const bool good = text.size() <= kLongest && text != "." && text != ".." && text != "all" &&
                    text != "default" && std::none_of(text.begin(), text.end(), [](char c) {
                      return (c >= 0 && c <= ' ') || c == '\x7f' || c == '/' || c == ':';
                    });
  return good ? Result<std::string>(text) : fail("");
}

/// ICMP is the one of the packet's family.
Result<std::uint8_t> parse_ip_protocol(std::string_view text) {
  const auto protocol = parse_protocol(text);
  return protocol ? Result<std::uint8_t>(*protocol) : fail("");
}

Result<PortRange> parse_ports(std::string_view text) {
  constexpr unsigned kHighest = 65534;  // the kernel's rules know no 65535
  const auto dash = text.find('-');
  const auto first = parse_number<unsigned>(trim(text.substr(0, dash)));
  const auto last =
      dash == std::string_view::npos ? first : parse_number<unsigned>(trim(text.substr(dash + 1)));
  if (!first || !last || *first < 1 || *first > *last || *last > kHighest) return fail("");
  return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Result<void> read_mark(std::string_view text, PolicyConfig& policy) {
  const auto mark = parse_mark(text);
  if (!mark) return fail("");
  if (mark->mask == 0) {
    return fail(cat(quoted(text), " looks at no bit; write the bits to look at, for example 0x10/0xff"));
  }
  if ((mark->value & ~mark->mask) != 0) {
    return fail(cat(quoted(text), " fits no packet: its value has bits that its mask leaves out; write ",
                    to_string(MarkMatch{mark->value, mark->value | mark->mask})));
  }
  policy.mark = mark;
  return {};
}

Result<std::string> parse_name(std::string_view text) {
  return is_token(text) ? Result<std::string>(text) : fail("");
}

Result<void> read_use(std::string_view text, PolicyConfig& policy) {
  auto names = read_list<std::string>(text, parse_name, kInsteadOfMany);
  if (!names) return tl::unexpected(names.error());
  const auto none = std::find(names->begin(), names->end(), kNoUplink);
  if (none != names->end() && std::next(none) != names->end()) {
    return fail(cat(quoted(text), " goes on behind none, where nothing can follow; put none at the end"));
  }
  if (none != names->end()) names->erase(none);
  if (names->empty()) {
    return fail(
        cat(quoted(text),
            " names no uplink; write for example use = lte, none (to refuse traffic is a firewall's work)"));
  }
  policy.use = *std::move(names);
  return {};
}

std::vector<PolicyKey> make_table() {
  using P = PolicyConfig;
  return {
      {"from", "a list of addresses and networks, separated by commas", "192.168.20.0/24, 2001:db8:20::/64",
       [](std::string_view text, P& policy) {
         return store_list<&P::from, IpPrefix>(text, parse_network, policy);
       },
       [](const P& policy) { return write_list(policy.from, short_words); }},
      {"to", "a list of addresses and networks, separated by commas", "198.51.100.0/24",
       [](std::string_view text, P& policy) {
         return store_list<&P::to, IpPrefix>(text, parse_network, policy);
       },
       [](const P& policy) { return write_list(policy.to, short_words); }},
      {"iif", "a list of devices, separated by commas", "lan0",
       [](std::string_view text, P& policy) {
         return store_list<&P::iif, std::string>(text, parse_device, policy);
       },
       [](const P& policy) { return join(policy.iif, ", "); }},
      {"proto", "a list of tcp, udp, icmp and protocol numbers from 1 to 255, separated by commas",
       "tcp, udp",
       [](std::string_view text, P& policy) {
         return store_list<&P::protocols, std::uint8_t>(text, parse_ip_protocol, policy);
       },
       [](const P& policy) { return write_list(policy.protocols, protocol_name); }},
      {"port", "a list of ports and ranges of ports from 1 to 65534, separated by commas", "443, 8000-8099",
       [](std::string_view text, P& policy) {
         return store_list<&P::ports, PortRange>(text, parse_ports, policy);
       },
       [](const P& policy) {
         return write_list(policy.ports, [](const PortRange& ports) { return to_string(ports); });
       }},
      {"mark", "a mark, or a mark and a mask with a slash between, each decimal or hexadecimal (0x...)",
       "0x10/0xff", read_mark,
       [](const P& policy) { return policy.mark ? to_string(*policy.mark) : std::string(); }},
      {"use", "a list of names of uplinks, best first, separated by commas, with or without none at its end",
       "lte, none", read_use, [](const P& policy) { return join(policy.use, ", "); }},
  };
}

}  // namespace

const std::vector<PolicyKey>& policy_keys() {
  static const std::vector<PolicyKey> table = make_table();
  return table;
}

}  // namespace multilink
