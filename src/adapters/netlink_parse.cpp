// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_parse.hpp"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "multilink/adapters/netlink_attributes.hpp"
#include "multilink/adapters/netlink_route_parse.hpp"

namespace multilink {
namespace {

using Rules = NetlinkAttributes::Rules;

constexpr AttributeRule kNumber{4, 4, false};
constexpr AttributeRule kDeviceName{2, IFNAMSIZ, true};

std::size_t bits_of(Family family) {
  return IpPrefix::default_of(family).address.size() * 8;
}

std::string mac_text(std::span<const std::byte> bytes) {
  constexpr std::size_t kMacLength = 6;
  constexpr std::string_view kHex = "0123456789abcdef";
  const bool all_zero =
      std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
  std::string out;
  if (bytes.size() != kMacLength || all_zero) return out;
  for (const std::byte byte : bytes) {
    if (!out.empty()) out += ':';
    out += kHex[std::to_integer<unsigned>(byte) >> 4U];
    out += kHex[std::to_integer<unsigned>(byte) & 0xfU];
  }
  return out;
}

Parsed parse_link(const nlmsghdr& message, KernelState& state) {
  static constexpr Rules kRules = [] {
    Rules rules{};
    rules[IFLA_IFNAME] = kDeviceName;
    return rules;
  }();
  const auto header = header_of<ifinfomsg>(message);
  if (!header) return Parsed::malformed;
  if (header->ifi_family != AF_UNSPEC) return Parsed::ignored;
  const auto attributes = NetlinkAttributes::of_message(message, sizeof *header, kRules);
  if (!attributes || header->ifi_index <= 0 || !attributes->has(IFLA_IFNAME)) return Parsed::malformed;
  Link link;
  link.index = static_cast<unsigned>(header->ifi_index);
  link.name = attributes->text(IFLA_IFNAME);
  if (attributes->has(IFLA_ADDRESS)) link.mac = mac_text(attributes->bytes(IFLA_ADDRESS));
  link.admin_up = (header->ifi_flags & IFF_UP) != 0;
  link.carrier = (header->ifi_flags & IFF_LOWER_UP) != 0;
  link.point_to_point = (header->ifi_flags & IFF_POINTOPOINT) != 0;
  link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  state.links.push_back(std::move(link));
  return Parsed::taken;
}

bool is_assigned(std::uint32_t flags) {
  if ((flags & IFA_F_DADFAILED) != 0) return false;
  return (flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0;
}

Parsed parse_address(const nlmsghdr& message, KernelState& state) {
  static constexpr Rules kRules = [] {
    Rules rules{};
    rules[IFA_FLAGS] = kNumber;
    return rules;
  }();
  const auto header = header_of<ifaddrmsg>(message);
  if (!header) return Parsed::malformed;
  const auto family = family_of_af(header->ifa_family);
  if (!family) return Parsed::ignored;
  const auto attributes = NetlinkAttributes::of_message(message, sizeof *header, kRules);
  if (!attributes || header->ifa_prefixlen > bits_of(*family)) return Parsed::malformed;
  // On a point-to-point link IFA_ADDRESS is the other end; elsewhere both are the same, or only it is given.
  const auto local = attributes->has(IFA_LOCAL) ? attributes->address(IFA_LOCAL, *family) : std::nullopt;
  const auto other = attributes->has(IFA_ADDRESS) ? attributes->address(IFA_ADDRESS, *family) : std::nullopt;
  if (!local && !other) return Parsed::malformed;
  LinkAddress address;
  address.link_index = header->ifa_index;
  address.prefix = {local.value_or(other.value_or(IpAddress{})), header->ifa_prefixlen};
  if (local && other && *local != *other) address.peer = other;
  address.link_scope = header->ifa_scope == RT_SCOPE_LINK;
  const auto flags = attributes->value_or<std::uint32_t>(IFA_FLAGS, header->ifa_flags);
  address.deprecated = is_assigned(flags) && (flags & IFA_F_DEPRECATED) != 0;
  address.usable = is_assigned(flags) && !address.deprecated;
  state.addresses.push_back(address);
  return Parsed::taken;
}

/// FRA_SPORT_MASK and FRA_DPORT_MASK of Linux 6.15, which says them with each single port: all ones.
constexpr std::size_t kSourcePortMask = 28;
constexpr std::size_t kDestinationPortMask = 29;

constexpr Rules kRuleRules = [] {
  Rules rules{};
  for (const auto type :
       {FRA_PRIORITY, FRA_FWMARK, FRA_FWMASK, FRA_TABLE, FRA_SUPPRESS_PREFIXLEN, FRA_SUPPRESS_IFGROUP}) {
    rules[static_cast<std::size_t>(type)] = kNumber;
  }
  rules[FRA_PROTOCOL] = {1, 1, false};
  rules[FRA_IP_PROTO] = {1, 1, false};
  rules[FRA_IIFNAME] = rules[FRA_OIFNAME] = kDeviceName;
  rules[FRA_SPORT_RANGE] =
      rules[FRA_DPORT_RANGE] = {sizeof(fib_rule_port_range), sizeof(fib_rule_port_range), false};
  rules[kSourcePortMask] = rules[kDestinationPortMask] = {2, 2, false};
  rules[FRA_UID_RANGE] = {sizeof(fib_rule_uid_range), sizeof(fib_rule_uid_range), false};
  return rules;
}();

/// Whether the rule selects packets by, or does with them, what Rule has no word for. An attribute that is
/// newer than this program counts as such.
bool has_other_selectors(const fib_rule_hdr& header, const NetlinkAttributes& attributes) {
  constexpr std::uint16_t kWholePort = 0xffff;
  for (const auto type : {FRA_GOTO, FRA_FLOW, FRA_TUN_ID, FRA_SUPPRESS_IFGROUP, FRA_L3MDEV}) {
    if (attributes.has(static_cast<std::size_t>(type))) return true;
  }
  for (std::size_t type = FRA_DPORT_RANGE + 1; type <= NetlinkAttributes::kLargest; ++type) {
    const bool of_a_port = type == kSourcePortMask || type == kDestinationPortMask;
    if (attributes.has(type) && !(of_a_port && attributes.value<std::uint16_t>(type) == kWholePort))
      return true;
  }
  const bool known_action = header.action == FR_ACT_TO_TBL || header.action == FR_ACT_UNREACHABLE;
  return attributes.has_beyond(NetlinkAttributes::kLargest) || header.tos != 0 || !known_action;
}

/// False: there is such a prefix, but it is none of the family.
bool read_prefix(const NetlinkAttributes& attributes, std::size_t type, Family family, std::uint8_t length,
                 std::optional<IpPrefix>& prefix) {
  if (length > bits_of(family)) return false;
  if (!attributes.has(type)) return length == 0;
  const auto address = attributes.address(type, family);
  if (address) prefix = IpPrefix{*address, length};
  return address.has_value();
}

std::optional<PortRange> read_ports(const NetlinkAttributes& attributes, std::size_t type) {
  if (!attributes.has(type)) return std::nullopt;
  const auto range = attributes.value<fib_rule_port_range>(type);
  return PortRange{range.start, range.end};
}

Parsed parse_rule(const nlmsghdr& message, KernelState& state) {
  constexpr std::uint32_t kNoSuppression = 0xffffffff;
  const auto header = header_of<fib_rule_hdr>(message);
  if (!header) return Parsed::malformed;
  const auto family = family_of_af(header->family);
  if (!family) return Parsed::ignored;
  const auto attributes = NetlinkAttributes::of_message(message, sizeof *header, kRuleRules);
  if (!attributes) return Parsed::malformed;
  Rule rule;
  rule.family = *family;
  rule.priority = attributes->value_or<std::uint32_t>(FRA_PRIORITY, 0);
  rule.protocol = attributes->value_or<std::uint8_t>(FRA_PROTOCOL, RTPROT_UNSPEC);
  if (!read_prefix(*attributes, FRA_SRC, *family, header->src_len, rule.from) ||
      !read_prefix(*attributes, FRA_DST, *family, header->dst_len, rule.to)) {
    return Parsed::malformed;
  }
  const MarkMatch mark{attributes->value_or<std::uint32_t>(FRA_FWMARK, 0),
                       attributes->value_or<std::uint32_t>(FRA_FWMASK, 0)};
  if (mark.mask != 0) rule.mark = mark;
  if (attributes->has(FRA_IIFNAME)) rule.iif = attributes->text(FRA_IIFNAME);
  if (attributes->has(FRA_OIFNAME)) rule.oif = attributes->text(FRA_OIFNAME);
  if (attributes->has(FRA_IP_PROTO)) rule.ip_protocol = attributes->value<std::uint8_t>(FRA_IP_PROTO);
  rule.source_ports = read_ports(*attributes, FRA_SPORT_RANGE);
  rule.destination_ports = read_ports(*attributes, FRA_DPORT_RANGE);
  rule.inverted = (header->flags & FIB_RULE_INVERT) != 0;
  if (attributes->has(FRA_UID_RANGE)) {
    const auto range = attributes->value<fib_rule_uid_range>(FRA_UID_RANGE);
    rule.uids = UidRange{range.start, range.end};
  }
  if (header->action == FR_ACT_TO_TBL)
    rule.table = attributes->value_or<std::uint32_t>(FRA_TABLE, header->table);
  rule.unreachable = header->action == FR_ACT_UNREACHABLE;
  const auto suppress = attributes->value_or<std::uint32_t>(FRA_SUPPRESS_PREFIXLEN, kNoSuppression);
  if (suppress != kNoSuppression) rule.suppress_prefix = suppress;
  rule.has_other_selectors = has_other_selectors(*header, *attributes);
  rule.of_tunnel_or_vrf = attributes->has(FRA_TUN_ID) || attributes->has(FRA_L3MDEV);
  state.rules.push_back(std::move(rule));
  return Parsed::taken;
}

}  // namespace

Parsed parse_message(const nlmsghdr& message, const RoutingNumbers& numbers, KernelState& state) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return parse_link(message, state);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return parse_address(message, state);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return parse_route(message, numbers, state);
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return parse_rule(message, state);
    default:
      return Parsed::ignored;
  }
}

Parsed parse_message_about(const nlmsghdr& message, const IpAddress& destination,
                           const RoutingNumbers& numbers, KernelState& state) {
  const bool route = message.nlmsg_type == RTM_NEWROUTE || message.nlmsg_type == RTM_DELROUTE;
  return route ? parse_route_about(message, destination, state) : parse_message(message, numbers, state);
}

}  // namespace multilink
