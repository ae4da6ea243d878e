// SPDX-License-Identifier: GPL-2.0-or-later
// An eviction from the order to the last packet, with all that stands behind the mover's ports.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "contract/filtered_gateway.hpp"
#include "fakes/fake_connections.hpp"
#include "fakes/fake_log.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "multilink/adapters/syn_notifier.hpp"
#include "multilink/services/connection_mover.hpp"

namespace multilink {
namespace eviction_packets_test {

using Clock = std::chrono::steady_clock;
/// It takes some milliseconds, where nobody is told many seconds; a busy machine is allowed more.
constexpr auto kAtOnce = std::chrono::seconds(1);

/// A TCP connection, both ends.
struct Talk {
  std::unique_ptr<TcpSocket> near;
  std::unique_ptr<TcpSocket> far;

  /// Whether a word gets there and back.
  bool goes_on(std::string_view word) const {
    return near->send(word) == 0 && far->receive() == word && far->send(word) == 0 && near->receive() == word;
  }
  /// With which errno the near end fails, without being told to do anything; ETIMEDOUT: not within 2 s.
  int failure() const {
    const auto text = near->receive();
    EXPECT_EQ(text, "");
    return near->last_error() == 0 ? ETIMEDOUT : near->last_error();
  }
  /// The same while it sends.
  int failure_of_upload() const {
    const auto end = Clock::now() + std::chrono::seconds(2);
    while (Clock::now() < end) {
      if (const int code = near->send("more"); code != 0) return code;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return ETIMEDOUT;
  }
};

/// The default leads over the first uplink.
class EvictionPackets : public FilteredGateway {
 protected:
  EvictionPackets() {
    net_.add_pin_rules();
    net_.use(1);
    net_.masquerade();
    net_.put_in_force();
    listener_.listen();
  }

  Talk talk(Place from) { return talk(from, listener_); }
  Talk talk(Place from, TcpSocket& listener) {
    Talk out{std::make_unique<TcpSocket>(net_, from, family_), nullptr};
    EXPECT_EQ(out.near->connect(listener.local()), 0);
    out.far = listener.accept();
    EXPECT_TRUE(out.far && out.goes_on("hello"));
    return out;
  }

  /// The first provider loses everything without a word, and the route is moved.
  void fail_over() {
    net_.nft(
        Place::internet,
        "add table netdev dead; add chain netdev dead to { type filter hook ingress device isp1 priority 0; "
        "policy drop; }; "
        "add chain netdev dead from { type filter hook egress device isp1 priority 0; policy drop; }");
    net_.use(2);
  }

  /// The order that the first uplink's connections leave, and all that follows. Gives when it was done.
  Clock::time_point evict(EvictionScope scope, ClientNotifier& notifier) {
    const auto state = NetlinkKernel(net_.loop(), log_, {}).read().value();
    const std::set<unsigned> uplinks{state.link_named("wan1")->index, state.link_named("wan2")->index};
    ConnectionMover mover(
        {net_.loop(), connections_, sockets_, notifier, log_},
        [this](std::span<const ConnectionTuple> cut) { return reset(cut); },
        [this](const EvictionOrder&, const Result<MovedFlows>& moved) {
          moved_ = moved.value();
          net_.loop().stop();
        });
    mover.carry_out({"wan1", 1, family_, scope, EvictionCause::down, false},
                    std::make_shared<ConnectionMover::Surroundings>(ConnectionMover::Surroundings{
                        GatewayNetwork::kMask, InsideNetworks(state, uplinks), {}}));
    net_.loop().run();
    return Clock::now();
  }
  Clock::time_point evict(EvictionScope scope) { return evict(scope, notifier_); }

  Result<void> reset(std::span<const ConnectionTuple> cut) {
    std::vector<TcpTuple> tuples;
    for (const auto& one : cut) {
      tuples.push_back({one.source, one.source_port, one.destination, one.destination_port});
    }
    const auto done = net_.filter().reset(tuples);
    if (!done) return tl::unexpected<Error>(done.error());
    return {};
  }

