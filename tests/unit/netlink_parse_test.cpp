// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_parse.hpp"

#include <gmock/gmock.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "seeded.hpp"

namespace multilink {
namespace netlink_parse_test {

using testing::ElementsAre;
using testing::IsEmpty;

using Bytes = std::vector<std::byte>;

template <class Value>
void put(Bytes& out, const Value& value) {
  const auto* first = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), first, first + sizeof value);
}

void pad(Bytes& out) {
  while (out.size() % 4 != 0) out.push_back(std::byte{0});
}

Bytes bytes_of(const IpAddress& address) {
  const auto* first = reinterpret_cast<const std::byte*>(address.bytes().data());
  return {first, first + address.size()};
}
Bytes bytes_of(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}
Bytes bytes_of(std::uint32_t number) {
  Bytes out;
  put(out, number);
  return out;
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

void put_attribute(Bytes& out, unsigned type, const Bytes& payload) {
  put(out,
      nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()), static_cast<std::uint16_t>(type)});
  out.insert(out.end(), payload.begin(), payload.end());
  pad(out);
}

/// A message as the kernel would send it; every part can be spoilt.
class Message {
 public:
  template <class Header>
  Message(unsigned type, const Header& header) : type_(type) {
    put(bytes_, nlmsghdr{});
    put(bytes_, header);
    pad(bytes_);
  }
  Message& with(unsigned type, const Bytes& payload) {
    put_attribute(bytes_, type, payload);
    return *this;
  }

  /// The first `size` bytes, in a buffer that ends with them; it says itself how long it is.
  Bytes cut(std::size_t size) const {
    Bytes out = bytes_;
    out.resize(size);
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(size);
    header.nlmsg_type = static_cast<std::uint16_t>(type_);
    std::memcpy(out.data(), &header, sizeof header);
    out.shrink_to_fit();
    return out;
  }
  Bytes whole() const { return cut(bytes_.size()); }
  std::size_t size() const { return bytes_.size(); }

 private:
  unsigned type_;
  Bytes bytes_;
};

struct Outcome {
  Parsed parsed = Parsed::ignored;
  KernelState state;
};

Outcome parse(const Bytes& bytes) {
  Outcome out;
  out.parsed = parse_message(*reinterpret_cast<const nlmsghdr*>(bytes.data()), RoutingNumbers{}, out.state);
  return out;
}
Outcome parse(const Message& message) {
  return parse(message.whole());
}

std::size_t items(const KernelState& state) {
  return state.links.size() + state.addresses.size() + state.routes.size() + state.rules.size();
}

Message link_message(const Bytes& name = bytes_of(std::string_view("eth0\0", 5))) {
  ifinfomsg header{};
  header.ifi_index = 3;
  header.ifi_flags = IFF_UP | IFF_LOWER_UP;
  return Message(RTM_NEWLINK, header)
      .with(IFLA_IFNAME, name)
      .with(IFLA_ADDRESS, bytes_of("\x02\x01\x0a\x0b\x0c\x0d"));
}

Message address_message(unsigned length = 24, unsigned flags = IFA_F_PERMANENT) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = static_cast<std::uint8_t>(length);
  header.ifa_index = 3;
  return Message(RTM_NEWADDR, header)
      .with(IFA_LOCAL, bytes_of(address("192.0.2.2")))
      .with(IFA_ADDRESS, bytes_of(address("192.0.2.2")))
      .with(IFA_FLAGS, bytes_of(flags));
}

rtmsg route_header() {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_DHCP;
  header.rtm_type = RTN_UNICAST;
  return header;
}

rtmsg specific_header() {
  rtmsg header = route_header();
  header.rtm_dst_len = 24;
  return header;
}

Message route_message(const rtmsg& header = route_header()) {
  Message out(RTM_NEWROUTE, header);
  if (header.rtm_dst_len != 0) out.with(RTA_DST, bytes_of(address("203.0.113.0")));
  return out.with(RTA_PRIORITY, bytes_of(100U))
      .with(RTA_OIF, bytes_of(3U))
      .with(RTA_GATEWAY, bytes_of(address("192.0.2.1")));
}

Bytes hop(unsigned index, unsigned weight, const Bytes& gateway) {
  Bytes attributes;
  put_attribute(attributes, RTA_GATEWAY, gateway);
  rtnexthop entry{};
  entry.rtnh_len = static_cast<std::uint16_t>(sizeof entry + attributes.size());
  entry.rtnh_hops = static_cast<std::uint8_t>(weight - 1);
  entry.rtnh_ifindex = static_cast<int>(index);
  Bytes out;
  put(out, entry);
  out.insert(out.end(), attributes.begin(), attributes.end());
  return out;
}

