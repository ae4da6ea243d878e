// SPDX-License-Identifier: GPL-2.0-or-later
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_flows_test {

using fakes::address;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kFirst = 0x01000000;   // of eth0
constexpr std::uint32_t kSecond = 0x02000000;  // of eth1

/// routed with connections through both uplinks: what becomes of them.
class RouteFlowsTest : public RouteServiceTest {
 protected:
  Connection connect(std::uint32_t mark, std::uint8_t protocol, std::uint16_t port,
                     const char* from = "10.0.0.7") {
    const ConnectionTuple original{address(from), address(kInternet), port, 443};
    const ConnectionTuple reply{address(kInternet), address(mark == kFirst ? "192.0.2.2" : "198.51.100.2"),
                                443, port};
    Connection connection{protocol, original, reply, mark};
    if (protocol == ip_protocol::kTcp) connection.tcp_state = TcpState::established;
    return connections_.add(connection);
  }
  std::size_t alive(std::uint32_t mark, std::uint8_t protocol) const {
    return static_cast<std::size_t>(std::count_if(
        connections_.entries().begin(), connections_.entries().end(),
        [&](const Connection& entry) { return entry.mark == mark && entry.protocol == protocol; }));
  }
  void become(const char* uplink, HealthState state) {
    say(uplink, state);
    scheduler_.settle();
  }
  const FilteredUplink& filtered(const char* device) const {
    for (const auto& uplink : filter_.table()->uplinks) {
      if (uplink.device == device) return uplink;
    }
    throw std::out_of_range(device);
  }
};

TEST_F(RouteFlowsTest, ThePinsAreInForceBeforeTheFirstDefault) {
  start();  // nobody is known to be up
  ASSERT_TRUE(filter_.table());
  EXPECT_EQ(filter_.table()->uplinks.size(), 2U);
  EXPECT_THAT(owned(), testing::Not(Contains(HasSubstr("metric 3"))));
}

TEST_F(RouteFlowsTest, WhatNoAddressTellsOfIsPinnedAtTheVeryFirstStartToWhereItGoes) {
  Connection routed = connect(0, ip_protocol::kUdp, 1);
  ASSERT_EQ(connections_.remove({{routed}}), 1U);
  routed.reply.destination = address("198.18.0.9");
  routed.answered = true;
  connections_.add(routed);
  start();
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 1U) << "the default led by eth0";
  routed.original.source_port = routed.reply.destination_port = 2;
  connections_.add(routed);
  kill();
  start();
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 1U) << "the rules are there: it is another one's";
}

TEST_F(RouteFlowsTest, ClientsOfWhatTheKernelForgetsWithAnAddressAreTold) {
  start_with_both_up();
  EXPECT_FALSE(filter_.resets_orphans(Family::v4));
  kernel_.remove_link("eth0");
  scheduler_.settle();
  EXPECT_TRUE(filter_.resets_orphans(Family::v4));
  EXPECT_FALSE(filter_.resets_orphans(Family::v6));
  scheduler_.advance(FlowKeeper::kTellOrphans);
  EXPECT_FALSE(filter_.resets_orphans(Family::v4));
}

/// A modem that hangs and then vanishes.
TEST_F(RouteFlowsTest, WhoListensOnASuspectLearnsThatItsAddressIsGone) {
  start_with_both_up();
  const auto listener = connect(kFirst, ip_protocol::kTcp, 1);
  connect(kFirst, ip_protocol::kTcp, 2, "192.0.2.2");
  connect(kSecond, ip_protocol::kTcp, 3);
  become("eth0", HealthState::suspect);
  ASSERT_EQ(carrier(), "eth1");
  scheduler_.advance(FlowKeeper::kRemembers);
  kernel_.remove_link("eth0");
  ASSERT_EQ(connections_.remove({{listener}}), 1U) << "as the kernel does with what it masqueraded";
  scheduler_.settle();
  scheduler_.advance(FlowKeeper::kForgets);
  EXPECT_THAT(clients_.told, testing::ElementsAre(listener.original));
  EXPECT_EQ(filter_.resets(), 1U);
  EXPECT_EQ(log_.count("moved 1 TCP, 0 UDP and 0 other flows off eth0 (IPv4), its link is lost"), 1U);
  EXPECT_EQ(alive(kFirst, ip_protocol::kTcp), 1U) << "what lives on may come back with the address";
  scheduler_.advance(seconds(30));
  EXPECT_THAT(clients_.told, testing::ElementsAre(listener.original)) << "once";
}

