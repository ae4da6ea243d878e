// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "contract/network_namespace.hpp"
#include "fakes/connection_samples.hpp"
#include "fakes/fake_log.hpp"
#include "multilink/adapters/conntrack_message.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/adapters/syn_notifier.hpp"
#include "multilink/services/connection_mover.hpp"

namespace multilink {
namespace connections_speed_test {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint32_t kFirst = 0x01000000;
constexpr std::uint32_t kSecond = 0x02000000;
constexpr unsigned kConnections = 20'000;

/// Half of them with each mark.
void fill_table() {
  NetlinkSocket maker(NetlinkProtocol::netfilter);
  NetlinkBatch batch;
  for (unsigned i = 0; i < kConnections; ++i) {
    auto one = fakes::translated(fakes::tcp("10.0.0.7:1", "203.0.113.9:443", i % 2 == 0 ? kFirst : kSecond),
                                 "192.0.2.2");
    one.original.source_port = one.reply.destination_port = static_cast<std::uint16_t>(1000 + i);
    add_creation(one, 600, batch);
  }
  unsigned refused = 0;
  ASSERT_TRUE(maker.change_all(batch, [&](std::size_t, int) { ++refused; }));
  ASSERT_EQ(refused, 0U);
}

/// The kernel's part is done in our calls: what they take of the processor is what they last on a machine that has nothing else to
/// do.
Milliseconds processor_time() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// The promise is 100 ms; a machine with other work, and a build with sanitizers, are given room. The figures are printed.
constexpr Milliseconds kMost(500);

TEST(ConnectionsSpeed, TenThousandOfTwentyThousandGoAtOnce) {
  const NetworkNamespace own;
  fakes::FakeLog log;
  NetlinkConnections connections(log);
  std::vector<Milliseconds> taken;
  for (int run = 0; run < 5; ++run) {
    fill_table();
    const auto begun = processor_time();
    const auto found = connections.list(Family::v4, {kFirst, fakes::kMask});
    const auto listed = processor_time();
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), kConnections / 2);
    ASSERT_EQ(connections.remove(*found), kConnections / 2);
    const auto removed = processor_time();
    std::cout << "read in " << (listed - begun).count() << " ms, removed in " << (removed - listed).count()
              << " ms\n";
    taken.push_back(removed - begun);
    ASSERT_EQ(connections.remove(connections.list(Family::v4, {0, 0}).value()), kConnections / 2);
  }
  std::sort(taken.begin(), taken.end());
  EXPECT_LE(taken.at(taken.size() / 2), kMost);
}

/// None of them takes any of these connections: the most there is to look at.
PolicyFlows ten_policies() {
  Config config;
  for (std::uint16_t i = 0; i < 10; ++i) {
    PolicyConfig policy;
    policy.name = "p" + std::to_string(i);
    policy.from = {IpPrefix::parse("10.0.0.0/24").value()};
    policy.protocols = {ip_protocol::kTcp};
    policy.ports = {{i, i}};
    policy.use = {"wan2"};
    config.policies.push_back(policy);
  }
  return PolicyFlows(config, fakes::gateway_state(), {});
}

/// All of it, for forwarded TCP connections, each of whose clients is told.
TEST(ConnectionsSpeed, SoDoTheirClientsLearnOfIt) {
  const NetworkNamespace own;
  ip({"link", "add", "lan0", "type", "veth", "peer", "name", "far"});
  ip({"addr", "add", "10.0.0.1/24", "dev", "lan0"});
  ip({"link", "set", "lan0", "up"});
  ip({"link", "set", "far", "up"});
  ip({"neigh", "add", "10.0.0.7", "lladdr", "02:00:00:00:00:07", "dev", "lan0"});
  EventLoop loop;
  fakes::FakeLog log;
  NetlinkConnections connections(log);
  NetlinkSockets sockets;
  SynNotifier notifier(fakes::kMask);
  MovedFlows moved;
  NftablesFilter filter(loop);
  ASSERT_TRUE(filter.replace({}));
  ConnectionMover mover(
      {loop, connections, sockets, notifier, log},
      [&](std::span<const ConnectionTuple> cut) -> Result<void> {
        std::vector<TcpTuple> tuples;
        for (const auto& one : cut)
          tuples.push_back({one.source, one.source_port, one.destination, one.destination_port});
        const auto done = filter.reset(tuples);
        if (!done) return tl::unexpected<Error>(done.error());
        return {};
      },
      [&](const EvictionOrder&, const Result<MovedFlows>& result) {
        moved = result.value();
        loop.stop();
      });
  std::vector<Milliseconds> taken;
  for (int run = 0; run < 5; ++run) {
    fill_table();
    const auto begun = processor_time();
    mover.carry_out({"wan1", 1, Family::v4, EvictionScope::all, EvictionCause::down},
                    std::make_shared<ConnectionMover::Surroundings>(ConnectionMover::Surroundings{
                        fakes::kMask, fakes::gateway_inside(), ten_policies()}));
    loop.run();
    taken.push_back(processor_time() - begun);
    std::cout << "moved in " << taken.back().count() << " ms\n";
    ASSERT_EQ(moved.tcp_forwarded, kConnections / 2);
    ASSERT_EQ(connections.remove(connections.list(Family::v4, {0, 0}).value()), kConnections / 2);
  }
  EXPECT_EQ(log.count("", LogLevel::warning), 0U);
  std::sort(taken.begin(), taken.end());
  EXPECT_LE(taken.at(taken.size() / 2), kMost);
}

}  // namespace connections_speed_test
}  // namespace multilink