Message multipath_message() {
  Bytes list = hop(4, 3, bytes_of(address("198.51.100.1")));
  const Bytes second = hop(3, 256, bytes_of(address("192.0.2.1")));
  list.insert(list.end(), second.begin(), second.end());
  return Message(RTM_NEWROUTE, route_header()).with(RTA_MULTIPATH, list);
}

Message rule_message() {
  fib_rule_hdr header{};
  header.family = AF_INET;
  header.action = FR_ACT_TO_TBL;
  header.src_len = 32;
  return Message(RTM_NEWRULE, header)
      .with(FRA_PRIORITY, bytes_of(1011U))
      .with(FRA_PROTOCOL, Bytes{std::byte{109}})
      .with(FRA_TABLE, bytes_of(7001U))
      .with(FRA_SRC, bytes_of(address("192.0.2.2")))
      .with(FRA_SUPPRESS_PREFIXLEN, bytes_of(0U))
      .with(FRA_UID_RANGE, [] {
        Bytes range = bytes_of(990U);
        put(range, 995U);
        return range;
      }());
}

/// Its header speaks of a destination that does not come.
fib_rule_hdr to_nowhere() {
  fib_rule_hdr header{};
  header.family = AF_INET;
  header.action = FR_ACT_TO_TBL;
  header.dst_len = 24;
  return header;
}

TEST(NetlinkParse, Link) {
  const auto [parsed, state] = parse(link_message());
  ASSERT_EQ(parsed, Parsed::taken);
  EXPECT_THAT(state.links, ElementsAre(Link{3, "eth0", "02:01:0a:0b:0c:0d", true, true, false, false}));
}

TEST(NetlinkParse, AddressAndWhetherItIsUsable) {
  const auto usable = [](unsigned flags) {
    return parse(address_message(24, flags)).state.addresses.at(0).usable;
  };
  EXPECT_EQ(parse(address_message()).state.addresses.at(0),
            (LinkAddress{3, *IpPrefix::parse("192.0.2.2/24"), std::nullopt, false, true}));
  EXPECT_FALSE(usable(IFA_F_TENTATIVE));
  EXPECT_TRUE(usable(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC));
  EXPECT_FALSE(usable(IFA_F_DADFAILED | IFA_F_TENTATIVE | IFA_F_OPTIMISTIC));
  EXPECT_FALSE(usable(IFA_F_DEPRECATED));
}

TEST(NetlinkParse, RouteWithAGatewayOfTheOtherFamily) {
  Bytes via;
  put(via, std::uint16_t{AF_INET6});
  const Bytes gateway = bytes_of(address("fe80::1"));
  via.insert(via.end(), gateway.begin(), gateway.end());
  const auto [parsed, state] =
      parse(Message(RTM_NEWROUTE, route_header()).with(RTA_OIF, bytes_of(3U)).with(RTA_VIA, via));
  ASSERT_EQ(parsed, Parsed::taken);
  EXPECT_THAT(state.routes.at(0).next_hops, ElementsAre(NextHop{3, address("fe80::1"), 1}));
}

TEST(NetlinkParse, MultipathWithWeights) {
  const auto [parsed, state] = parse(multipath_message());
  ASSERT_EQ(parsed, Parsed::taken);
  EXPECT_THAT(state.routes.at(0).next_hops,
              ElementsAre(NextHop{3, address("192.0.2.1"), 256}, NextHop{4, address("198.51.100.1"), 3}));
}

TEST(NetlinkParse, Rule) {
  Rule expected;
  expected.priority = 1011;
  expected.protocol = 109;
  expected.from = IpPrefix::parse("192.0.2.2/32");
  expected.uids = UidRange{990, 995};
  expected.table = 7001;
  expected.suppress_prefix = 0;
  EXPECT_THAT(parse(rule_message()).state.rules, ElementsAre(expected));
}

TEST(NetlinkParse, RuleByWhatAPolicySelects) {
  fib_rule_hdr header{};
  header.family = AF_INET;
  header.action = FR_ACT_TO_TBL;
  header.dst_len = 16;
  header.flags = FIB_RULE_INVERT;
  const auto port_range = [](std::uint16_t first, std::uint16_t last) {
    Bytes out;
    put(out, fib_rule_port_range{first, last});
    return out;
  };
  const auto [parsed, state] = parse(Message(RTM_NEWRULE, header)
                                         .with(FRA_PRIORITY, bytes_of(32765U))
                                         .with(FRA_TABLE, bytes_of(6001U))
                                         .with(FRA_DST, bytes_of(address("198.51.0.0")))
                                         .with(FRA_IIFNAME, bytes_of(std::string_view("lan0\0", 5)))
                                         .with(FRA_IP_PROTO, Bytes{std::byte{6}})
                                         .with(FRA_SPORT_RANGE, port_range(1024, 65535))
                                         .with(FRA_DPORT_RANGE, port_range(443, 443)));
  Rule expected;
  expected.priority = 32765;
  expected.to = IpPrefix::parse("198.51.0.0/16");
  expected.iif = "lan0";
  expected.ip_protocol = 6;
  expected.source_ports = PortRange{1024, 65535};
  expected.destination_ports = PortRange{443, 443};
  expected.inverted = true;
  expected.table = 6001;
  EXPECT_THAT(state.rules, ElementsAre(expected));
}

