// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_operation.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string_view command(Family family) {
  return family == Family::v4 ? "ip " : "ip -6 ";
}

std::string destination(const IpPrefix& prefix) {
  return prefix.is_default() ? "default" : prefix.to_string();
}

std::string_view type_word(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return "";
    case RouteType::unreachable:
      return "unreachable ";
    case RouteType::blackhole:
      return "blackhole ";
    case RouteType::prohibit:
      return "prohibit ";
    case RouteType::throw_route:
      return "throw ";
    case RouteType::local:
      return "local ";
    case RouteType::other:
      break;
  }
  return "other ";
}

std::string hop_words(const NextHop& hop, const KernelState& state) {
  const Link* link = state.link_at(hop.link_index);
  return cat(hop.gateway ? cat(" via ", hop.gateway->to_string()) : "", " dev ",
             link == nullptr ? cat("if", hop.link_index) : link->name, hop.onlink ? " onlink" : "");
}

/// The attributes that administrators set; the others (times, flags) have no words here. Each is a length and a
/// type of 16 bits and a value, in the machine's own byte order (struct nlattr).
std::string attribute_words(std::string_view encoded) {
  constexpr std::array<std::string_view, 16> kNames{
      "",       "",           "mtu",      "window",   "", "", "ssthresh", "cwnd",
      "advmss", "reordering", "hoplimit", "initcwnd", "", "", "initrwnd", "quickack"};
  constexpr std::size_t kLock = 1;
  std::uint32_t locked = 0;
  std::string out;
  while (encoded.size() >= 2 * sizeof(std::uint16_t) + sizeof(std::uint32_t)) {
    std::array<std::uint16_t, 2> header{};
    std::uint32_t value = 0;
    std::memcpy(header.data(), encoded.data(), sizeof header);
    std::memcpy(&value, encoded.data() + sizeof header, sizeof value);
    const auto [length, type] = header;
    if (length < sizeof header) break;
    if (length == sizeof header + sizeof value && type == kLock) locked = value;
    if (length == sizeof header + sizeof value && type < kNames.size() && !kNames.at(type).empty()) {
      out += cat(" ", kNames.at(type), ((locked >> type) & 1U) != 0 ? " lock " : " ", value);
    }
    encoded.remove_prefix(std::min(encoded.size(), (std::size_t{length} + 3) / 4 * 4));
  }
  return out;
}

/// As iproute2 calls it.
std::string table_name(std::uint32_t table) {
  if (table == kMainTable) return "main";
  if (table == kLocalTable) return "local";
  return table == kDefaultTable ? "default" : cat(table);
}

std::string words(const Route& route, const KernelState& state) {
  std::string out = cat(type_word(route.type), destination(route.destination));
  if (route.next_hops.size() == 1) out += hop_words(route.next_hops.front(), state);
  if (route.table != kMainTable) out += cat(" table ", table_name(route.table));
  out += cat(" proto ", static_cast<unsigned>(route.protocol));
  if (route.link_scope) out += " scope link";
  if (route.source) out += cat(" src ", route.source->to_string());
  if (route.metric != 0) out += cat(" metric ", route.metric);
  if (route.preference != 0) out += route.preference > 0 ? " pref high" : " pref low";
  out += attribute_words(route.attributes);
  if (route.next_hops.size() > 1) {
    for (const auto& hop : route.next_hops)
      out += cat(" nexthop", hop_words(hop, state), " weight ", hop.weight);
  }
  return out;
}

std::string selector_words(const Rule& rule) {
  std::string out;
  if (rule.inverted) out += " not";
  if (rule.from) out += cat(" from ", short_words(*rule.from));
  if (rule.to) out += cat(" to ", short_words(*rule.to));
  if (rule.mark) out += cat(" fwmark ", to_string(*rule.mark));
  if (rule.iif) out += cat(" iif ", *rule.iif);
  if (rule.oif) out += cat(" oif ", *rule.oif);
  if (rule.uids) out += cat(" uidrange ", rule.uids->first, '-', rule.uids->last);
  if (rule.ip_protocol) out += cat(" ipproto ", protocol_name(*rule.ip_protocol));
  if (rule.source_ports) out += cat(" sport ", to_string(*rule.source_ports));
  if (rule.destination_ports) out += cat(" dport ", to_string(*rule.destination_ports));
  return out;
}

constexpr std::uint8_t kKernelProtocol = 2;  // RTPROT_KERNEL

std::string action_words(const Rule& rule) {
  std::string out = rule.unreachable ? " unreachable" : cat(" lookup ", table_name(rule.table));
  if (rule.suppress_prefix) out += cat(" suppress_prefixlength ", *rule.suppress_prefix);
  // The kernel's own three have none in `ip rule` either.
  return rule.protocol == kKernelProtocol ? out
                                          : cat(out, " protocol ", static_cast<unsigned>(rule.protocol));
}

std::string route_command(std::string_view verb, const Route& route, const KernelState& state) {
  return cat(command(route.destination.address.family()), "route ", verb, ' ', words(route, state));
}

std::string rule_command(std::string_view verb, const Rule& rule) {
  return cat(command(rule.family), "rule ", verb, " pref ", rule.priority, selector_words(rule),
             action_words(rule));
}

struct Speaker {
  const KernelState& state;

  std::string operator()(const PrependRoute& operation) const {
    return route_command("prepend", operation.route, state);
  }
  std::string operator()(const ReplaceRoute& operation) const {
    return route_command("replace", operation.route, state);
  }
  std::string operator()(const DeleteRoute& operation) const {
    return route_command("del", operation.route, state);
  }
  std::string operator()(const AddRule& operation) const { return rule_command("add", operation.rule); }
  std::string operator()(const AppendRule& operation) const {
    return rule_command("add", operation.rule) + "  # once more, behind the others";
  }
  std::string operator()(const DeleteRule& operation) const { return rule_command("del", operation.rule); }
};

}  // namespace

std::string route_words(const Route& route, const KernelState& state) {
  return words(route, state);
}

std::string rule_words(const Rule& rule) {
  const auto selectors = selector_words(rule);
  return cat(rule.priority, ':', selectors.empty() ? " from all" : selectors, action_words(rule));
}

std::string to_string(const RouteOperation& operation, const KernelState& state) {
  return std::visit(Speaker{state}, operation);
}

}  // namespace multilink
