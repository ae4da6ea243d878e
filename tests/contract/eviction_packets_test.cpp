// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "contract/network_namespace.hpp"
#include "contract/test_sockets.hpp"
#include "fakes/connection_samples.hpp"
#include "fakes/fake_connections.hpp"
#include "fakes/fake_log.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "multilink/adapters/syn_notifier.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/connection_mover.hpp"

namespace multilink {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using fakes::kMask;

/// Of one family, the addresses of everybody.
struct Addresses {
  const char* name;
  const char *client, *lan, *lan_neighbour, *wan1, *wan2, *isp1, *isp2, *server, *other_server;
  const char *lan_length, *host_length, *family;
};
constexpr Addresses kFour{
    "IPv4",      "10.0.0.7",     "10.0.0.1",     "10.0.0.8",     "192.0.2.2", "198.51.100.2",
    "192.0.2.1", "198.51.100.1", "203.0.113.10", "203.0.113.11", "/24",       "/32",
    "-4"};
constexpr Addresses kSix{"IPv6",
                         "fd00::7",
                         "fd00::1",
                         "fd00::8",
                         "2001:db8:1::2",
                         "2001:db8:2::2",
                         "2001:db8:1::1",
                         "2001:db8:2::1",
                         "2001:db8:9::10",
                         "2001:db8:9::11",
                         "/64",
                         "/128",
                         "-6"};

std::ostream& operator<<(std::ostream& out, const Addresses& addresses) {
  return out << addresses.name;
}

/// What the nftables table of routed does, as far as it matters here.
constexpr const char* kTable = R"(
table inet lab {
  set evicted4 { type ipv4_addr . inet_service . ipv4_addr; flags timeout; }
  set evicted6 { type ipv6_addr . inet_service . ipv6_addr; flags timeout; }
  chain spoofed { type filter hook output priority raw; meta mark 0x3f000000 notrack; }
  chain pre { type filter hook prerouting priority mangle; ct mark != 0 meta mark set ct mark; }
  chain own { type route hook output priority mangle; meta mark 0 ct mark != 0 meta mark set ct mark; }
  chain forwarded {
    type filter hook forward priority filter;
    ip saddr . tcp sport . ip daddr @evicted4 tcp flags & (syn | ack) != syn reject with tcp reset
    ip6 saddr . tcp sport . ip6 daddr @evicted6 tcp flags & (syn | ack) != syn reject with tcp reset
  }
  chain leaving {
    type filter hook postrouting priority mangle;
    ct state new oifname "wan1" ct mark set 0x01000000
    ct state new oifname "wan2" ct mark set 0x02000000
  }
  chain nat { type nat hook postrouting priority srcnat; oifname "wan*" masquerade; }
})";

constexpr const char* kDeadPort = R"(
table netdev dead {
  chain from {
    type filter hook ingress device "port1" priority 0
    drop
  }
  chain to {
    type filter hook egress device "port1" priority 0
    drop
  }
})";

void write_file(const std::string& path, const char* text) {
  std::ofstream(path) << text;
}