TEST(NetlinkParse, ARuleThatSelectsByMoreIsMarked) {
  const auto marked = [](const Message& message) {
    return parse(message).state.rules.at(0).has_other_selectors;
  };
  EXPECT_FALSE(marked(rule_message()));
  EXPECT_TRUE(marked(rule_message().with(FRA_GOTO, bytes_of(2000U))));
  EXPECT_FALSE(marked(rule_message().with(29, Bytes{std::byte{0xff}, std::byte{0xff}}))) << "a single port";
  EXPECT_TRUE(marked(rule_message().with(29, Bytes{std::byte{0xff}, std::byte{0xf0}}))) << "a mask of ports";
  EXPECT_TRUE(marked(rule_message().with(FRA_SUPPRESS_IFGROUP, bytes_of(1U))));
  EXPECT_TRUE(marked(rule_message().with(40, bytes_of(1U)))) << "newer than this program";
  EXPECT_TRUE(marked(rule_message().with(1000, bytes_of(1U)))) << "newer than this program";
  for (const auto spoil :
       {+[](fib_rule_hdr& h) { h.action = FR_ACT_GOTO; }, +[](fib_rule_hdr& h) { h.tos = 8; }}) {
    fib_rule_hdr header{};
    header.family = AF_INET;
    header.action = FR_ACT_TO_TBL;
    spoil(header);
    EXPECT_TRUE(marked(Message(RTM_NEWRULE, header)));
  }
}

TEST(NetlinkParse, WhetherARuleIsInvertedOrOfAVrf) {
  const auto rule_of = [](const Message& message) { return parse(message).state.rules.at(0); };
  EXPECT_FALSE(rule_of(rule_message()).of_tunnel_or_vrf);
  EXPECT_FALSE(rule_of(rule_message()).inverted);
  EXPECT_TRUE(rule_of(rule_message().with(FRA_L3MDEV, Bytes{std::byte{1}})).of_tunnel_or_vrf);
  fib_rule_hdr header{};
  header.family = AF_INET;
  header.action = FR_ACT_TO_TBL;
  header.flags = FIB_RULE_INVERT;
  EXPECT_TRUE(rule_of(Message(RTM_NEWRULE, header)).inverted);
}

TEST(NetlinkParse, RoutesThatNoDecisionDependsOnAreIgnored) {
  const auto outcome = [](auto change, rtmsg header) {
    change(header);
    return parse(route_message(header)).parsed;
  };
  const auto unchanged = [](rtmsg&) {};
  const auto of_bgp = [](rtmsg& header) { header.rtm_protocol = RTPROT_BGP; };
  const auto elsewhere = [](rtmsg& header) { header.rtm_table = RT_TABLE_COMPAT; };
  EXPECT_EQ(outcome(unchanged, route_header()), Parsed::taken);
  EXPECT_EQ(outcome(unchanged, specific_header()), Parsed::taken);
  EXPECT_EQ(outcome(of_bgp, route_header()), Parsed::taken);
  EXPECT_EQ(outcome(of_bgp, specific_header()), Parsed::ignored);
  EXPECT_EQ(outcome(elsewhere, route_header()), Parsed::taken);
  EXPECT_EQ(outcome(elsewhere, specific_header()), Parsed::ignored);
  const auto ours_elsewhere = [](rtmsg& header) {
    header.rtm_table = RT_TABLE_COMPAT;
    header.rtm_protocol = 109;
  };
  EXPECT_EQ(outcome(ours_elsewhere, specific_header()), Parsed::taken);
  EXPECT_EQ(outcome([](rtmsg& header) { header.rtm_table = RT_TABLE_LOCAL; }, route_header()),
            Parsed::ignored);
  EXPECT_EQ(outcome([](rtmsg& header) { header.rtm_flags = RTM_F_CLONED; }, route_header()), Parsed::ignored);
  EXPECT_EQ(outcome([](rtmsg& header) { header.rtm_tos = 8; }, route_header()), Parsed::ignored);
  EXPECT_EQ(outcome([](rtmsg& header) { header.rtm_type = RTN_BROADCAST; }, route_header()), Parsed::ignored);
}

