// SPDX-License-Identifier: GPL-2.0-or-later
// Beside the rules of others, and while it is replaced: the table on a real kernel, with real packets.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "contract/filtered_gateway.hpp"

namespace multilink {
namespace packet_filter_neighbours_test {

struct Neighbour {
  const char* name;
  const char* rules;
};

std::ostream& operator<<(std::ostream& out, const Neighbour& neighbour) {
  return out << neighbour.name;
}

constexpr const char* kMasquerade =
    "add table ip nat; add chain ip nat POSTROUTING { type nat hook postrouting priority srcnat; }; "
    "add rule ip nat POSTROUTING oifname { wan1, wan2 } masquerade; ";
constexpr const char* kSnat =
    "add table ip nat; add chain ip nat POSTROUTING { type nat hook postrouting priority srcnat; }; "
    "add rule ip nat POSTROUTING oifname wan1 snat to 192.0.2.2; "
    "add rule ip nat POSTROUTING oifname wan2 snat to 198.51.100.2; ";
constexpr const char* kInvalidDrop =
    "add table inet filter; "
    "add chain inet filter early { type filter hook prerouting priority mangle; }; "
    "add rule inet filter early ct state invalid drop; "
    "add chain inet filter input { type filter hook input priority filter; policy drop; }; "
    "add rule inet filter input ct state invalid drop; add rule inet filter input ct state "
    "established,related accept; "
    "add rule inet filter input iifname { lo, lan0 } accept; "
    "add chain inet filter forward { type filter hook forward priority filter; policy drop; }; "
    "add rule inet filter forward ct state invalid drop; add rule inet filter forward ct state "
    "established,related accept; "
    "add rule inet filter forward iifname lan0 accept; ";
// What Docker sets up for a network 172.17.0.0/16 on docker0, with a published port; here the LAN plays the containers.
constexpr const char* kDocker =
    "add table ip nat; "
    "add chain ip nat PREROUTING { type nat hook prerouting priority dstnat; }; "
    "add chain ip nat OUTPUT { type nat hook output priority -100; }; "
    "add chain ip nat POSTROUTING { type nat hook postrouting priority srcnat; }; add chain ip nat DOCKER; "
    "add rule ip nat PREROUTING fib daddr type local jump DOCKER; "
    "add rule ip nat OUTPUT ip daddr != 127.0.0.0/8 fib daddr type local jump DOCKER; "
    "add rule ip nat POSTROUTING oifname != lan0 ip saddr 192.168.77.0/24 masquerade; "
    "add rule ip nat DOCKER iifname != lan0 tcp dport 8080 dnat to 192.168.77.2:80; "
    "add table ip filter; "
    "add chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }; "
    "add chain ip filter DOCKER; add chain ip filter DOCKER-USER; add chain ip filter DOCKER-ISOLATION; "
    "add rule ip filter FORWARD jump DOCKER-USER; add rule ip filter FORWARD jump DOCKER-ISOLATION; "
    "add rule ip filter FORWARD oifname lan0 ct state related,established accept; "
    "add rule ip filter FORWARD oifname lan0 jump DOCKER; "
    "add rule ip filter FORWARD iifname lan0 oifname != lan0 accept; "
    "add rule ip filter DOCKER ip daddr 192.168.77.2 iifname != lan0 tcp dport 80 accept; ";
// An administrator who saves and restores the whole mark, as many a script for traffic shaping does.
constexpr const char* kConnmark =
    "add table ip mangle; "
    "add chain ip mangle PREROUTING { type filter hook prerouting priority mangle; }; "
    "add chain ip mangle POSTROUTING { type filter hook postrouting priority mangle; }; "
    "add rule ip mangle PREROUTING meta mark set ct mark; "
    "add rule ip mangle PREROUTING iifname lan0 meta mark 0 meta mark set 0x5; "
    "add rule ip mangle PREROUTING ct mark set meta mark; ";

class BesideOthers : public testing::TestWithParam<Neighbour> {
 protected:
  static constexpr Family kFamily = Family::v4;

  BesideOthers() {
    net_.add_pin_rules();
    net_.use(1);
  }
  /// The uplink by which a packet from `from` gets to the server, whose answer must come back; 0: lost.
  unsigned exchange(UdpSocket& from) {
    from.send(server_.local(), "question");
    const auto question = server_.receive();
    if (!question) return 0;
    EXPECT_EQ(question->from.address, net_.own(question->uplink, kFamily)) << "left with a foreign address";
    server_.send(question->from, "answer");
    return from.receive() ? question->uplink : 0;
  }
  void flows_keep_to_their_uplinks() {
    UdpSocket old(net_, Place::client, kFamily);
    EXPECT_EQ(exchange(old), 1U);
    net_.use(2);
    EXPECT_EQ(exchange(old), 1U);
    UdpSocket fresh(net_, Place::client, kFamily);
    UdpSocket local(net_, Place::gateway, kFamily);
    local.connect(server_.local());
    EXPECT_EQ(exchange(fresh), 2U);
    EXPECT_EQ(exchange(local), 2U);
    net_.use(1);
    EXPECT_EQ(exchange(old), 1U);
    EXPECT_EQ(exchange(fresh), 2U);
    EXPECT_EQ(exchange(local), 2U);
  }