/// client -- gateway (this thread) == two uplinks == the Internet. The default leads over wan1; server is reached by it,
/// other_server by wan2.
class EvictionPackets : public testing::TestWithParam<Addresses> {
 protected:
  EvictionPackets() {
    // Addresses are good at once.
    const auto without_dad = [] { write_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0"); };
    without_dad();
    client_.run(without_dad);
    internet_.run(without_dad);
    ip({"link", "set", "lo", "up"});
    write_file("/proc/sys/net/ipv4/ip_forward", "1");
    write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
    connect(client_, "lan0", "eth0", a_.lan, {a_.client, a_.lan_neighbour}, a_.lan);
    connect(internet_, "wan1", "port1", a_.wan1, {a_.isp1});
    connect(internet_, "wan2", "port2", a_.wan2, {a_.isp2});
    internet_.run([&] {
      ip({"link", "set", "lo", "up"});
      for (const auto address : {a_.server, a_.other_server}) {
        ip({"addr", "add", cat(address, a_.host_length), "dev", "lo", "nodad"});
      }
    });
    ip({a_.family, "rule", "add", "pref", "100", "lookup", "main", "suppress_prefixlength", "0"});
    for (const auto& [table, mark, via] : {std::tuple{"101", "0x01000000/0x3f000000", a_.isp1},
                                           std::tuple{"102", "0x02000000/0x3f000000", a_.isp2}}) {
      ip({a_.family, "route", "add", "default", "via", via, "table", table});
      ip({a_.family, "rule", "add", "pref", "200", "fwmark", mark, "lookup", table});
    }
    lead_over(a_.isp1);
    ip({a_.family, "route", "add", cat(a_.other_server, a_.host_length), "via", a_.isp2});
    nft(kTable);
  }

  /// A veth pair with addresses of one network; `gateway` none: no default at the far end.
  void connect(const OtherNamespace& other, const char* near, const char* far, const char* near_address,
               const std::vector<const char*>& far_addresses, const char* gateway = nullptr) {
    const std::string path = other.path();
    ip({"link", "add", near, "type", "veth", "peer", "name", far, "netns", path});
    ip({"addr", "add", cat(near_address, a_.lan_length), "dev", near, "nodad"});
    ip({"link", "set", near, "up"});
    other.run([&] {
      for (const auto address : far_addresses)
        ip({"addr", "add", cat(address, a_.lan_length), "dev", far, "nodad"});
      ip({"link", "set", far, "up"});
      if (gateway != nullptr) ip({a_.family, "route", "add", "default", "via", gateway});
    });
  }
  void lead_over(const char* isp) { ip({a_.family, "route", "replace", "default", "via", isp}); }

  /// Everything that goes to or comes from the first provider is lost without a word.
  void lose_wan1() {
    internet_.run([] { nft(kDeadPort); });
  }

  Listener listen(const char* address) {
    return internet_.run([&] { return Listener(address); });
  }
  /// From the client's place in the LAN.
  TcpPair dial(const Listener& listener) {
    return {client_.run([&] { return connect_to(listener.address()); }), listener};
  }

  Family family() const { return IpAddress::parse(a_.server)->family(); }

  /// The order, and all that follows from it. Gives when it was done.
  Clock::time_point evict(EvictionScope scope, ClientNotifier& notifier) {
    NetlinkKernel kernel(loop_, log_, {});
    const auto state = kernel.read().value();
    const std::set<unsigned> uplinks{state.link_named("wan1")->index, state.link_named("wan2")->index};
    ConnectionMover mover(
        {loop_, connections_, sockets_, notifier, log_},
        [this](std::span<const ConnectionTuple> tuples) { return add_resets(tuples); },
        [this](const EvictionOrder&, const Result<MovedFlows>& moved) {
          moved_ = moved;
          loop_.stop();
        });
    mover.carry_out({"wan1", 1, family(), scope, EvictionCause::down}, kMask,
                    std::make_shared<InsideNetworks>(state, uplinks));
    loop_.run();
    return Clock::now();
  }
  Clock::time_point evict(EvictionScope scope) { return evict(scope, notifier_); }

  static Result<void> add_resets(std::span<const ConnectionTuple> tuples) {
    for (const auto& one : tuples) {
      const auto set = one.source.family() == Family::v4 ? "evicted4" : "evicted6";
      nft(cat("add element inet lab ", set, " { ", one.source.to_string(), " . ",
                              one.source_port, " . ", one.destination.to_string(), " timeout 1m }")});
    }
    return {};
  }

  const Addresses& a_ = GetParam();
  NetworkNamespace gateway_;
  OtherNamespace client_;
  OtherNamespace internet_;
  EventLoop loop_;
  fakes::FakeLog log_;
  NetlinkConnections connections_{log_};
  NetlinkSockets sockets_;
  SynNotifier notifier_{kMask};
  Result<MovedFlows> moved_ = fail("not yet");
};

constexpr auto kAtOnce = 200ms;

TEST_P(EvictionPackets, AClientThatUploadsLearnsOfItAtOnce) {
  const auto listener = listen(a_.server);
  auto upload = dial(listener);
  ASSERT_TRUE(upload.passes("from the client"));
  lose_wan1();
  lead_over(a_.isp2);
  const auto done = evict(EvictionScope::all);
  EXPECT_EQ(moved_->tcp_forwarded, 1U);
  EXPECT_EQ(upload.client.await_error(kAtOnce, Doing::sending), ECONNRESET);
  EXPECT_LE(Clock::now() - done, kAtOnce);
}