TEST_F(RouteFlowsTest, WhatHasBeenEvictedIsNotToldAgainWhenTheAddressGoes) {
  start_with_both_up();
  connect(kFirst, ip_protocol::kTcp, 1);
  become("eth0", HealthState::suspect);
  scheduler_.advance(FlowKeeper::kRemembers);
  become("eth0", HealthState::down);
  ASSERT_EQ(clients_.told.size(), 1U);
  kernel_.remove_link("eth0");
  scheduler_.advance(seconds(5));
  EXPECT_EQ(clients_.told.size(), 1U);
}

TEST_F(RouteFlowsTest, WhatCameBackToASuspectIsNotTold) {
  start_with_both_up();
  const auto over = connect(kFirst, ip_protocol::kTcp, 1);
  become("eth0", HealthState::suspect);
  scheduler_.advance(FlowKeeper::kRemembers);
  become("eth0", HealthState::up);
  ASSERT_EQ(connections_.remove({{over}}), 1U);
  kernel_.remove_link("eth0");
  scheduler_.advance(seconds(5));
  EXPECT_THAT(clients_.told, IsEmpty());
}

TEST_F(RouteFlowsTest, ADeviceThatIsSetUpAgainGoesOnWithWhatLives) {
  start_with_both_up();
  kernel_.set_admin_up("eth0", false);
  scheduler_.settle();
  EXPECT_TRUE(filter_.resets_orphans(Family::v4));
  kernel_.set_admin_up("eth0", true);
  scheduler_.settle();
  EXPECT_FALSE(filter_.resets_orphans(Family::v4));
}

TEST_F(RouteFlowsTest, WhatWasTranslatedToAnotherAddressForWantOfOneBeginsAnew) {
  start_with_both_up();
  Connection astray = connect(kSecond, ip_protocol::kUdp, 1);
  ASSERT_EQ(connections_.remove({{astray}}), 1U);
  astray.reply.destination = address("10.0.0.1");
  connections_.add(astray);
  connect(kSecond, ip_protocol::kUdp, 2);
  kernel_.add_address("eth0", "192.0.2.77/24");
  scheduler_.settle();
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 2U) << "of another uplink";
  kernel_.add_address("eth1", "198.51.100.77/24");
  scheduler_.settle();
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 1U);
}

TEST_F(RouteFlowsTest, ASuspectLosesItsUdpAtOnceAndKeepsItsTcp) {
  start_with_both_up();
  connect(kFirst, ip_protocol::kUdp, 1);
  connect(kFirst, ip_protocol::kTcp, 2);
  connect(kSecond, ip_protocol::kUdp, 3);
  become("eth0", HealthState::suspect);
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_EQ(filtered("eth0").udp_moves, std::set<Family>{Family::v4});
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 0U);
  EXPECT_EQ(alive(kFirst, ip_protocol::kTcp), 1U);
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 1U) << "of the healthy one";
  become("eth0", HealthState::up);
  EXPECT_THAT(filtered("eth0").udp_moves, IsEmpty());
}

TEST_F(RouteFlowsTest, WhereSuspectMovesIsNoneNothingLeavesASuspect) {
  config_.uplinks[0].suspect_moves = SuspectMoves::none;
  start_with_both_up();
  connect(kFirst, ip_protocol::kUdp, 1);
  become("eth0", HealthState::suspect);
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 1U);
  EXPECT_THAT(filtered("eth0").udp_moves, IsEmpty());
  become("eth0", HealthState::down);
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 0U);
}

