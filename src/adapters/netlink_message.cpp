// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_message.hpp"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/icmpv6.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace multilink {
namespace {

constexpr std::size_t kRoomForAttributes = 512;
constexpr std::size_t kRoomForHop = 64;        // rtnexthop with the longest gateway, padded
constexpr std::uint8_t kTableInAttribute = 0;  // RT_TABLE_UNSPEC: the number is in the attribute

unsigned char af_of(Family family) {
  return family == Family::v4 ? AF_INET : AF_INET6;
}

/// Puts attributes into a message and remembers whether all fitted.
class Writer {
 public:
  template <class Header>
  Writer(int type, int flags, const Header& header, std::size_t hops = 0)
      : message_(nlmsg_alloc_size(kRoomForAttributes + hops * kRoomForHop)) {
    if (!message_) throw std::bad_alloc();
    nlmsg_put(message_.get(), NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags);
    auto copy = header;
    fits_ = nlmsg_append(message_.get(), &copy, sizeof copy, NLMSG_ALIGNTO) == 0;
  }

  template <class Value>
  void put(int attribute, const Value& value) {
    put_bytes(attribute, &value, sizeof value);
  }
  void put_bytes(int attribute, const void* data, std::size_t size) {
    fits_ = nla_put(message_.get(), attribute, static_cast<int>(size), data) == 0 && fits_;
  }
  void put_text(int attribute, const std::string& text) {
    put_bytes(attribute, text.c_str(), text.size() + 1);
  }
  void put_address(int attribute, const IpAddress& address) {
    put_bytes(attribute, address.bytes().data(), address.size());
  }
  /// A gateway of the other family goes into RTA_VIA.
  void put_gateway(const IpAddress& gateway, Family route_family) {
    if (gateway.family() == route_family) return put_address(RTA_GATEWAY, gateway);
    std::array<std::uint8_t, sizeof(std::uint16_t) + 16> via{};
    const std::uint16_t family = af_of(gateway.family());
    std::memcpy(via.data(), &family, sizeof family);
    std::memcpy(via.data() + sizeof family, gateway.bytes().data(), gateway.size());
    put_bytes(RTA_VIA, via.data(), sizeof family + gateway.size());
  }
  void put_hop_list(const Route& route) {
    nlattr* list = nla_nest_start(message_.get(), RTA_MULTIPATH);
    if (list == nullptr) {
      fits_ = false;
      return;
    }
    for (const auto& hop : route.next_hops) put_hop(hop, route.destination.address.family());
    fits_ = nla_nest_end(message_.get(), list) == 0 && fits_;
  }

  Result<NetlinkMessage> take() {
    if (!fits_) return fail("more next hops than a netlink message holds; use fewer uplinks", EMSGSIZE);
    return std::move(message_);
  }

 private:
  void put_hop(const NextHop& hop, Family family) {
    auto* entry = static_cast<rtnexthop*>(nlmsg_reserve(message_.get(), sizeof(rtnexthop), NLMSG_ALIGNTO));
    if (entry == nullptr) {
      fits_ = false;
      return;
    }
    *entry = {};
    entry->rtnh_ifindex = static_cast<int>(hop.link_index);
    entry->rtnh_hops = static_cast<unsigned char>(hop.weight - 1);
    if (hop.onlink) entry->rtnh_flags = RTNH_F_ONLINK;
    if (hop.gateway) put_gateway(*hop.gateway, family);
    const auto* end = static_cast<const char*>(nlmsg_tail(nlmsg_hdr(message_.get())));
    entry->rtnh_len = static_cast<unsigned short>(end - reinterpret_cast<const char*>(entry));
  }

  NetlinkMessage message_;
  bool fits_ = true;
};

unsigned char type_of(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return RTN_UNICAST;
    case RouteType::unreachable:
      return RTN_UNREACHABLE;
    case RouteType::blackhole:
      return RTN_BLACKHOLE;
    case RouteType::prohibit:
      return RTN_PROHIBIT;
    case RouteType::throw_route:
      return RTN_THROW;
    case RouteType::local:
      return RTN_LOCAL;
    case RouteType::other:
      break;
  }
  return RTN_UNSPEC;
}

}  // namespace

void FreeNetlinkMessage::operator()(nl_msg* message) const {
  nlmsg_free(message);
}