TEST_P(EvictionPackets, AClientThatDownloadsLearnsOfItAtOnce) {
  const auto listener = listen(a_.server);
  auto download = dial(listener);
  ASSERT_TRUE(download.passes("from the client"));
  lose_wan1();
  lead_over(a_.isp2);
  evict(EvictionScope::all);
  EXPECT_EQ(download.client.await_error(kAtOnce, Doing::nothing), ECONNRESET);
  // What told it of that has left no trace.
  for (const auto& one : connections_.list(family(), {0, 0}).value()) {
    EXPECT_NE(one.original.source, IpAddress::parse(a_.server));
  }
}

/// What the notification is for.
TEST_P(EvictionPackets, WithoutBeingToldItWouldWait) {
  const auto listener = listen(a_.server);
  auto download = dial(listener);
  ASSERT_TRUE(download.passes("from the client"));
  lose_wan1();
  lead_over(a_.isp2);
  fakes::FakeClients nobody;
  evict(EvictionScope::all, nobody);
  EXPECT_EQ(nobody.told.size(), 1U);
  EXPECT_EQ(download.client.await_error(kAtOnce, Doing::nothing), std::nullopt);
}

TEST_P(EvictionPackets, ARetryWorksAtOnce) {
  const auto listener = listen(a_.server);
  auto before = dial(listener);
  lose_wan1();
  lead_over(a_.isp2);
  evict(EvictionScope::all);
  auto after = dial(listener);
  EXPECT_TRUE(after.passes("from the client"));
}

TEST_P(EvictionPackets, ASocketOfThisHostFailsAtOnce) {
  const auto listener = listen(a_.server);
  TcpPair own{connect_to(listener.address()), listener};
  ASSERT_TRUE(own.passes("from this host"));
  lose_wan1();
  lead_over(a_.isp2);
  evict(EvictionScope::all);
  EXPECT_EQ(moved_->tcp_local, 1U);
  EXPECT_EQ(own.client.await_error(kAtOnce, Doing::nothing), ECONNABORTED);
  TcpPair again{connect_to(listener.address()), listener};
  EXPECT_TRUE(again.passes("from this host, again"));
}

TEST_P(EvictionPackets, WhatIsElsewhereOrCameInGoesOn) {
  const auto other = listen(a_.other_server);
  auto over_wan2 = dial(other);
  const Listener own(a_.lan);
  auto with_gateway = dial(own);
  const Listener at_wan1(a_.wan1);
  TcpPair came_in{internet_.run([&] { return connect_to(at_wan1.address()); }), at_wan1};
  ASSERT_TRUE(over_wan2.passes("1") && with_gateway.passes("2") && came_in.passes("3"));
  const auto listener = listen(a_.server);
  auto over_wan1 = dial(listener);
  lead_over(a_.isp2);
  evict(EvictionScope::all);
  EXPECT_EQ(moved_->total(), 1U);
  EXPECT_TRUE(over_wan2.passes("4"));
  EXPECT_TRUE(with_gateway.passes("5"));
  EXPECT_TRUE(came_in.passes("6"));
  EXPECT_EQ(over_wan1.client.await_error(kAtOnce, Doing::nothing), ECONNRESET);
}

TEST_P(EvictionPackets, UdpGoesOnByTheOtherUplinkAndTcpStays) {
  auto server = internet_.run([&] { return UdpSocket(a_.server); });
  auto client = client_.run([&] { return UdpSocket(a_.client); });
  client.send(server.address());
  EXPECT_EQ(server.await_sender(1s), a_.wan1);
  const auto listener = listen(a_.server);
  auto page = dial(listener);
  ASSERT_TRUE(page.passes("1"));
  lead_over(a_.isp2);
  client.send(server.address());
  EXPECT_EQ(server.await_sender(1s), a_.wan1);  // pinned
  evict(EvictionScope::udp);
  EXPECT_EQ(moved_->total(), 1U);
  client.send(server.address());
  EXPECT_EQ(server.await_sender(1s), a_.wan2);
  EXPECT_TRUE(page.passes("2"));
}

INSTANTIATE_TEST_SUITE_P(Families, EvictionPackets, testing::Values(kFour, kSix),
                         [](const auto& family) { return std::string(family.param.name); });

}  // namespace
}  // namespace multilink
