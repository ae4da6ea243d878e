// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/conntrack_message.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <new>

#include "multilink/adapters/netlink_attributes.hpp"

namespace multilink {
namespace {

using Rules = NetlinkAttributes::Rules;

constexpr std::uint16_t type_of(cntl_msg_types message) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | message);
}

nfgenmsg header_of_family(Family family) {
  nfgenmsg header{};
  header.nfgen_family = family == Family::v4 ? AF_INET : AF_INET6;
  header.version = NFNETLINK_V0;
  return header;
}

constexpr bool is_icmp(std::uint8_t protocol) {
  return protocol == ip_protocol::kIcmp || protocol == ip_protocol::kIcmpv6;
}

/// The attributes of an ICMP tuple's identifier, type and code.
struct IcmpNames {
  std::uint16_t id, type, code;
};
constexpr IcmpNames names_of(std::uint8_t protocol) {
  return protocol == ip_protocol::kIcmp
             ? IcmpNames{CTA_PROTO_ICMP_ID, CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMP_CODE}
             : IcmpNames{CTA_PROTO_ICMPV6_ID, CTA_PROTO_ICMPV6_TYPE, CTA_PROTO_ICMPV6_CODE};
}

void put_address(const IpAddress& address, std::uint16_t v4, std::uint16_t v6, NetlinkBatch& batch) {
  batch.put_bytes(address.family() == Family::v4 ? v4 : v6,
                  std::as_bytes(std::span(address.bytes()).first(address.size())));
}

void put_tuple(std::uint16_t attribute, std::uint8_t protocol, const ConnectionTuple& tuple,
               NetlinkBatch& batch) {
  batch.nest(attribute, [&] {
    batch.nest(CTA_TUPLE_IP, [&] {
      put_address(tuple.source, CTA_IP_V4_SRC, CTA_IP_V6_SRC, batch);
      put_address(tuple.destination, CTA_IP_V4_DST, CTA_IP_V6_DST, batch);
    });
    batch.nest(CTA_TUPLE_PROTO, [&] {
      batch.put(CTA_PROTO_NUM, protocol);
      if (is_icmp(protocol)) {
        const auto names = names_of(protocol);
        batch.put_be16(names.id, tuple.source_port);
        batch.put(names.type, static_cast<std::uint8_t>(tuple.destination_port >> 8));
        batch.put(names.code, static_cast<std::uint8_t>(tuple.destination_port & 0xff));
      } else {
        batch.put_be16(CTA_PROTO_SRC_PORT, tuple.source_port);
        batch.put_be16(CTA_PROTO_DST_PORT, tuple.destination_port);
      }
    });
  });
}

void begin(cntl_msg_types message, std::uint16_t flags, const Connection& connection, NetlinkBatch& batch) {
  batch.begin(type_of(message), flags, header_of_family(connection.family()));
  put_tuple(CTA_TUPLE_ORIG, connection.protocol, connection.original, batch);
  if (connection.zone != 0) batch.put_be16(CTA_ZONE, connection.zone);
}

// --- reading

constexpr AttributeRule kNested{0, UINT16_MAX};