  GatewayNetwork net_;
  UdpSocket server_{net_, Place::internet, kFamily, {.address = net_.server(kFamily), .port = 7000}};
};

TEST_P(BesideOthers, WhoWereThereFirst) {
  net_.nft(Place::gateway, GetParam().rules);
  net_.put_in_force();
  flows_keep_to_their_uplinks();
}

TEST_P(BesideOthers, WhoCameLater) {
  net_.put_in_force();
  net_.nft(Place::gateway, GetParam().rules);
  flows_keep_to_their_uplinks();
}

TEST_P(BesideOthers, NothingOfTheirsIsTouched) {
  net_.nft(Place::gateway, GetParam().rules);
  const auto before = net_.ruleset("ruleset");
  net_.put_in_force();
  net_.put_in_force();
  ASSERT_TRUE(net_.filter().remove());
  EXPECT_EQ(net_.ruleset("ruleset"), before);
}

const std::string kMasqueradeAndInvalidDrop = cat(kMasquerade, kInvalidDrop);
const std::string kMasqueradeAndConnmark = cat(kMasquerade, kConnmark);

INSTANTIATE_TEST_SUITE_P(Rules, BesideOthers,
                         testing::Values(Neighbour{"Masquerade", kMasquerade},
                                         Neighbour{"SnatToAnAddress", kSnat},
                                         Neighbour{"InvalidDrop", kMasqueradeAndInvalidDrop.c_str()},
                                         Neighbour{"Docker", kDocker},
                                         Neighbour{"Connmark", kMasqueradeAndConnmark.c_str()}),
                         [](const testing::TestParamInfo<Neighbour>& kind) { return kind.param.name; });

TEST(PacketFilterTable, ReplacedInPlaceIsTheSameAsMadeAnew) {
  GatewayNetwork net;
  net.put_in_force();
  const auto first = net.ruleset("ruleset");
  auto larger = net.table();
  larger.uplinks.push_back(
      {.index = 7, .device = "wan7", .addresses = {}, .masquerade = {}, .translation = {}});
  for (const auto& table : {net.table(), larger, net.table()}) net.put_in_force(table);
  const auto sorted = [](const std::string& text) {
    auto chains = split(text, '}');  // the order in which chains were made is no part of it
    std::vector<std::string> parts(chains.begin(), chains.end());
    std::sort(parts.begin(), parts.end());
    return join(parts, "}");
  };
  EXPECT_EQ(sorted(net.ruleset("ruleset")), sorted(first));
}

/// Datagrams of many flows through the gateway, half of them pinned to each uplink.
class UnderTraffic : public FilteredGateway {
 protected:
  static constexpr unsigned kFlows = 40;
  static constexpr int kBurst = 4;
  static constexpr int kReplacements = 100;

  UnderTraffic() {
    net_.add_pin_rules();
    net_.masquerade();
    const int room = 64 << 20;
    EXPECT_EQ(setsockopt(server_.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room), 0);
  }

  void begin_flows() {
    for (unsigned i = 0; i < kFlows; ++i) {
      net_.use(uplink_of(i));
      flows_.push_back(std::make_unique<UdpSocket>(net_, Place::client, family_));
      ASSERT_EQ(exchange(*flows_.back()), uplink_of(i));
    }
  }
  static unsigned uplink_of(unsigned flow) { return 1 + flow % 2; }

  void send_until_told() {
    while (!stop_) {
      for (unsigned i = 0; i < kFlows; ++i) {
        for (int k = 0; k < kBurst; ++k) flows_[i]->send(server(), std::to_string(i));
        sent_ += kBurst;
      }
      usleep(500);
    }
  }
  /// Until all that was sent has come: silence before that tells of a busy machine only.
  void receive_all() {
    for (;;) {
      const bool last = sent_all_;
      const auto arrival = server_.receive(std::chrono::milliseconds(500));
      if (!arrival && last) return;
      if (!arrival) continue;
      ++received_;
      const auto flow = parse_number<unsigned>(arrival->text).value();
      if (arrival->uplink != uplink_of(flow)) ++astray_;
    }
  }

  std::vector<std::unique_ptr<UdpSocket>> flows_;
  std::atomic<bool> stop_ = false, sent_all_ = false;
  std::atomic<unsigned> sent_ = 0, received_ = 0, astray_ = 0;
};

TEST_P(UnderTraffic, ReplacingTheTableLosesNoPacketAndPinsNoFlowElsewhere) {
  net_.put_in_force();
  begin_flows();
  net_.use(1);
  std::thread receiver([this] { receive_all(); });
  std::thread sender([this] { send_until_told(); });
  auto larger = net_.table();
  for (unsigned i = 3; i < 20; ++i) {
    FilteredUplink uplink;
    uplink.index = i;
    uplink.device = cat("none", i);
    larger.uplinks.push_back(std::move(uplink));
  }
  std::vector<std::unique_ptr<UdpSocket>> fresh;
  for (int round = 0; round < kReplacements; ++round) {
    net_.put_in_force(round % 2 == 0 ? larger : net_.table());
    if (round % 10 == 0) {
      fresh.push_back(std::make_unique<UdpSocket>(net_, Place::client, family_));
      fresh.back()->send(server(), "0");  // a flow of uplink 1, begun while the table changes
      ++sent_;
    }
  }
  stop_ = true;
  sender.join();
  sent_all_ = true;
  receiver.join();
  EXPECT_GT(sent_, 10'000U);
  EXPECT_EQ(received_, sent_);
  EXPECT_EQ(astray_, 0U);
  net_.use(2);
  for (auto& flow : fresh) EXPECT_EQ(ask(*flow).value().uplink, 1U);
  std::cout << sent_ << " datagrams, " << kReplacements << " replacements\n";
}

INSTANTIATE_TEST_SUITE_P(Families, UnderTraffic, both_families(), family_name);

}  // namespace packet_filter_neighbours_test
}  // namespace multilink