Result<NetlinkMessage> route_request(int type, int flags, const Route& route, HopForm form) {
  const Family family = route.destination.address.family();
  rtmsg header{};
  header.rtm_family = af_of(family);
  header.rtm_dst_len = route.destination.length;
  header.rtm_table = kTableInAttribute;
  header.rtm_protocol = route.protocol;
  header.rtm_scope = route.link_scope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.rtm_type = type_of(route.type);
  const bool as_list =
      route.next_hops.size() > 1 || (form == HopForm::always_list && !route.next_hops.empty());
  if (!as_list && !route.next_hops.empty() && route.next_hops.front().onlink)
    header.rtm_flags = RTNH_F_ONLINK;
  Writer writer(type, flags, header, route.next_hops.size());
  writer.put(RTA_TABLE, route.table);
  if (!route.destination.is_default()) writer.put_address(RTA_DST, route.destination.network().address);
  if (route.metric != 0) writer.put(RTA_PRIORITY, route.metric);
  if (route.source) writer.put_address(RTA_PREFSRC, *route.source);
  if (!route.attributes.empty())
    writer.put_bytes(RTA_METRICS, route.attributes.data(), route.attributes.size());
  if (route.preference != 0) {
    writer.put(RTA_PREF, static_cast<std::uint8_t>(route.preference > 0 ? ICMPV6_ROUTER_PREF_HIGH
                                                                        : ICMPV6_ROUTER_PREF_LOW));
  }
  if (as_list) {
    writer.put_hop_list(route);
  } else if (!route.next_hops.empty()) {
    const NextHop& hop = route.next_hops.front();
    writer.put(RTA_OIF, std::uint32_t{hop.link_index});
    if (hop.gateway) writer.put_gateway(*hop.gateway, family);
  }
  return writer.take();
}

Result<NetlinkMessage> rule_request(int type, int flags, const Rule& rule) {
  fib_rule_hdr header{};
  header.family = af_of(rule.family);
  header.action = rule.unreachable ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
  if (rule.from) header.src_len = rule.from->length;
  if (rule.to) header.dst_len = rule.to->length;
  if (rule.inverted) header.flags = FIB_RULE_INVERT;
  Writer writer(type, flags, header);
  writer.put(FRA_PRIORITY, rule.priority);
  writer.put(FRA_PROTOCOL, rule.protocol);
  if (!rule.unreachable) writer.put(FRA_TABLE, rule.table);
  if (rule.from && rule.from->length > 0) writer.put_address(FRA_SRC, rule.from->network().address);
  if (rule.mark) {
    writer.put(FRA_FWMARK, rule.mark->value);
    writer.put(FRA_FWMASK, rule.mark->mask);
  }
  if (rule.to && rule.to->length > 0) writer.put_address(FRA_DST, rule.to->network().address);
  if (rule.iif) writer.put_text(FRA_IIFNAME, *rule.iif);
  if (rule.oif) writer.put_text(FRA_OIFNAME, *rule.oif);
  if (rule.ip_protocol) writer.put(FRA_IP_PROTO, *rule.ip_protocol);
  if (rule.source_ports) {
    writer.put(FRA_SPORT_RANGE, fib_rule_port_range{rule.source_ports->first, rule.source_ports->last});
  }
  if (rule.destination_ports) {
    writer.put(FRA_DPORT_RANGE,
               fib_rule_port_range{rule.destination_ports->first, rule.destination_ports->last});
  }
  if (rule.uids) writer.put(FRA_UID_RANGE, fib_rule_uid_range{rule.uids->first, rule.uids->last});
  if (rule.suppress_prefix) writer.put(FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix);
  return writer.take();
}

Result<NetlinkMessage> route_lookup_request(const Flow& flow, unsigned iif, unsigned oif) {
  const Family family = flow.destination.family();
  const auto all_bits = static_cast<unsigned char>(flow.destination.size() * 8);
  rtmsg header{};
  header.rtm_family = af_of(family);
  header.rtm_dst_len = all_bits;
  if (flow.from) header.rtm_src_len = all_bits;
  // IPv6 says the table anyway, and takes no such flag.
  if (family == Family::v4) header.rtm_flags = RTM_F_LOOKUP_TABLE;
  Writer writer(RTM_GETROUTE, 0, header);
  writer.put_address(RTA_DST, flow.destination);
  if (flow.from) writer.put_address(RTA_SRC, *flow.from);
  if (iif != 0) writer.put(RTA_IIF, std::uint32_t{iif});
  if (oif != 0) writer.put(RTA_OIF, std::uint32_t{oif});
  if (flow.mark != 0) writer.put(RTA_MARK, flow.mark);
  writer.put(RTA_UID, flow.uid);
  if (flow.ip_protocol) writer.put(RTA_IP_PROTO, *flow.ip_protocol);
  if (flow.source_port != 0) writer.put(RTA_SPORT, htons(flow.source_port));
  if (flow.destination_port != 0) writer.put(RTA_DPORT, htons(flow.destination_port));
  return writer.take();
}

Result<NetlinkMessage> link_dump_request() {
  Writer writer(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
  writer.put(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  return writer.take();
}

Result<NetlinkMessage> address_dump_request(Family family) {
  ifaddrmsg header{};
  header.ifa_family = af_of(family);
  return Writer(RTM_GETADDR, NLM_F_DUMP, header).take();
}

Result<NetlinkMessage> rule_dump_request(Family family) {
  fib_rule_hdr header{};
  header.family = af_of(family);
  return Writer(RTM_GETRULE, NLM_F_DUMP, header).take();
}

Result<NetlinkMessage> route_dump_request(Family family, std::uint32_t table, std::uint8_t protocol) {
  rtmsg header{};
  header.rtm_family = af_of(family);
  header.rtm_protocol = protocol;
  Writer writer(RTM_GETROUTE, NLM_F_DUMP, header);
  if (table != 0) writer.put(RTA_TABLE, table);
  return writer.take();
}

}  // namespace multilink