constexpr Rules connection_rules() {
  Rules rules{};
  for (const auto nested : {CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_PROTOINFO}) rules[nested] = kNested;
  for (const auto number : {CTA_MARK, CTA_ID, CTA_STATUS}) rules[number] = {4, 4};
  rules[CTA_ZONE] = {2, 2};
  return rules;
}
constexpr Rules tuple_rules() {
  Rules rules{};
  for (const auto nested : {CTA_TUPLE_IP, CTA_TUPLE_PROTO}) rules[nested] = kNested;
  rules[CTA_TUPLE_ZONE] = {2, 2};
  return rules;
}
constexpr Rules ip_rules() {
  Rules rules{};
  for (const auto address : {CTA_IP_V4_SRC, CTA_IP_V4_DST}) rules[address] = {4, 4};
  for (const auto address : {CTA_IP_V6_SRC, CTA_IP_V6_DST}) rules[address] = {16, 16};
  return rules;
}
constexpr Rules protocol_rules() {
  Rules rules{};
  for (const auto two : {CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT, CTA_PROTO_ICMP_ID, CTA_PROTO_ICMPV6_ID})
    rules[two] = {2, 2};
  for (const auto one : {CTA_PROTO_NUM, CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMP_CODE, CTA_PROTO_ICMPV6_TYPE,
                         CTA_PROTO_ICMPV6_CODE})
    rules[one] = {1, 1};
  return rules;
}
constexpr Rules protoinfo_rules() {
  Rules rules{};
  rules[CTA_PROTOINFO_TCP] = kNested;
  return rules;
}
constexpr Rules tcp_rules() {
  Rules rules{};
  rules[CTA_PROTOINFO_TCP_STATE] = {1, 1};
  return rules;
}

constexpr Rules kConnectionRules = connection_rules();
constexpr Rules kTupleRules = tuple_rules();
constexpr Rules kIpRules = ip_rules();
constexpr Rules kProtocolRules = protocol_rules();
constexpr Rules kProtoinfoRules = protoinfo_rules();
constexpr Rules kTcpRules = tcp_rules();

std::uint16_t be16(const NetlinkAttributes& attributes, std::size_t type) {
  return ntohs(attributes.value_or<std::uint16_t>(type, 0));
}
std::uint32_t be32(const NetlinkAttributes& attributes, std::size_t type) {
  return ntohl(attributes.value_or<std::uint32_t>(type, 0));
}

struct ParsedTuple {
  std::uint8_t protocol;
  ConnectionTuple tuple;
  std::uint16_t zone;
};

bool read_addresses(std::span<const std::byte> bytes, Family family, ConnectionTuple& out) {
  const auto found = NetlinkAttributes::of_bytes(bytes, kIpRules);
  const std::size_t source = family == Family::v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
  const std::size_t destination = family == Family::v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST;
  if (!found || !found->has(source) || !found->has(destination)) return false;
  out.source = found->address(source, family).value();
  out.destination = found->address(destination, family).value();
  return true;
}

std::optional<ParsedTuple> read_tuple(std::span<const std::byte> bytes, Family family) {
  const auto found = NetlinkAttributes::of_bytes(bytes, kTupleRules);
  if (!found || !found->has(CTA_TUPLE_IP) || !found->has(CTA_TUPLE_PROTO)) return std::nullopt;
  const auto protocol = NetlinkAttributes::of_bytes(found->bytes(CTA_TUPLE_PROTO), kProtocolRules);
  if (!protocol || !protocol->has(CTA_PROTO_NUM)) return std::nullopt;
  ParsedTuple out{protocol->value<std::uint8_t>(CTA_PROTO_NUM), {}, be16(*found, CTA_TUPLE_ZONE)};
  if (!read_addresses(found->bytes(CTA_TUPLE_IP), family, out.tuple)) return std::nullopt;
  if (is_icmp(out.protocol)) {
    const auto names = names_of(out.protocol);
    out.tuple.source_port = be16(*protocol, names.id);
    out.tuple.destination_port =
        static_cast<std::uint16_t>(protocol->value_or<std::uint8_t>(names.type, 0) << 8 |
                                   protocol->value_or<std::uint8_t>(names.code, 0));
  } else {
    out.tuple.source_port = be16(*protocol, CTA_PROTO_SRC_PORT);
    out.tuple.destination_port = be16(*protocol, CTA_PROTO_DST_PORT);
  }
  return out;
}

