// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/connection_selection.hpp"

#include <gmock/gmock.h>

#include "fakes/connection_samples.hpp"

namespace multilink {
namespace connection_selection_test {

using fakes::connection;
using fakes::gateway_inside;
using fakes::tcp;
using fakes::translated;
using fakes::tuple;
using fakes::udp;
using testing::ElementsAre;

/// Came in to the uplink's address, and goes on to a server in the LAN.
Connection port_forward() {
  return connection(ip_protocol::kTcp, tuple("203.0.113.9:4000", "192.0.2.2:443"),
                    tuple("10.0.0.7:443", "203.0.113.9:4000"));
}

TEST(GoesOut, WhatBeganOnThisSide) {
  const auto inside = gateway_inside();
  EXPECT_TRUE(goes_out(translated(tcp("10.0.0.7:4000", "203.0.113.9:443"), "192.0.2.2"), inside));
  EXPECT_TRUE(goes_out(tcp("192.0.2.2:4000", "203.0.113.9:443"), inside));
  EXPECT_TRUE(goes_out(translated(udp("198.51.100.2:4000", "203.0.113.9:53"), "192.0.2.2"), inside));
  EXPECT_TRUE(goes_out(tcp("[fd00::7]:4000", "[2001:db8:9::1]:443"), inside));
  EXPECT_TRUE(goes_out(udp("10.0.0.7:4000", "192.0.2.1:53"), inside));  // the provider's own network
}

TEST(GoesOut, NotWhatCameInFromOutside) {
  const auto inside = gateway_inside();
  EXPECT_FALSE(goes_out(tcp("203.0.113.9:4000", "192.0.2.2:22"), inside));
  EXPECT_FALSE(goes_out(udp("192.0.2.1:68", "192.0.2.2:67"), inside));
  EXPECT_FALSE(goes_out(port_forward(), inside));
  EXPECT_FALSE(goes_out(translated(port_forward(), "10.0.0.1"), inside));  // and is translated on the way in
  EXPECT_FALSE(goes_out(tcp("[2001:db8:9::1]:4000", "[fd00::7]:22"), inside));
}

TEST(GoesOut, NotWhatStaysInside) {
  const auto inside = gateway_inside();
  EXPECT_FALSE(goes_out(tcp("10.0.0.7:4000", "10.20.0.1:22"), inside));
  EXPECT_FALSE(goes_out(tcp("10.0.0.7:4000", "192.0.2.2:22"), inside));
  EXPECT_FALSE(goes_out(tcp("127.0.0.1:4000", "127.0.0.1:22"), inside));
  EXPECT_FALSE(goes_out(translated(tcp("10.0.0.7:4000", "10.20.0.1:22"), "10.0.0.1"), inside));
}

TEST(GoesOut, WhatIsTranslatedOnItsWayOutBeganInsideWhereverThatIs) {
  const auto inside = gateway_inside();
  const auto behind_ospf = tcp("172.16.9.9:4000", "203.0.113.9:443");
  EXPECT_FALSE(goes_out(behind_ospf, inside));
  EXPECT_TRUE(goes_out(translated(behind_ospf, "192.0.2.2"), inside));
  EXPECT_TRUE(goes_out(translated(behind_ospf, "203.0.113.1"), inside));  // an address that no device has
}

TEST(IsLocal, WhatThisHostBegan) {
  EXPECT_TRUE(is_local(tcp("192.0.2.2:4000", "203.0.113.9:443"), gateway_inside()));
  EXPECT_FALSE(is_local(translated(tcp("10.0.0.7:4000", "203.0.113.9:443"), "192.0.2.2"), gateway_inside()));
}

TEST(ConnectionsToMove, WhatSurvivesItOrWhatIsStillOpeningTooOrAll) {
  const auto query = udp("10.0.0.7:4000", "203.0.113.9:53");
  const auto page = tcp("10.0.0.7:4000", "203.0.113.9:443");
  const auto ping = connection(ip_protocol::kIcmp, tuple("10.0.0.7:77", "203.0.113.9:2048"));
  auto opening = tcp("10.0.0.7:4001", "203.0.113.9:443");
  opening.tcp_state = TcpState::syn_sent;
  const auto own_ping = connection(ip_protocol::kIcmp, tuple("192.0.2.2:77", "203.0.113.9:2048"));
  const std::vector<Connection> pinned{
      query, page, ping, own_ping, opening, port_forward(), udp("203.0.113.9:5060", "192.0.2.2:5060")};
  EXPECT_THAT(connections_to_move(pinned, EvictionScope::udp, gateway_inside()), ElementsAre(query, ping));
  EXPECT_THAT(connections_to_move(pinned, EvictionScope::all, gateway_inside()),
              ElementsAre(query, page, ping, own_ping, opening));
  EXPECT_THAT(connections_to_move(pinned, EvictionScope::udp_and_opening, gateway_inside()),
              ElementsAre(query, ping, opening));
}

TEST(NeverTranslated, WhatBeganInsideAndWaitsForAnswersToAnAddressThatNobodyKnows) {
  const auto lost = udp("10.0.0.7:4000", "203.0.113.9:53");
  auto answered = udp("10.0.0.7:4001", "203.0.113.9:53");
  answered.answered = true;
  const auto good = translated(udp("10.0.0.7:4002", "203.0.113.9:53"), "192.0.2.2");
  const auto own = udp("192.0.2.2:4000", "203.0.113.9:53");
  const auto came_in = udp("203.0.113.9:4000", "192.0.2.2:53");
  const auto within = udp("10.0.0.7:4003", "10.20.0.1:53");
  const std::vector<Connection> all{lost, answered, good, own, came_in, within};
  EXPECT_THAT(never_translated(all, gateway_inside()), ElementsAre(lost));
}

TEST(TranslatedAstray, WhatBearsAnotherAddressOfThisHostAndIsNotAnswered) {
  const auto flow = udp("10.0.0.7:4000", "203.0.113.9:53");
  const auto behind_the_lan = translated(flow, "10.0.0.1");
  const auto behind_another_uplink = translated(flow, "198.51.100.2");
  auto answered = translated(flow, "10.0.0.1");
  answered.answered = true;
  const auto good = translated(flow, "192.0.2.2");
  const auto of_the_administrator = translated(flow, "203.0.113.77");
  const auto within = translated(udp("10.0.0.7:4003", "10.20.0.1:53"), "10.0.0.1");
  const std::vector<Connection> all{
      flow, behind_the_lan, behind_another_uplink, answered, good, of_the_administrator, within};
  EXPECT_THAT(translated_astray(all, {*IpAddress::parse("192.0.2.2")}, gateway_inside()),
              ElementsAre(behind_the_lan, behind_another_uplink));
}

TEST(MustBeTold, WhatHasBeenAnsweredAndIsNotOver) {
  auto page = tcp("10.0.0.7:4000", "203.0.113.9:443");
  for (const auto told : {TcpState::syn_received, TcpState::established, TcpState::fin_wait,
                          TcpState::close_wait, TcpState::last_ack}) {
    page.tcp_state = told;
    EXPECT_TRUE(must_be_told(page)) << static_cast<int>(told);
  }
  for (const auto not_told :
       {TcpState::none, TcpState::syn_sent, TcpState::syn_sent_both, TcpState::time_wait, TcpState::close}) {
    page.tcp_state = not_told;
    EXPECT_FALSE(must_be_told(page)) << static_cast<int>(not_told);
  }
  page.tcp_state.reset();
  EXPECT_FALSE(must_be_told(page));
  EXPECT_FALSE(must_be_told(udp("10.0.0.7:4000", "203.0.113.9:443")));
}

}  // namespace connection_selection_test
}  // namespace multilink