TEST_F(RouteFlowsTest, WhatIsDownLosesAllAndBothEndsAreTold) {
  start_with_both_up();
  const auto forwarded = connect(kFirst, ip_protocol::kTcp, 1);
  const auto own = connect(kFirst, ip_protocol::kTcp, 2, "192.0.2.2");
  sockets_.open.insert(own.original);
  become("eth0", HealthState::down);
  EXPECT_THAT(connections_.entries(), IsEmpty());
  EXPECT_THAT(clients_.told, testing::ElementsAre(forwarded.original));
  EXPECT_THAT(sockets_.open, IsEmpty());
  EXPECT_EQ(filter_.resets(), 1U);
  EXPECT_EQ(log_.count("moved 2 TCP"), 1U);
}

TEST_F(RouteFlowsTest, TheRouteIsThereBeforeAnythingIsCut) {
  start_with_both_up();
  connect(kFirst, ip_protocol::kTcp, 1);
  connections_.on_remove = [&] { EXPECT_EQ(carrier(), "eth1"); };
  become("eth0", HealthState::down);
  EXPECT_THAT(connections_.entries(), IsEmpty());
}

TEST_F(RouteFlowsTest, NothingIsCutWhileThereIsNoOther) {
  start_with_both_up();
  become("eth1", HealthState::down);
  connect(kFirst, ip_protocol::kUdp, 1);
  connect(kFirst, ip_protocol::kTcp, 2);
  become("eth0", HealthState::suspect);
  become("eth0", HealthState::down);
  EXPECT_EQ(connections_.entries().size(), 2U);
}

TEST_F(RouteFlowsTest, AReturnMovesNothingAtOnceAndUdpAfterItsTime) {
  config_.uplinks[0].failback_udp_after = minutes(2);
  start_with_both_up();
  become("eth0", HealthState::down);
  connect(kSecond, ip_protocol::kUdp, 1);
  connect(kSecond, ip_protocol::kTcp, 2);
  become("eth0", HealthState::up);
  ASSERT_EQ(carrier(), "eth0");
  scheduler_.advance(minutes(2) - seconds(1));
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 1U);
  scheduler_.advance(seconds(2));
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 0U);
  EXPECT_EQ(alive(kSecond, ip_protocol::kTcp), 1U) << "ends where it is";
}

TEST_F(RouteFlowsTest, AReturnLetsGoOfASocketThatTookTheAddressOfTheOtherUplink) {
  constexpr auto kAddress = "198.51.100.2";
  config_.uplinks[0].failback_udp_after = minutes(2);
  start_with_both_up();
  become("eth0", HealthState::down);
  connect(kSecond, ip_protocol::kUdp, 1, kAddress);
  become("eth0", HealthState::up);
  scheduler_.advance(minutes(2) - seconds(1));
  EXPECT_EQ(carrier_from(kAddress), "eth1");
  // It sends in the very moment, when the rule for its address is still there.
  bool is_back = false;
  connections_.on_remove = [&] {
    if (!std::exchange(is_back, true)) connect(kSecond, ip_protocol::kUdp, 2, kAddress);
  };
  scheduler_.advance(seconds(1));
  EXPECT_EQ(carrier_from(kAddress), "eth0");
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 0U) << "what came back in the meantime has gone, too";
  scheduler_.advance(FlowKeeper::kLetGo - seconds(1));
  EXPECT_EQ(carrier_from(kAddress), "eth0");
  scheduler_.advance(seconds(2));
  EXPECT_EQ(carrier_from(kAddress), "eth1") << "whoever asks for that address gets that uplink";
}

TEST_F(RouteFlowsTest, WhatLetsGoHoldsAgainWhenItCarries) {
  constexpr auto kAddress = "198.51.100.2";
  start_with_both_up();
  become("eth0", HealthState::down);
  connect(kSecond, ip_protocol::kUdp, 1, kAddress);
  config_.uplinks[0].failback_udp_after = seconds(0);
  reload();
  become("eth0", HealthState::up);
  ASSERT_EQ(carrier_from(kAddress), "eth0");
  become("eth0", HealthState::down);
  EXPECT_EQ(carrier_from(kAddress), "eth1");
  EXPECT_THAT(filtered("eth1").udp_moves, IsEmpty());
}

