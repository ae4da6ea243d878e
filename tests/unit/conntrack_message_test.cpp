// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/conntrack_message.hpp"

#include <gmock/gmock.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "fakes/connection_samples.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "seeded.hpp"

namespace multilink {
namespace conntrack_message_test {

using fakes::connection;
using fakes::tcp;
using fakes::tuple;
using fakes::udp;
using testing::ElementsAre;
using testing::IsEmpty;

using Bytes = std::vector<std::byte>;

/// The request that would make a connection has the form of the message that tells of it.
Bytes message_of(const Connection& connection) {
  NetlinkBatch batch;
  add_creation(connection, 600, batch);
  batch.put_be32(12, connection.id);  // CTA_ID
  // CTA_STATUS: confirmed, and the second bit for answers.
  batch.put_be32(3, connection.answered ? 0xaU : 0x8U);
  const auto bytes = batch.prepare(0, 1, 1);
  return {bytes.begin(), bytes.end()};
}

struct Outcome {
  Parsed parsed = Parsed::ignored;
  std::vector<Connection> connections;
};

Outcome parse(const Bytes& bytes) {
  Outcome out;
  out.parsed = parse_connection(*reinterpret_cast<const nlmsghdr*>(bytes.data()), out.connections);
  return out;
}

nlmsghdr header_of(const Bytes& bytes) {
  nlmsghdr header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

/// Its first `size` bytes, in a buffer that ends with them; it says itself how long it is.
Bytes cut(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  auto header = header_of(bytes);
  header.nlmsg_len = static_cast<std::uint32_t>(size);
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes.shrink_to_fit();
  return bytes;
}

std::vector<Connection> samples() {
  auto page = fakes::translated(tcp("10.0.0.7:4000", "203.0.113.9:443", 0x010000ff), "192.0.2.2");
  page.id = 77;
  page.zone = 3;
  page.answered = true;
  page.tcp_state = TcpState::close_wait;
  return {page, udp("[fd00::7]:4000", "[2001:db8:9::1]:443"),
          connection(ip_protocol::kIcmp, tuple("10.0.0.7:77", "203.0.113.9:2048"),
                     tuple("203.0.113.9:77", "10.0.0.7:0")),
          connection(ip_protocol::kIcmpv6, tuple("[fd00::7]:77", "[2001:db8:9::1]:32768"),
                     tuple("[2001:db8:9::1]:77", "[fd00::7]:33024"))};
}

TEST(ConntrackMessage, WhatIsWrittenIsRead) {
  for (const auto& sample : samples()) {
    const auto outcome = parse(message_of(sample));
    EXPECT_EQ(outcome.parsed, Parsed::taken);
    EXPECT_THAT(outcome.connections, ElementsAre(sample));
  }
}

TEST(ConntrackMessage, AStateFromTheFutureIsNoStateThatWeKnow) {
  auto page = tcp("10.0.0.7:4000", "203.0.113.9:443");
  page.tcp_state = TcpState{10};
  const auto outcome = parse(message_of(page));
  ASSERT_EQ(outcome.connections.size(), 1U);
  EXPECT_EQ(outcome.connections[0].tcp_state, TcpState::none);
}

TEST(ConntrackMessage, OtherMessagesAndFamiliesAreIgnored) {
  auto bytes = message_of(samples()[0]);
  auto header = header_of(bytes);
  header.nlmsg_type = NLMSG_ERROR;
  std::memcpy(bytes.data(), &header, sizeof header);
  EXPECT_EQ(parse(bytes).parsed, Parsed::ignored);
  bytes = message_of(samples()[0]);
  bytes[sizeof(nlmsghdr)] = std::byte{AF_BRIDGE};
  EXPECT_EQ(parse(bytes).parsed, Parsed::ignored);
}

TEST(ConntrackMessage, AnAddressOfTheOtherFamilyIsMalformed) {
  auto bytes = message_of(samples()[0]);
  bytes[sizeof(nlmsghdr)] = std::byte{AF_INET6};
  EXPECT_EQ(parse(bytes).parsed, Parsed::malformed);
}

TEST(ConntrackMessage, TwoProtocolsInOneConnectionAreMalformed) {
  NetlinkBatch batch;
  const auto one = udp("10.0.0.7:1", "203.0.113.9:53");
  add_creation(one, 600, batch);
  const auto bytes = batch.prepare(0, 1, 1);
  Bytes spoilt(bytes.begin(), bytes.end());
  for (auto at = spoilt.size() - 1; at > 0; --at) {
    if (spoilt[at] != std::byte{ip_protocol::kUdp} || spoilt[at - 2] != std::byte{1}) continue;
    spoilt[at] = std::byte{ip_protocol::kTcp};  // of the reply, which is written last
    break;
  }
  EXPECT_EQ(parse(spoilt).parsed, Parsed::malformed);
}

/// Wherever it ends: it is refused, or what it still tells of is whole.
TEST(ConntrackMessage, ACutMessageIsRefusedOrWhole) {
  for (const auto& sample : samples()) {
    const auto whole = message_of(sample);
    std::size_t taken = 0;
    for (std::size_t size = sizeof(nlmsghdr); size < whole.size(); ++size) {
      const auto outcome = parse(cut(whole, size));
      if (outcome.parsed != Parsed::taken) {
        EXPECT_THAT(outcome.connections, IsEmpty());
        continue;
      }
      ++taken;
      ASSERT_EQ(outcome.connections.size(), 1U);
      EXPECT_EQ(outcome.connections[0].original, sample.original);
      EXPECT_EQ(outcome.connections[0].reply, sample.reply);
    }
    EXPECT_LT(taken, 8U);  // at the ends of the attributes behind the tuples
  }
}

TEST(ConntrackMessage, GarbageIsNeverReadBeyondItsEnd) {
  auto random = seeded_random();
  std::size_t taken = 0;
  std::size_t refused = 0;
  for (int run = 0; run < 200'000; ++run) {
    const auto all = samples();
    auto bytes = message_of(all[random() % all.size()]);
    for (auto flips = 1 + random() % 6; flips > 0; --flips) {
      const auto at = sizeof(nlmsghdr) + random() % (bytes.size() - sizeof(nlmsghdr));
      bytes[at] = random() % 2 == 0 ? static_cast<std::byte>(random()) : bytes[at] ^ std::byte{1};
    }
    if (random() % 2 == 0)
      bytes = cut(bytes, sizeof(nlmsghdr) + random() % (bytes.size() - sizeof(nlmsghdr)));
    bytes.shrink_to_fit();
    const auto outcome = parse(bytes);
    if (outcome.parsed != Parsed::taken) {
      ++refused;
      ASSERT_THAT(outcome.connections, IsEmpty());
      continue;
    }
    ++taken;
    const auto& one = outcome.connections.at(0);
    ASSERT_EQ(one.original.destination.family(), one.family());
    ASSERT_EQ(one.reply.source.family(), one.family());
    ASSERT_EQ(one.reply.destination.family(), one.family());
    ASSERT_LE(one.tcp_state.value_or(TcpState::none), TcpState::syn_sent_both);
  }
  EXPECT_GT(taken, 1000U);
  EXPECT_GT(refused, 1000U);
}

// --- sockets

Bytes socket_message(unsigned char af, const std::array<std::uint8_t, 16>& from,
                     const std::array<std::uint8_t, 16>& to, unsigned state = TCP_ESTABLISHED,
                     unsigned device = 0) {
  inet_diag_msg message{};
  message.idiag_family = af;
  message.idiag_state = static_cast<std::uint8_t>(state);
  message.id.idiag_sport = 0x0100;  // 1, 2 in network byte order
  message.id.idiag_dport = 0x0200;
  message.id.idiag_if = device;
  std::memcpy(message.id.idiag_src, from.data(), from.size());
  std::memcpy(message.id.idiag_dst, to.data(), to.size());
  NetlinkBatch batch;
  batch.begin(SOCK_DIAG_BY_FAMILY, 0, message);
  const auto bytes = batch.prepare(0, 1, 1);
  return {bytes.begin(), bytes.end()};
}

constexpr std::array<std::uint8_t, 16> kFour{192, 0, 2, 2};
constexpr std::array<std::uint8_t, 16> kMappedFour{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2};
constexpr std::array<std::uint8_t, 16> kSix{0xfd, 1};

std::pair<Parsed, std::vector<TcpSocketEntry>> parse_socket(const Bytes& bytes) {
  std::vector<TcpSocketEntry> sockets;
  const auto parsed = parse_tcp_socket(*reinterpret_cast<const nlmsghdr*>(bytes.data()), sockets);
  return {parsed, sockets};
}

TEST(TcpSocketMessage, TellsTheEndsInTheFamilyThatIsSpoken) {
  const auto ends = [](const Bytes& bytes) { return parse_socket(bytes).second.at(0).ends; };
  EXPECT_EQ(ends(socket_message(AF_INET, kFour, kFour)), tuple("192.0.2.2:1", "192.0.2.2:2"));
  EXPECT_EQ(ends(socket_message(AF_INET6, kMappedFour, kMappedFour)), tuple("192.0.2.2:1", "192.0.2.2:2"));
  EXPECT_EQ(ends(socket_message(AF_INET6, kSix, kSix)), tuple("[fd01::]:1", "[fd01::]:2"));
  EXPECT_FALSE(parse_socket(socket_message(AF_INET, kFour, kFour)).second.at(0).bound_to_device);
  EXPECT_TRUE(
      parse_socket(socket_message(AF_INET, kFour, kFour, TCP_ESTABLISHED, 3)).second.at(0).bound_to_device);
}

TEST(TcpSocketMessage, OnlyOpenOnesCountWhateverTheKernelTells) {
  for (const unsigned state :
       std::initializer_list<unsigned>{TCP_LISTEN, TCP_SYN_RECV, TCP_TIME_WAIT, TCP_CLOSE, 0, 12, 33}) {
    EXPECT_EQ(parse_socket(socket_message(AF_INET, kFour, kFour, state)).first, Parsed::ignored) << state;
  }
  EXPECT_TRUE(parse_socket(socket_message(AF_INET, kFour, kFour, TCP_SYN_SENT)).second.at(0).is_opening);
  EXPECT_FALSE(parse_socket(socket_message(AF_INET, kFour, kFour)).second.at(0).is_opening);
}

TEST(TcpSocketMessage, NonsenseIsRefused) {
  EXPECT_EQ(parse_socket(socket_message(AF_INET6, kMappedFour, kSix)).first, Parsed::malformed);
  EXPECT_EQ(parse_socket(socket_message(AF_UNIX, kFour, kFour)).first, Parsed::ignored);
  const auto whole = socket_message(AF_INET, kFour, kFour);
  for (std::size_t size = sizeof(nlmsghdr); size < whole.size(); ++size) {
    EXPECT_EQ(parse_socket(cut(whole, size)).first, Parsed::malformed) << size;
  }
}

}  // namespace conntrack_message_test
}  // namespace multilink