TEST(NetlinkParse, WhatCannotBeIsMalformed) {
  const auto v6_address = bytes_of(address("2001:db8::1"));
  rtmsg too_long = specific_header();
  too_long.rtm_dst_len = 33;
  Bytes hop_without_end = hop(3, 1, bytes_of(address("192.0.2.1")));
  std::memset(hop_without_end.data(), 0, 2);  // rtnh_len
  ifinfomsg no_index{};
  const std::vector<Message> all{
      link_message(bytes_of("eth0")),                                      // no NUL
      link_message(bytes_of(std::string_view("a-name-of-16byte\0", 17))),  // longer than any
      link_message({}),                                                    //
      Message(RTM_NEWLINK, no_index).with(IFLA_IFNAME, bytes_of(std::string_view("eth0\0", 5))),
      address_message(33),
      route_message(too_long),
      Message(RTM_NEWROUTE, specific_header()),  // no destination
      Message(RTM_NEWROUTE, specific_header()).with(RTA_DST, v6_address),
      Message(RTM_NEWROUTE, route_header()).with(RTA_OIF, bytes_of(3U)).with(RTA_GATEWAY, v6_address),
      Message(RTM_NEWROUTE, route_header()).with(RTA_OIF, bytes_of("\x01\x02")),
      Message(RTM_NEWROUTE, route_header()).with(RTA_OIF, bytes_of(3U)).with(RTA_VIA, bytes_of("\x07")),
      Message(RTM_NEWROUTE, route_header()).with(RTA_OIF, bytes_of(3U)).with(RTA_VIA, bytes_of(7U)),
      Message(RTM_NEWROUTE, route_header()).with(RTA_MULTIPATH, bytes_of(8U)),
      Message(RTM_NEWROUTE, route_header()).with(RTA_MULTIPATH, hop_without_end),
      Message(RTM_NEWROUTE, route_header()).with(RTA_MULTIPATH, hop(3, 1, v6_address)),
      route_message().with(RTA_PREFSRC, v6_address),
      rule_message().with(FRA_SRC, v6_address),
      rule_message().with(FRA_UID_RANGE, bytes_of(1U)),
      rule_message().with(FRA_DPORT_RANGE, Bytes{std::byte{1}, std::byte{2}}),
      rule_message().with(FRA_IP_PROTO, bytes_of(6U)),
      rule_message().with(FRA_IIFNAME, bytes_of("lan0")),  // no NUL
      Message(RTM_NEWRULE, to_nowhere()),
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto outcome = parse(all[i]);
    EXPECT_EQ(outcome.parsed, Parsed::malformed) << "case " << i;
    EXPECT_EQ(items(outcome.state), 0U) << "case " << i;
  }
}

TEST(NetlinkParse, NoCutMessageIsReadBeyondItsEnd) {
  for (const auto& message :
       {link_message(), address_message(), route_message(), multipath_message(), rule_message()}) {
    ASSERT_EQ(parse(message).parsed, Parsed::taken);
    std::size_t malformed = 0;
    for (std::size_t size = sizeof(nlmsghdr); size < message.size(); ++size) {
      const auto outcome = parse(message.cut(size));
      EXPECT_EQ(items(outcome.state), outcome.parsed == Parsed::taken ? 1U : 0U) << size;
      malformed += outcome.parsed == Parsed::malformed ? 1 : 0;
    }
    // All but those that end between two attributes, or in the padding of one.
    EXPECT_GT(malformed, (message.size() - sizeof(nlmsghdr)) / 2);
  }
}

TEST(NetlinkParse, GarbageIsNeverTakenForMoreThanItCanBe) {
  auto random = seeded_random();
  const std::vector<Message> good{link_message(), address_message(), route_message(), multipath_message(),
                                  rule_message()};
  std::size_t malformed = 0;
  for (int i = 0; i < 100000; ++i) {
    Bytes bytes = good[random() % good.size()].whole();
    for (auto flips = 1 + random() % 4; flips > 0; --flips) {
      const std::size_t place = sizeof(nlmsghdr) + random() % (bytes.size() - sizeof(nlmsghdr));
      bytes[place] = static_cast<std::byte>(random());
    }
    const auto [parsed, state] = parse(bytes);
    malformed += parsed == Parsed::malformed ? 1 : 0;
    ASSERT_EQ(items(state), parsed == Parsed::taken ? 1U : 0U);
    for (const auto& each : state.addresses) ASSERT_LE(each.prefix.length, each.prefix.address.size() * 8);
    for (const auto& each : state.routes)
      ASSERT_LE(each.destination.length, each.destination.address.size() * 8);
    for (const auto& each : state.rules) {
      if (each.from) {
        ASSERT_LE(each.from->length, each.from->address.size() * 8);
      }
    }
    for (const auto& each : state.links) ASSERT_LT(each.name.size(), std::size_t{IFNAMSIZ});
  }
  EXPECT_GT(malformed, 1000U);
}

}  // namespace netlink_parse_test
}  // namespace multilink