/// False: malformed.
bool read_tcp_state(std::span<const std::byte> bytes, Connection& out) {
  const auto info = NetlinkAttributes::of_bytes(bytes, kProtoinfoRules);
  if (!info) return false;
  if (!info->has(CTA_PROTOINFO_TCP)) return true;
  const auto tcp = NetlinkAttributes::of_bytes(info->bytes(CTA_PROTOINFO_TCP), kTcpRules);
  if (!tcp) return false;
  const auto state = tcp->value_or<std::uint8_t>(CTA_PROTOINFO_TCP_STATE, 0);
  // A state that a newer kernel has invented is none that we know.
  out.tcp_state =
      state > static_cast<std::uint8_t>(TcpState::syn_sent_both) ? TcpState::none : TcpState{state};
  return true;
}

}  // namespace

NetlinkMessage connection_dump_request(Family family, const MarkMatch& mark) {
  NetlinkMessage message(nlmsg_alloc());
  if (!message) throw std::bad_alloc();
  auto header = header_of_family(family);
  nlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, type_of(IPCTNL_MSG_CT_GET), 0, NLM_F_DUMP);
  nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
  if (mark.mask != 0) {
    nla_put_u32(message.get(), CTA_MARK, htonl(mark.value));
    nla_put_u32(message.get(), CTA_MARK_MASK, htonl(mark.mask));
  }
  return message;
}

void add_removal(const Connection& connection, NetlinkBatch& batch) {
  begin(IPCTNL_MSG_CT_DELETE, 0, connection, batch);
  batch.put_be32(CTA_ID, connection.id);
}

void add_marking(const Connection& connection, const MarkMatch& mark, NetlinkBatch& batch) {
  begin(IPCTNL_MSG_CT_NEW, 0, connection, batch);
  batch.put_be32(CTA_MARK, mark.value);
  batch.put_be32(CTA_MARK_MASK, mark.mask);
}

void add_creation(const Connection& connection, unsigned seconds, NetlinkBatch& batch) {
  begin(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, connection, batch);
  put_tuple(CTA_TUPLE_REPLY, connection.protocol, connection.reply, batch);
  batch.put_be32(CTA_TIMEOUT, seconds);
  batch.put_be32(CTA_MARK, connection.mark);
  if (!connection.tcp_state) return;
  batch.nest(CTA_PROTOINFO, [&] {
    batch.nest(CTA_PROTOINFO_TCP,
               [&] { batch.put(CTA_PROTOINFO_TCP_STATE, static_cast<std::uint8_t>(*connection.tcp_state)); });
  });
}

Parsed parse_connection(const nlmsghdr& message, std::vector<Connection>& connections) {
  if (message.nlmsg_type != type_of(IPCTNL_MSG_CT_NEW)) return Parsed::ignored;
  const auto header = header_of<nfgenmsg>(message);
  const auto family = header ? family_of_af(header->nfgen_family) : std::nullopt;
  if (!header) return Parsed::malformed;
  if (!family) return Parsed::ignored;
  const auto found = NetlinkAttributes::of_message(message, sizeof *header, kConnectionRules);
  if (!found || !found->has(CTA_TUPLE_ORIG) || !found->has(CTA_TUPLE_REPLY)) return Parsed::malformed;
  const auto original = read_tuple(found->bytes(CTA_TUPLE_ORIG), *family);
  const auto reply = read_tuple(found->bytes(CTA_TUPLE_REPLY), *family);
  if (!original || !reply || original->protocol != reply->protocol) return Parsed::malformed;
  Connection out;
  out.protocol = original->protocol;
  out.original = original->tuple;
  out.reply = reply->tuple;
  out.mark = be32(*found, CTA_MARK);
  out.id = be32(*found, CTA_ID);
  out.answered = (be32(*found, CTA_STATUS) & IPS_SEEN_REPLY) != 0;
  out.zone = found->has(CTA_ZONE) ? be16(*found, CTA_ZONE) : original->zone;
  if (found->has(CTA_PROTOINFO) && !read_tcp_state(found->bytes(CTA_PROTOINFO), out))
    return Parsed::malformed;
  connections.push_back(out);
  return Parsed::taken;
}

}  // namespace multilink
