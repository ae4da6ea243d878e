// SPDX-License-Identifier: GPL-2.0-or-later
// routed and the connections of policies: each keeps to its policy's uplinks, and nobody's are cut for another's sake.
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_policy_flows_test {

using fakes::address;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kFirst = 0x01000000;   // of eth0
constexpr std::uint32_t kSecond = 0x02000000;  // of eth1

/// The main choice is eth0, else eth1; the policy's the other way round.
class RoutePolicyFlows : public RouteServiceTest {
 protected:
  static constexpr std::uint16_t kWeb = 443;
  static constexpr std::uint16_t kOther = 80;

  RoutePolicyFlows() {
    web_.name = "web";
    web_.protocols = {ip_protocol::kTcp, ip_protocol::kUdp};
    web_.ports = {{kWeb, kWeb}};
    web_.use = {"eth1", "eth0"};
    config_.policies = {web_};
    for (auto& uplink : config_.uplinks) uplink.failback_udp_after = minutes(2);
  }

  void connect(std::uint32_t mark, std::uint8_t protocol, std::uint16_t port) {
    const auto own = static_cast<std::uint16_t>(++last_port_);
    Connection connection{
        protocol,
        {address("10.0.0.7"), address(kInternet), own, port},
        {address(kInternet), address(mark == kFirst ? "192.0.2.2" : "198.51.100.2"), port, own},
        mark};
    if (protocol == ip_protocol::kTcp) connection.tcp_state = TcpState::established;
    connections_.add(connection);
  }
  /// A connection of each kind over the uplink with this mark.
  void connect_all(std::uint32_t mark) {
    for (const auto port : {kWeb, kOther}) {
      connect(mark, ip_protocol::kTcp, port);
      connect(mark, ip_protocol::kUdp, port);
    }
  }
  /// "tcp 443, udp 80, …": what is there with this mark.
  std::string alive(std::uint32_t mark) const {
    std::vector<std::string> out;
    for (const auto& entry : connections_.entries()) {
      if (entry.mark != mark) continue;
      out.push_back(protocol_name(entry.protocol) + " " + std::to_string(entry.original.destination_port));
    }
    std::sort(out.begin(), out.end());
    return join(out, ", ");
  }
  void become(const char* uplink, HealthState state) {
    say(uplink, state);
    scheduler_.settle();
  }

  PolicyConfig web_;
  unsigned last_port_ = 1000;
};

TEST_F(RoutePolicyFlows, LeaveADeadUplinkAsAllOthersDo) {
  start_with_both_up();
  connect_all(kSecond);
  connect_all(kFirst);
  become("eth1", HealthState::suspect);
  EXPECT_EQ(alive(kSecond), "tcp 443, tcp 80");
  become("eth1", HealthState::down);
  EXPECT_EQ(alive(kSecond), "");
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 443, udp 80");
}

TEST_F(RoutePolicyFlows, StayWhereTheirPolicyStillGoes) {
  config_.policies[0].use = {"eth1"};
  start_with_both_up();
  connect_all(kSecond);
  become("eth1", HealthState::suspect);
  EXPECT_EQ(alive(kSecond), "tcp 443, tcp 80, udp 443") << "of the policy nothing: it has no other";
  become("eth1", HealthState::down);
  EXPECT_EQ(alive(kSecond), "") << "it is dead: they are refused, and know at once";
}

TEST_F(RoutePolicyFlows, AreNotMovedByAReturnOfTheMainChoice) {
  start_with_both_up();
  become("eth0", HealthState::down);
  connect_all(kSecond);
  become("eth0", HealthState::up);
  scheduler_.advance(minutes(3));
  EXPECT_EQ(alive(kSecond), "tcp 443, tcp 80, udp 443");
}

TEST_F(RoutePolicyFlows, AreNotTakenOffAMeteredUplinkThatTheirPolicyNames) {
  config_.uplinks[1].metered = seconds(30);
  start_with_both_up();
  connect_all(kSecond);
  scheduler_.advance(minutes(1));
  EXPECT_EQ(alive(kSecond), "tcp 443, udp 443");
}

TEST_F(RoutePolicyFlows, ReturnByThemselvesAfterTheTimeOfTheirOwnUplink) {
  start_with_both_up();
  become("eth1", HealthState::down);
  connect_all(kFirst);
  become("eth1", HealthState::up);
  scheduler_.advance(minutes(1));
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 443, udp 80");
  scheduler_.advance(minutes(2));
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 80");
  const auto all = events();
  const auto moved =
      std::find_if(all.rbegin(), all.rend(), [](const EventRecord& event) { return event.kind == "flows"; });
  ASSERT_NE(moved, all.rend());
  EXPECT_EQ(moved->from, "eth0");
  EXPECT_EQ(moved->to, "eth1");
}

TEST_F(RoutePolicyFlows, AreFlushedAtTheReturnWhereTheirUplinkSaysSo) {
  config_.uplinks[1].failback = Failback::flush;
  start_with_both_up();
  become("eth1", HealthState::down);
  connect_all(kFirst);
  become("eth1", HealthState::up);
  scheduler_.advance(seconds(2));
  EXPECT_EQ(alive(kFirst), "tcp 80, udp 80");
}

TEST_F(RoutePolicyFlows, WaitForTheAdministratorWhereTheirUplinkSaysSo) {
  config_.uplinks[1].failback = Failback::manual;
  start_with_both_up();
  const auto web = [&] { return routing().families.at(Family::v4).policies.at("web"); };
  ASSERT_EQ(web(), "eth1");
  become("eth1", HealthState::down);
  become("eth1", HealthState::up);
  scheduler_.advance(minutes(1));
  EXPECT_EQ(web(), "eth0");
  kill();
  start();
  scheduler_.advance(seconds(2));
  EXPECT_EQ(web(), "eth0") << "a restart is not the administrator";
  reload();
  scheduler_.advance(seconds(2));
  EXPECT_EQ(web(), "eth1");
}

TEST_F(RoutePolicyFlows, ANewPolicyDrawsUdpToItsUplinkAfterTheTime) {
  config_.policies.clear();
  start_with_both_up();
  connect_all(kFirst);
  config_.policies = {web_};
  reload();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 443, udp 80");
  scheduler_.advance(minutes(3));
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 80");
}

TEST_F(RoutePolicyFlows, PoliciesThatReturnTogetherAreOneOrder) {
  auto mail = web_;
  mail.name = "mail";
  mail.ports = {{25, 25}};
  config_.policies.push_back(mail);
  start_with_both_up();
  become("eth1", HealthState::down);
  connect(kFirst, ip_protocol::kUdp, kWeb);
  connect(kFirst, ip_protocol::kUdp, 25);
  become("eth1", HealthState::up);
  scheduler_.advance(minutes(3));
  EXPECT_EQ(alive(kFirst), "");
  EXPECT_EQ(log_.count("moved 0 TCP, 2 UDP"), 1U);
}

TEST_F(RoutePolicyFlows, WhatFailsIsTriedAgainForThePolicyToo) {
  start_with_both_up();
  become("eth1", HealthState::down);
  connect_all(kFirst);
  become("eth1", HealthState::up);
  scheduler_.advance(minutes(1));
  connections_.removal_error = EPERM;
  scheduler_.advance(minutes(2));
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 443, udp 80");
  connections_.removal_error = 0;
  scheduler_.advance(seconds(2));
  EXPECT_EQ(alive(kFirst), "tcp 443, tcp 80, udp 80");
}

}  // namespace route_policy_flows_test
}  // namespace multilink