TEST_F(RouteFlowsTest, WhereNoUdpOfThisHostIsAtAReturnTheAddressHoldsItsPackets) {
  config_.uplinks[0].failback_udp_after = seconds(0);
  start_with_both_up();
  become("eth0", HealthState::down);
  connect(kSecond, ip_protocol::kUdp, 1);
  become("eth0", HealthState::up);
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 0U);
  EXPECT_EQ(carrier_from("198.51.100.2"), "eth1");
}

TEST_F(RouteFlowsTest, AnEventTellsWhatWasMoved) {
  start_with_both_up();
  connect(kFirst, ip_protocol::kTcp, 1);
  become("eth0", HealthState::down);
  scheduler_.advance(seconds(1));
  const auto events = this->events();
  const auto moved = std::find_if(events.begin(), events.end(),
                                  [](const EventRecord& event) { return event.kind == "flows"; });
  ASSERT_NE(moved, events.end());
  EXPECT_EQ(moved->uplink, "eth0");
  EXPECT_EQ(moved->to, "eth1");
  EXPECT_THAT(moved->reason, HasSubstr("1 TCP"));
  const auto route = std::find_if(events.begin(), events.end(), [](const EventRecord& event) {
    return event.kind == "route" && event.to == "eth1";
  });
  ASSERT_NE(route, events.end());
  EXPECT_EQ(moved->id, route->id) << "one id from the probe to the last change";
}

TEST_F(RouteFlowsTest, ATableThatSomebodyTakesAwayIsPutBack) {
  start_with_both_up();
  filter_.lose_table();
  scheduler_.settle();
  EXPECT_TRUE(filter_.table());
}

TEST_F(RouteFlowsTest, WhatBeganWhileTheTableWasAwayAndWasNotTranslatedBeginsAnew) {
  config_.uplinks[0].masquerade = {Family::v4};
  start_with_both_up();
  scheduler_.advance(seconds(5));
  const ConnectionTuple original{address("10.0.0.7"), address(kInternet), 1, 53};
  const ConnectionTuple reply{address(kInternet), address("10.0.0.7"), 53, 1};
  connections_.add({ip_protocol::kUdp, original, reply, kFirst});
  scheduler_.advance(seconds(60));
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 1U) << "nobody had to look";
  filter_.lose_table();
  scheduler_.settle();
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 0U);
  connections_.add({ip_protocol::kUdp, original, reply, kFirst});
  scheduler_.advance(seconds(2));
  EXPECT_EQ(alive(kFirst, ip_protocol::kUdp), 0U) << "nor what had no mark yet";
}

TEST_F(RouteFlowsTest, WhatIsTakenOutOfTheConfigurationLosesItsConnections) {
  for (const bool restarts : {false, true}) {
    config_ = fakes::two_uplinks();
    start_with_both_up();
    const auto cut = connect(kFirst, ip_protocol::kTcp, restarts ? 1 : 2);
    clients_.told.clear();
    if (restarts) kill();
    config_.uplinks[0] = fakes::uplink("eth2", 1);
    if (restarts) {
      start();
    } else {
      reload();
    }
    EXPECT_EQ(carrier(), "eth1");
    EXPECT_EQ(filtered("eth2").index, 3U) << "not led out through the new one";
    EXPECT_THAT(clients_.told, testing::ElementsAre(cut.original)) << restarts;
    EXPECT_EQ(alive(kFirst, ip_protocol::kTcp), 0U);
    kill();
    delete_everything_owned();
  }
}

TEST_F(RouteFlowsTest, WhatBeganUntranslatedBetweenTwoDefaultsBeginsAnew) {
  for (auto& uplink : config_.uplinks) uplink.masquerade = {Family::v4};
  start_with_both_up();
  scheduler_.advance(seconds(5));
  become("eth0", HealthState::down);
  const ConnectionTuple original{address("10.0.0.7"), address(kInternet), 1, 53};
  const ConnectionTuple reply{address(kInternet), address("10.0.0.7"), 53, 1};
  connections_.add({ip_protocol::kUdp, original, reply, kSecond});
  scheduler_.advance(FlowKeeper::kRetry / 5);
  EXPECT_EQ(alive(kSecond, ip_protocol::kUdp), 0U);
}

