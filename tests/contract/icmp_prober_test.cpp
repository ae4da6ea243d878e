// SPDX-License-Identifier: GPL-2.0-or-later
// What IcmpProber does beyond the contract, with a real kernel.
#include "multilink/adapters/icmp_prober.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "contract/prober_network.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/icmp_messages.hpp"
#include "multilink/core/echo_packet.hpp"

namespace multilink {
namespace icmp_prober_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kMark = 0x3f000000;

class IcmpProberTest : public testing::Test {
 protected:
  IcmpProberTest() { listen(kMark); }

  void listen(std::uint32_t mark) {
    const auto listening = prober_.listen({1000, 1, mark}, [this](auto arrivals) {
      for (const auto& arrival : arrivals) arrivals_.push_back(arrival);
    });
    EXPECT_TRUE(listening) << listening.error().message;
  }

  Result<MonoTime> send(const IpAddress& target, std::uint64_t sequence = 1) {
    const OutgoingProbe probe{network_.link(0), target,
                              build_echo_request(target.family(), {1000, sequence, 77})};
    return prober_.send({&probe, 1}).at(0);
  }

  bool run_until(const std::function<bool()>& reached) {
    const MonoTime deadline = loop_.now().mono + seconds(10);
    while (!reached() && loop_.now().mono < deadline) {
      const auto turn = loop_.after(milliseconds(1), [this] { loop_.stop(); });
      loop_.run();
    }
    return reached();
  }

  ProberNetwork network_;
  EventLoop loop_;
  fakes::FakeLog log_;
  IcmpProber prober_{loop_, log_};
  std::vector<ArrivedMessage> arrivals_;
};

TEST_F(IcmpProberTest, AnAnswerIsAsOldAsTheKernelSaysHoweverLateItIsRead) {
  // A kernel that nobody has asked for time stamps yet takes a moment to begin with them.
  Duration shortest = Duration::max();
  for (int attempt = 0; attempt < 10 && shortest > milliseconds(100); ++attempt) {
    arrivals_.clear();
    const auto sent = send(ProberNetwork::kTarget);
    ASSERT_TRUE(sent) << sent.error().message;
    std::this_thread::sleep_for(milliseconds(200));  // a loop that is busy with something else
    ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
    ASSERT_GE(arrivals_[0].at, *sent);
    shortest = std::min(shortest, arrivals_[0].at - *sent);
  }
  EXPECT_LE(shortest, milliseconds(100));
}

TEST_F(IcmpProberTest, ProbesCarryTheirMark) {
  std::ofstream("/proc/sys/net/ipv4/neigh/up0/retrans_time_ms") << "50" << std::flush;
  ip({"route", "add", "203.0.113.0/24", "via", "192.0.2.77", "dev", "up0", "table", "50"});  // nobody
  ip({"rule", "add", "pref", "100", "fwmark", "0x3f000000/0x3f000000", "lookup", "50"});
  ASSERT_TRUE(send(ProberNetwork::kTarget));
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  EXPECT_EQ(arrivals_[0].source, IpAddress::parse("192.0.2.2"));  // this host itself: unreachable
  listen(0x00ff0000);
  ASSERT_TRUE(send(ProberNetwork::kTarget));
  ASSERT_TRUE(run_until([&] { return arrivals_.size() > 1; }));
  EXPECT_EQ(arrivals_[1].source, ProberNetwork::kTarget);
}

TEST_F(IcmpProberTest, WhereNoRouteLetsItTheKernelLooksOnTheLinkAndSaysUnreachable) {
  std::ofstream("/proc/sys/net/ipv4/neigh/up0/retrans_time_ms") << "50" << std::flush;
  ip({"route", "add", "unreachable", "203.0.113.66"});
  const auto target = *IpAddress::parse("203.0.113.66");
  ASSERT_TRUE(send(target, 3));
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  const auto message = parse_icmp(Family::v4, arrivals_[0].message);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_TRUE(std::get<Unreachable>(*message).quotes({1000, 3, 77}, target));
}

TEST_F(IcmpProberTest, ALinkThatIsDownIsARefusal) {
  ip({"link", "set", "up0", "down"});
  const auto refused = send(ProberNetwork::kTarget);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENETUNREACH);
}

