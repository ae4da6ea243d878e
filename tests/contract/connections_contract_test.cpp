// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <algorithm>

#include "contract/connection_worlds.hpp"
#include "fakes/connection_samples.hpp"

namespace multilink {
namespace connections_contract_test {

using fakes::connection;
using fakes::kMask;
using fakes::tcp;
using fakes::tuple;
using fakes::udp;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::uint32_t kFirst = 0x01000000;
constexpr std::uint32_t kSecond = 0x02000000;
constexpr MarkMatch kAny{0, 0};

struct ConnectionWorldKind {
  const char* name;
  std::unique_ptr<ConnectionWorld> (*make)();
};

std::ostream& operator<<(std::ostream& out, const ConnectionWorldKind& kind) {
  return out << kind.name;
}

class ConnectionsContract : public testing::TestWithParam<ConnectionWorldKind> {
 protected:
  /// In the table, with their ids.
  std::vector<Connection> listed(Family family, const MarkMatch& mark = kAny) {
    auto found = world_->connections().list(family, mark);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(std::vector<Connection>{});
  }
  /// Without the ids, for comparison.
  std::vector<Connection> seen(Family family, const MarkMatch& mark = kAny) {
    auto out = listed(family, mark);
    for (auto& one : out) one.id = 0;
    return out;
  }

