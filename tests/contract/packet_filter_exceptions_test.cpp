// SPDX-License-Identifier: GPL-2.0-or-later
// What is not pinned: probes, errors, what stays on the link. The table on a real kernel, with real packets.
#include <gtest/gtest.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "contract/filtered_gateway.hpp"

namespace multilink {
namespace packet_filter_exceptions_test {

std::uint16_t checksum_of(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8U : 0U);
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

void append(std::vector<std::uint8_t>& bytes, const IpAddress& address) {
  bytes.insert(bytes.end(), address.bytes().begin(),
               address.bytes().begin() + static_cast<std::ptrdiff_t>(address.size()));
}

void append_number(std::vector<std::uint8_t>& bytes, std::uint16_t number) {
  bytes.push_back(static_cast<std::uint8_t>(number >> 8U));
  bytes.push_back(static_cast<std::uint8_t>(number & 0xffU));
}

/// "Port unreachable", quoting the header of a datagram.
std::vector<std::uint8_t> port_unreachable(const Endpoint& from, const Endpoint& to) {
  const bool v4 = from.address.family() == Family::v4;
  std::vector<std::uint8_t> message{static_cast<std::uint8_t>(v4 ? 3 : 1),
                                    static_cast<std::uint8_t>(v4 ? 3 : 4)};
  message.resize(8);
  if (v4) {
    message.insert(message.end(), {0x45, 0, 0, 33, 0, 1, 0, 0, 64, IPPROTO_UDP, 0, 0});
  } else {
    message.insert(message.end(), {0x60, 0, 0, 0, 0, 13, IPPROTO_UDP, 64});
  }
  append(message, from.address);
  append(message, to.address);
  for (const std::uint16_t number : {from.port, to.port, std::uint16_t{13}, std::uint16_t{0}})
    append_number(message, number);
  message.insert(message.end(), {'h', 'e', 'l', 'l', 'o'});
  if (v4) {
    const auto checksum = checksum_of(message);
    message[2] = static_cast<std::uint8_t>(checksum >> 8U);
    message[3] = static_cast<std::uint8_t>(checksum & 0xffU);
  }
  return message;  // the kernel computes ICMPv6's
}

class PinExceptions : public FilteredGateway {
 protected:
  PinExceptions() {
    net_.add_pin_rules();
    net_.use(1);
  }

  int raw_icmp(Place place, std::uint32_t mark, std::string_view device) {
    int fd = -1;
    net_.in(place, [&] {
      fd = family_ == Family::v4 ? socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
                                 : socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
      EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
      EXPECT_EQ(
          setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.data(), static_cast<socklen_t>(device.size())),
          0);
    });
    return fd;
  }
  void send_icmp(int fd, const IpAddress& to, const std::vector<std::uint8_t>& message) {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    std::memcpy(&v4.sin_addr, to.bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&v6.sin6_addr, to.bytes().data(), sizeof v6.sin6_addr);
    const auto* where =
        family_ == Family::v4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
    const socklen_t size = family_ == Family::v4 ? sizeof v4 : sizeof v6;
    EXPECT_EQ(sendto(fd, message.data(), message.size(), 0, where, size),
              static_cast<ssize_t>(message.size()));
  }
  /// An echo request, and whether its answer comes.
  bool echo(int fd) {
    std::vector<std::uint8_t> message{
        static_cast<std::uint8_t>(family_ == Family::v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST),
        0,
        0,
        0,
        0x12,
        0x34,
        0,
        1};
    const auto checksum = checksum_of(message);
    message[2] = static_cast<std::uint8_t>(checksum >> 8U);
    message[3] = static_cast<std::uint8_t>(checksum & 0xffU);
    send_icmp(fd, net_.server(family_), message);
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, 1000) == 1;
  }
};

TEST_P(PinExceptions, ProbesAreTrackedButNotPinned) {
  // The usual policy of a careful administrator: without tracking the answers would not get in.
  net_.nft(Place::gateway,
           "add table inet theirs; add chain inet theirs entrance { type filter hook input priority filter; "
           "policy drop; }; "
           "add rule inet theirs entrance ct state established,related accept; "
           "add rule inet theirs entrance icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept");
  net_.put_in_force();
  for (const unsigned uplink : {2U, 1U}) {
    const int fd = raw_icmp(Place::gateway, GatewayNetwork::kMask, cat("wan", uplink));
    net_.in(Place::gateway, [&] {
      for (const Family family : kFamilies) {
        multilink::ip({family == Family::v4 ? "-4" : "-6", "rule", "add", "oif", cat("wan", uplink), "lookup",
                       cat("700", uplink), "pref", "1010"});
      }
    });
    for (int round = 0; round < 2; ++round) EXPECT_TRUE(echo(fd)) << uplink;
    close(fd);
    const auto entry = cat("src=", net_.own(uplink, Family::v4).to_string(), " dst=203.0.113.10 type=8");
    if (family_ == Family::v4) {
      EXPECT_EQ(net_.mark_of(entry), GatewayNetwork::kMask);
    }
  }
  if (family_ == Family::v6) {
    EXPECT_EQ(net_.mark_of("type=128"), GatewayNetwork::kMask);
  }
}