  TcpSocket listener_{net_, Place::internet, family_, {.address = net_.server(family_), .port = 7001}};
  fakes::FakeLog log_;
  NetlinkConnections connections_{log_};
  NetlinkSockets sockets_;
  SynNotifier notifier_{GatewayNetwork::kMask};
  MovedFlows moved_;
};

TEST_P(EvictionPackets, AClientThatUploadsLearnsOfItAtOnce) {
  const auto upload = talk(Place::client);
  fail_over();
  const auto done = evict(EvictionScope::all);
  EXPECT_EQ(moved_.tcp_forwarded, 1U);
  EXPECT_EQ(upload.failure_of_upload(), ECONNRESET);
  EXPECT_LE(Clock::now() - done, kAtOnce);
}

TEST_P(EvictionPackets, AClientThatDownloadsLearnsOfItAtOnce) {
  const auto download = talk(Place::client);
  net_.nft(Place::gateway,
           "add table inet watch; add chain inet watch out { type filter hook output priority 0; }; "
           "add rule inet watch out ct state untracked tcp flags & (syn | ack) == syn counter");
  fail_over();
  const auto done = evict(EvictionScope::all);
  EXPECT_EQ(download.failure(), ECONNRESET);
  EXPECT_LE(Clock::now() - done, kAtOnce);
  // What told it of that is nobody's connection.
  const auto counted = net_.ruleset("table inet watch");
  EXPECT_NE(counted.find("counter packets 1 "), std::string::npos) << counted;
}

/// What the notification is for.
TEST_P(EvictionPackets, WithoutBeingToldItWouldWait) {
  const auto download = talk(Place::client);
  fail_over();
  fakes::FakeClients nobody;
  evict(EvictionScope::all, nobody);
  EXPECT_EQ(nobody.told.size(), 1U);
  EXPECT_EQ(download.failure(), ETIMEDOUT);
}

TEST_P(EvictionPackets, ARetryWorksAtOnce) {
  const auto before = talk(Place::client);
  fail_over();
  evict(EvictionScope::all);
  EXPECT_TRUE(talk(Place::client).goes_on("again"));
}

TEST_P(EvictionPackets, AProgramOfThisHostFailsAtOnceAndMayTryAgain) {
  const auto own = talk(Place::gateway);
  fail_over();
  const auto done = evict(EvictionScope::all);
  EXPECT_EQ(moved_.tcp_local, 1U);
  EXPECT_EQ(own.failure(), ECONNABORTED);
  EXPECT_LE(Clock::now() - done, kAtOnce);
  EXPECT_TRUE(talk(Place::gateway).goes_on("again"));
}

TEST_P(EvictionPackets, WhatIsElsewhereOrCameInGoesOn) {
  net_.use(2);
  const auto over_the_second = talk(Place::client);
  net_.use(1);
  TcpSocket in_the_lan(net_, Place::gateway, family_, {.address = net_.gateway(family_), .port = 7002});
  TcpSocket at_the_first(net_, Place::gateway, family_, {.address = net_.own(1, family_), .port = 7003});
  in_the_lan.listen();
  at_the_first.listen();
  const auto with_the_gateway = talk(Place::client, in_the_lan);
  const auto came_in = talk(Place::internet, at_the_first);
  const auto cut = talk(Place::client);
  net_.use(2);
  evict(EvictionScope::all);
  EXPECT_EQ(moved_.total(), 1U);
  EXPECT_TRUE(over_the_second.goes_on("one"));
  EXPECT_TRUE(with_the_gateway.goes_on("two"));
  EXPECT_TRUE(came_in.goes_on("three"));
  EXPECT_EQ(cut.failure(), ECONNRESET);
}

TEST_P(EvictionPackets, UdpGoesOnByTheOtherUplinkAndTcpStays) {
  UdpSocket client(net_, Place::client, family_);
  EXPECT_EQ(exchange(client), 1U);
  const auto page = talk(Place::client);
  net_.use(2);
  EXPECT_EQ(exchange(client), 1U);  // pinned
  evict(EvictionScope::udp);
  EXPECT_EQ(moved_.total(), 1U);
  EXPECT_EQ(exchange(client), 2U);
  EXPECT_TRUE(page.goes_on("still here"));
}

INSTANTIATE_TEST_SUITE_P(Families, EvictionPackets, both_families(), family_name);

}  // namespace eviction_packets_test
}  // namespace multilink