  std::unique_ptr<ConnectionWorld> world_ = GetParam().make();
};

TEST_P(ConnectionsContract, AnEmptyTableHasNothing) {
  EXPECT_THAT(listed(Family::v4), IsEmpty());
  EXPECT_EQ(world_->connections().remove({}), 0U);
}

TEST_P(ConnectionsContract, EveryKindIsListedAsItIs) {
  auto over = tcp("10.0.0.7:4001", "203.0.113.9:443");
  over.tcp_state = TcpState::time_wait;
  const std::vector<Connection> four{
      fakes::translated(tcp("10.0.0.7:4000", "203.0.113.9:443", kFirst | 0xff), "192.0.2.2"),
      over,
      udp("10.0.0.7:4000", "203.0.113.9:443", kSecond),
      connection(ip_protocol::kIcmp, tuple("10.0.0.7:77", "203.0.113.9:2048"),
                 tuple("203.0.113.9:77", "10.0.0.7:0")),
      connection(ip_protocol::kTcp, tuple("203.0.113.9:4000", "192.0.2.2:443"),
                 tuple("10.0.0.7:8443", "203.0.113.9:4000")),
      connection(132, tuple("10.0.0.7:1", "203.0.113.9:2")),  // SCTP
      connection(50, tuple("10.0.0.7:0", "203.0.113.9:0")),   // ESP: no ports
  };
  const std::vector<Connection> six{
      tcp("[fd00::7]:4000", "[2001:db8:9::1]:443", kFirst),
      connection(ip_protocol::kIcmpv6, tuple("[fd00::7]:77", "[2001:db8:9::1]:32768"),
                 tuple("[2001:db8:9::1]:77", "[fd00::7]:33024")),
  };
  for (const auto& one : four) world_->add(one);
  for (const auto& one : six) world_->add(one);
  EXPECT_THAT(seen(Family::v4), testing::UnorderedElementsAreArray(four));
  EXPECT_THAT(seen(Family::v6), testing::UnorderedElementsAreArray(six));
}

TEST_P(ConnectionsContract, TheMaskSaysWhichBitsOfTheMarkCount) {
  const auto first = udp("10.0.0.7:1", "203.0.113.9:53", kFirst | 0x00ff0000);
  const auto second = udp("10.0.0.7:2", "203.0.113.9:53", kSecond);
  const auto none = udp("10.0.0.7:3", "203.0.113.9:53", 0x00ff0000);
  for (const auto& one : {first, second, none}) world_->add(one);
  EXPECT_THAT(seen(Family::v4, {kFirst, kMask}), UnorderedElementsAre(first));
  EXPECT_THAT(seen(Family::v4, {0, kMask}), UnorderedElementsAre(none));
  EXPECT_THAT(seen(Family::v4, {0x00ff0000, 0x00ff0000}), UnorderedElementsAre(first, none));
  EXPECT_THAT(seen(Family::v4, kAny), UnorderedElementsAre(first, second, none));
  EXPECT_THAT(seen(Family::v6, kAny), IsEmpty());
}

TEST_P(ConnectionsContract, WhatIsRemovedIsGoneAndNothingElse) {
  const std::vector<Connection> all{
      tcp("10.0.0.7:1", "203.0.113.9:443"),
      udp("10.0.0.7:2", "203.0.113.9:53"),
      connection(ip_protocol::kIcmp, tuple("10.0.0.7:77", "203.0.113.9:2048"),
                 tuple("203.0.113.9:77", "10.0.0.7:0")),
      connection(50, tuple("10.0.0.7:0", "203.0.113.9:0")),
      fakes::translated(tcp("10.0.0.7:5", "203.0.113.9:443"), "192.0.2.2"),
  };
  const auto stays = tcp("10.0.0.7:9", "203.0.113.9:443");
  for (const auto& one : all) world_->add(one);
  auto there = listed(Family::v4);
  world_->add(stays);
  EXPECT_EQ(world_->connections().remove(there), all.size());
  EXPECT_THAT(seen(Family::v4), UnorderedElementsAre(stays));
  EXPECT_EQ(world_->connections().remove(there), 0U);  // gone already: no error
}

TEST_P(ConnectionsContract, AMarkChangesInTheBitsOfItsMaskAndInNoOther) {
  auto first = fakes::translated(tcp("10.0.0.7:1", "203.0.113.9:443", 0x00ff0000 | kFirst), "192.0.2.2");
  auto six = udp("[fd00::7]:4000", "[2001:db8:9::1]:443");
  const auto stays = udp("10.0.0.7:2", "203.0.113.9:53", kFirst);
  for (const auto& one : {first, six}) world_->add(one);
  auto there = listed(Family::v4);
  for (const auto& one : listed(Family::v6)) there.push_back(one);
  world_->add(stays);
  EXPECT_EQ(world_->connections().mark(there, {kSecond, kMask}), 2U);
  first.mark = 0x00ff0000 | kSecond;
  six.mark = kSecond;
  EXPECT_THAT(seen(Family::v4), UnorderedElementsAre(first, stays));
  EXPECT_THAT(seen(Family::v6), UnorderedElementsAre(six));
  EXPECT_EQ(world_->connections().remove(there), 2U);
  EXPECT_EQ(world_->connections().mark(there, {kSecond, kMask}), 0U);  // gone: no error
  EXPECT_EQ(world_->connections().mark({}, {kSecond, kMask}), 0U);
}

TEST_P(ConnectionsContract, SixIsRemovedToo) {
  world_->add(udp("[fd00::7]:4000", "[2001:db8:9::1]:443"));
  world_->add(connection(ip_protocol::kIcmpv6, tuple("[fd00::7]:77", "[2001:db8:9::1]:32768"),
                         tuple("[2001:db8:9::1]:77", "[fd00::7]:33024")));
  EXPECT_EQ(world_->connections().remove(listed(Family::v6)), 2U);
  EXPECT_THAT(listed(Family::v6), IsEmpty());
}

TEST_P(ConnectionsContract, AnotherOneBetweenTheSameEndsIsNotTakenForIt) {
  const auto one = udp("10.0.0.7:1", "203.0.113.9:53");
  world_->add(one);
  const auto before = listed(Family::v4);
  ASSERT_EQ(world_->connections().remove(before), 1U);
  // The kernel makes the identity of the place in memory, too: that must not be the same.
  for (std::uint16_t port = 2; port < 200; ++port) {
    auto other = one;
    other.original.source_port = other.reply.destination_port = port;
    world_->add(other);
  }
  world_->add(one);
  EXPECT_EQ(world_->connections().remove(before), 0U);
  EXPECT_THAT(seen(Family::v4), testing::Contains(one));
}

TEST_P(ConnectionsContract, AZoneIsPartOfWhoItIs) {
  const auto plain = udp("10.0.0.7:1", "203.0.113.9:53");
  auto zoned = plain;
  zoned.zone = 7;
  world_->add(plain);
  world_->add(zoned);
  auto there = listed(Family::v4);
  std::erase_if(there, [](const Connection& each) { return each.zone == 0; });
  ASSERT_EQ(there.size(), 1U);
  EXPECT_EQ(world_->connections().remove(there), 1U);
  EXPECT_THAT(seen(Family::v4), UnorderedElementsAre(plain));
}

/// More than fit into one message to the kernel, and some of them gone.
TEST_P(ConnectionsContract, ManyAtOnce) {
  constexpr std::uint16_t kMany = 2000;
  for (std::uint16_t port = 1; port <= kMany; ++port) {
    auto one = udp("10.0.0.7:1", "203.0.113.9:53", port % 2 == 0 ? kFirst : kSecond);
    one.original.source_port = one.reply.destination_port = port;
    world_->add(one);
  }
  auto first = listed(Family::v4, {kFirst, kMask});
  ASSERT_EQ(first.size(), kMany / 2);
  const std::vector<Connection> some(first.begin(), first.begin() + 700);
  EXPECT_EQ(world_->connections().remove(some), 700U);
  EXPECT_EQ(world_->connections().remove(first), 300U);
  EXPECT_EQ(listed(Family::v4).size(), kMany / 2);
}

TEST_P(ConnectionsContract, OfTheSocketsTheNamedOnesAreDestroyed) {
  for (const auto address : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    const auto one = world_->open(address);
    const auto other = world_->open(address);
    EXPECT_EQ(world_->sockets().destroy({{one}}, {}), 1U) << address;
    EXPECT_FALSE(world_->is_open(one)) << address;
    EXPECT_TRUE(world_->is_open(other)) << address;
    EXPECT_EQ(world_->sockets().destroy({{one}}, {}), 0U) << address;
  }
}

TEST_P(ConnectionsContract, WhoListensIsLeftAlone) {
  const auto one = world_->open("127.0.0.1");
  // As if this host had begun a connection from the port at which it listens, which has gone since.
  const ConnectionTuple gone{one.destination, IpAddress::parse("203.0.113.9").value(), one.destination_port,
                             4000};
  EXPECT_EQ(world_->sockets().destroy({{gone}}, {}), 0U);
  EXPECT_TRUE(world_->is_listening(one));
  EXPECT_TRUE(world_->is_open(one));
}

TEST_P(ConnectionsContract, ASocketThatIsBoundToADeviceIsLeftAlone) {
  const auto one = world_->open("127.0.0.1", "lo");
  EXPECT_EQ(world_->sockets().destroy({{one}}, {}), 0U);
  EXPECT_TRUE(world_->is_open(one));
}

TEST_P(ConnectionsContract, ManySocketsAtOnce) {
  std::vector<ConnectionTuple> named;
  std::vector<ConnectionTuple> others;
  for (int i = 0; i < 100; ++i) {
    named.push_back(world_->open(i % 2 == 0 ? "127.0.0.1" : "::1"));
    others.push_back(world_->open("127.0.0.1"));
  }
  EXPECT_EQ(world_->sockets().destroy(named, {}), named.size());
  const auto is_open = [&](const ConnectionTuple& one) { return world_->is_open(one); };
  EXPECT_TRUE(std::none_of(named.begin(), named.end(), is_open));
  EXPECT_TRUE(std::all_of(others.begin(), others.end(), is_open));
}

INSTANTIATE_TEST_SUITE_P(Worlds, ConnectionsContract,
                         testing::Values(ConnectionWorldKind{"Fake", make_fake_connection_world},
                                         ConnectionWorldKind{"Real", make_real_connection_world}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace connections_contract_test
}  // namespace multilink