TEST_P(PinExceptions, AnswersToProbesPassTheStrictReversePathFilterOfAnUplinkThatIsNotInUse) {
  strict_reverse_path();
  net_.put_in_force();
  const int fd = raw_icmp(Place::gateway, GatewayNetwork::kMask, "wan2");
  net_.in(Place::gateway, [&] {
    for (const auto* family : {"-4", "-6"}) {
      multilink::ip({family, "rule", "add", "oif", "wan2", "lookup", "7002", "pref", "1010"});
    }
  });
  EXPECT_TRUE(echo(fd));
  close(fd);
}

TEST_P(PinExceptions, ASegmentWithTheReservedMarkIsNotTracked) {
  net_.put_in_force();
  TcpSocket listener(net_, Place::internet, family_, {.port = 7001});
  listener.listen();
  TcpSocket ordinary(net_, Place::gateway, family_);
  EXPECT_EQ(ordinary.connect({net_.server(family_), 7001}), 0);
  EXPECT_EQ(net_.mark_of(cat("sport=", ordinary.local().port, ' ')), mark(1));
  TcpSocket spoofed(net_, Place::gateway, family_, {.mark = GatewayNetwork::kMask});
  EXPECT_EQ(spoofed.connect({net_.server(family_), 7001}), 0);
  EXPECT_EQ(net_.mark_of(cat("sport=", spoofed.local().port, ' ')), ~0U) << "there is an entry";
}

TEST_P(PinExceptions, AnErrorAboutAFlowDoesNotPinItWhereItCameIn) {
  net_.masquerade();  // and with it tracking
  UdpSocket flow(net_, Place::gateway, family_);
  flow.connect(server());
  ASSERT_EQ(exchange(flow), 1U);
  ASSERT_EQ(mark_of(flow), 0U) << "the table is not there yet";
  net_.put_in_force();
  net_.nft(Place::gateway,
           "add table inet look; add chain inet look c { type filter hook prerouting priority filter; }; "
           "add rule inet look c iifname wan2 meta l4proto { 1, 58 } ct state related counter");
  net_.ip(Place::internet, family_ == Family::v4 ? "route add 192.0.2.2/32 via 198.51.100.2 dev isp2"
                                                 : "route add 2001:db8:1::2/128 via 2001:db8:2::2 dev isp2");
  const int fd = raw_icmp(Place::internet, 0, "isp2");
  send_icmp(fd, flow.local().address, port_unreachable(flow.local(), server()));
  close(fd);
  const auto seen = [this] {
    return net_.ruleset("chain inet look c").find("packets 0") == std::string::npos;
  };
  for (int tries = 0; tries < 100 && !seen(); ++tries) usleep(10'000);
  ASSERT_TRUE(seen()) << net_.ruleset("chain inet look c");
  EXPECT_EQ(mark_of(flow), 0U);
}

TEST_P(PinExceptions, WhatIsNotTrackedIsNotSteered) {
  net_.ip(Place::internet, family_ == Family::v4 ? "route add 192.168.77.0/24 via 192.0.2.2 dev isp1"
                                                 : "route add fd77::/64 via 2001:db8:1::2 dev isp1");
  net_.nft(
      Place::gateway,
      "add table inet theirs; add chain inet theirs early { type filter hook prerouting priority raw; }; "
      "add rule inet theirs early udp dport 7000 notrack; add rule inet theirs early udp sport 7000 notrack; "
      "add chain inet theirs through { type filter hook forward priority filter; }; "
      "add rule inet theirs through meta mark != 0 drop");
  net_.put_in_force();
  UdpSocket client(net_, Place::client, family_);
  EXPECT_EQ(exchange(client), 1U);
  EXPECT_EQ(mark_of(client), ~0U) << "there is an entry";
}

TEST_P(PinExceptions, WhatStaysOnTheLinkIsNotPinned) {
  net_.put_in_force();
  const auto group = IpAddress::parse(family_ == Family::v4 ? "224.0.0.251" : "ff02::fb").value();
  UdpSocket socket(net_, Place::gateway, family_, {.device = "wan1"});
  socket.send({group, 5353}, "who is there");
  EXPECT_EQ(net_.mark_of(cat("sport=", socket.local().port, " dport=5353")), 0U);
}

TEST_P(PinExceptions, PacketsFromUplinkToUplinkKeepToTheWayTheyCame) {
  // The gateway forwards a port to a host outside, reached by the other uplink's own network.
  const auto far = family_ == Family::v4 ? "198.51.100.1" : "2001:db8:2::1";
  net_.nft(Place::gateway,
           cat("add table inet theirs; add chain inet theirs inward { type nat hook prerouting priority "
               "dstnat; }; "
               "add rule inet theirs inward iifname wan1 udp dport 53 dnat ",
               family_ == Family::v4 ? "ip" : "ip6", " to ", far,
               "; add chain inet theirs outward { type nat hook postrouting priority srcnat; }; "
               "add rule inet theirs outward oifname wan2 masquerade"));
  net_.put_in_force();
  UdpSocket service(net_, Place::internet, family_, {.address = IpAddress::parse(far).value(), .port = 53});
  server_.send({net_.own(1, family_), 53}, "question");
  const auto question = service.receive();
  ASSERT_TRUE(question);
  EXPECT_EQ(question->from.address, net_.own(2, family_));
  service.send(question->from, "answer");
  const auto answer = server_.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->uplink, 1U);
}

INSTANTIATE_TEST_SUITE_P(Families, PinExceptions, both_families(), family_name);

}  // namespace packet_filter_exceptions_test
}  // namespace multilink