TEST_F(IcmpProberTest, ADeadNextHopIsAnUnreachableFromThisHost) {
  std::ofstream("/proc/sys/net/ipv4/neigh/up0/retrans_time_ms") << "50" << std::flush;
  ip({"route", "add", "198.51.100.1", "via", "192.0.2.77", "dev", "up0"});
  const auto target = *IpAddress::parse("198.51.100.1");
  ASSERT_TRUE(send(target, 9));
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  EXPECT_EQ(arrivals_[0].source, IpAddress::parse("192.0.2.2"));
  const auto message = parse_icmp(Family::v4, arrivals_[0].message);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_TRUE(std::get<Unreachable>(*message).quotes({1000, 9, 77}, target));
}

TEST_F(IcmpProberTest, ProbesCarryTheirMarkInIpv6Too) {
  ip({"-6", "rule", "add", "pref", "100", "fwmark", "0x3f000000/0x3f000000", "unreachable"});
  EXPECT_FALSE(send(ProberNetwork::kTarget6));
  listen(0x00ff0000);
  ASSERT_TRUE(send(ProberNetwork::kTarget6));
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  EXPECT_EQ(arrivals_[0].source, ProberNetwork::kTarget6);
}

TEST_F(IcmpProberTest, WhereNoIpv6RouteLetsItTheKernelRefuses) {
  const auto nowhere = send(*IpAddress::parse("2001:db8:7777::1"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ENETUNREACH);
}

TEST_F(IcmpProberTest, AnIpv6ProbeFindsNoWayRoundItsDevice) {
  ip({"route", "del", "2001:db8:113::/64", "via", "fe80::1", "dev", "up0"});  // up1's is there still
  const auto refused = send(ProberNetwork::kTarget6);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENETUNREACH);
}

TEST_F(IcmpProberTest, ADeadIpv6NextHopIsAnUnreachableFromThisHost) {
  std::ofstream("/proc/sys/net/ipv6/neigh/up0/retrans_time_ms") << "50" << std::flush;
  ip({"route", "add", "2001:db8:55::/64", "via", "fe80::77", "dev", "up0"});
  const auto target = *IpAddress::parse("2001:db8:55::1");
  ASSERT_TRUE(send(target, 9));
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  EXPECT_EQ(arrivals_[0].source, IpAddress::parse("2001:db8:2::2"));
  const auto message = parse_icmp(Family::v6, arrivals_[0].message);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_TRUE(std::get<Unreachable>(*message).quotes({1000, 9, 77}, target));
}

TEST_F(IcmpProberTest, WhatDoesNotFitIntoTheSocketIsLoggedOnce) {
  // Foreign messages that the filter keeps out take no room and are nobody's loss.
  constexpr int kMoreThanFit = 40'000;
  const auto foreign = fakes::echo_reply_to(build_echo_request(Family::v4, {2000, 1, 77}));
  const auto ours = fakes::echo_reply_to(build_echo_request(Family::v4, {1000, 1, 77}));
  network_.inject(0, Family::v4, foreign, kMoreThanFit);
  network_.inject(0, Family::v4, ours);
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  EXPECT_EQ(log_.count("the ICMP socket was full"), 0U);
  network_.inject(0, Family::v4, ours, kMoreThanFit);
  ASSERT_TRUE(run_until([&] { return arrivals_.size() > 1; }));
  const auto after_flood = arrivals_.size();
  network_.inject(0, Family::v4, ours);  // carries the count of those before it
  ASSERT_TRUE(run_until([&] { return log_.count("the ICMP socket was full") > 0; }))
      << after_flood << " arrived";
  EXPECT_EQ(log_.count("the ICMP socket was full"), 1U);
}

}  // namespace icmp_prober_test
}  // namespace multilink