TEST_F(RouteFlowsTest, ACarrierThatIsConfiguredNoLongerIsNoneToLookAt) {
  config_.uplinks.pop_back();
  for (auto& uplink : config_.uplinks) uplink.masquerade = {Family::v4};
  start();
  say("eth0", HealthState::up);
  scheduler_.settle();
  kernel_.remove_link("eth0");
  scheduler_.settle();
  config_.uplinks = {fakes::uplink("eth2", 1)};
  config_.uplinks[0].masquerade = {Family::v4};
  reload();
  scheduler_.advance(seconds(5));
  EXPECT_EQ(filtered("eth2").index, filter_.table()->uplinks.front().index) << "it runs on";
}

TEST_F(RouteFlowsTest, PinsStayUnderAnotherMask) {
  start_with_both_up();
  Connection routed = connect(kSecond | 0x5U, ip_protocol::kUdp, 1);
  ASSERT_EQ(connections_.remove({{routed}}), 1U);
  routed.reply.destination = address("198.18.0.9");
  connections_.add(routed);
  config_.suite.mark_mask = 0x00ff0000;
  reload();
  EXPECT_EQ(alive(0x00020005, ip_protocol::kUdp), 1U) << "and nothing of the old mask is left";
}

/// 3 of the old mask is what 1 becomes under the new one.
TEST_F(RouteFlowsTest, PinsStayUnderAMaskThatOverlapsTheFormerOne) {
  config_.suite.mark_mask = 0x03000000;
  start_with_both_up();
  connect(kFirst | 0x5U, ip_protocol::kUdp, 1);
  connect(kSecond | 0x5U, ip_protocol::kUdp, 2);
  connect(0x03000005, ip_protocol::kIcmp, 3);
  config_.suite.mark_mask = 0x06000000;
  reload();
  EXPECT_EQ(alive(0x02000005, ip_protocol::kUdp), 1U);
  EXPECT_EQ(alive(0x04000005, ip_protocol::kUdp), 1U);
  EXPECT_EQ(alive(0x06000005, ip_protocol::kIcmp), 1U);
}

/// Each probe marks its entry anew, by the bits of the mask that is in force alone.
TEST_F(RouteFlowsTest, ProbesKeepNothingOfAFormerMask) {
  start_with_both_up();
  connect(0x3f000005, ip_protocol::kIcmp, 1);
  config_.suite.mark_mask = 0x00ff0000;
  reload();
  EXPECT_EQ(alive(0x00ff0005, ip_protocol::kIcmp), 1U);
}

TEST_F(RouteFlowsTest, WhatBeginsBeforeTheNewTableKeepsItsPinToo) {
  start_with_both_up();
  config_.suite.mark_mask = 0x00ff0000;
  filter_.on_replace = [&, begins = true]() mutable {
    if (std::exchange(begins, false)) connect(kSecond | 0x5U, ip_protocol::kUdp, 1);
  };
  reload();
  EXPECT_EQ(alive(0x00020005, ip_protocol::kUdp), 1U);
}

TEST_F(RouteFlowsTest, WhatANewUplinkTranslatesIsThereBeforeItsRoutes) {
  start_with_both_up();
  config_.uplinks[1] = fakes::uplink("eth2", 2);
  config_.uplinks[1].masquerade = {Family::v4};
  unsigned before = 0;
  on_apply_ = [&] { before += filtered("eth2").masquerade.contains(Family::v4) ? 1U : 0U; };
  reload();
  EXPECT_GT(before, 0U);
}

TEST_F(RouteFlowsTest, WithoutNftablesTheRoutesAreKeptAllTheSame) {
  filter_.fail_next(EPERM, 1'000'000);
  start_with_both_up();
  become("eth0", HealthState::down);
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_EQ(log_.count("the table inet multilink"), 1U) << "once";
  filter_.fail_next(0, 0);
  scheduler_.advance(seconds(2));
  EXPECT_TRUE(filter_.table()) << "it is tried again";
}

}  // namespace route_flows_test
}  // namespace multilink
