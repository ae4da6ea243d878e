// SPDX-License-Identifier: GPL-2.0-or-later
// Flows stay on the uplink they began on: the table on a real kernel, with real packets.
#include <gtest/gtest.h>
#include <chrono>
#include <thread>

#include "contract/filtered_gateway.hpp"

namespace multilink {
namespace packet_filter_pins_test {

class FlowPins : public FilteredGateway {
 protected:
  FlowPins() {
    net_.add_pin_rules();
    net_.use(1);
  }
};

TEST_P(FlowPins, AForwardedFlowStaysWhenTheDefaultMovesAndANewOneFollowsIt) {
  net_.masquerade();
  net_.put_in_force();
  UdpSocket old(net_, Place::client, family_);
  ASSERT_EQ(exchange(old), 1U);
  net_.use(2);
  EXPECT_EQ(exchange(old), 1U);
  UdpSocket fresh(net_, Place::client, family_);
  EXPECT_EQ(exchange(fresh), 2U);
  net_.use(1);
  EXPECT_EQ(exchange(fresh), 2U) << "0 packets lost at failback";
  EXPECT_EQ(exchange(old), 1U);
}

TEST_P(FlowPins, AFlowStaysFromItsFirstPacketOn) {
  net_.masquerade();
  net_.put_in_force();
  UdpSocket flow(net_, Place::client, family_);
  ASSERT_EQ(ask(flow).value().uplink, 1U);
  net_.use(2);
  EXPECT_EQ(ask(flow).value().uplink, 1U) << "before any answer";
}

TEST_P(FlowPins, ALocalFlowStaysToo) {
  net_.put_in_force();
  UdpSocket flow(net_, Place::gateway, family_);
  flow.connect(server());
  ASSERT_EQ(exchange(flow), 1U);
  net_.use(2);
  EXPECT_EQ(exchange(flow), 1U);
  UdpSocket fresh(net_, Place::gateway, family_);
  EXPECT_EQ(exchange(fresh), 2U);
}

TEST_P(FlowPins, ALocalAnswerLeavesWhereTheQuestionCameIn) {
  net_.put_in_force();
  UdpSocket service(net_, Place::gateway, family_, {.address = net_.own(2, family_), .port = 53});
  server_.send({net_.own(2, family_), 53}, "question");
  const auto question = service.receive();
  ASSERT_TRUE(question);
  service.send(question->from, "answer");
  const auto answer = server_.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->uplink, 2U);
}

TEST_P(FlowPins, TheAnswerOfAForwardedServiceLeavesWhereTheQuestionCameIn) {
  net_.nft(Place::gateway,
           cat("add table inet theirs; add chain inet theirs inward { type nat hook prerouting priority "
               "dstnat; }; "
               "add rule inet theirs inward iifname wan2 udp dport 53 dnat ",
               family_ == Family::v4 ? "ip" : "ip6", " to ", net_.client(family_).to_string()));
  net_.put_in_force();
  UdpSocket service(net_, Place::client, family_, {.port = 53});
  server_.send({net_.own(2, family_), 53}, "question");
  const auto question = service.receive();
  ASSERT_TRUE(question);
  service.send(question->from, "answer");
  const auto answer = server_.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->uplink, 2U);
  EXPECT_EQ(answer->from, (Endpoint{net_.own(2, family_), 53}));
}

TEST_P(FlowPins, FlowsFromBeforeTheFirstStartStayWhereTheyAre) {
  net_.masquerade();
  UdpSocket first(net_, Place::client, family_);
  ASSERT_EQ(exchange(first), 1U);
  net_.use(2);
  UdpSocket second(net_, Place::client, family_);
  ASSERT_EQ(exchange(second), 2U);
  // The first's entry is still there, and its next packet comes from the LAN: only its own address tells.
  net_.put_in_force();
  EXPECT_EQ(exchange(first), 1U);
  EXPECT_EQ(exchange(second), 2U);
  net_.use(1);
  EXPECT_EQ(exchange(second), 2U);
}

TEST_P(FlowPins, AForwardedServiceFromBeforeTheFirstStartAnswersWhereItDid) {
  net_.nft(Place::gateway,
           cat("add table inet theirs; add chain inet theirs inward { type nat hook prerouting priority "
               "dstnat; }; "
               "add rule inet theirs inward iifname wan2 udp dport 53 dnat ",
               family_ == Family::v4 ? "ip" : "ip6", " to ", net_.client(family_).to_string()));
  UdpSocket service(net_, Place::client, family_, {.port = 53});
  net_.use(2);
  server_.send({net_.own(2, family_), 53}, "question");
  const auto question = service.receive();
  ASSERT_TRUE(question);
  service.send(question->from, "answer");
  ASSERT_TRUE(server_.receive());
  net_.use(1);
  net_.put_in_force();
  service.send(question->from, "more");
  const auto more = server_.receive();
  ASSERT_TRUE(more);
  EXPECT_EQ(more->uplink, 2U);
}

TEST_P(FlowPins, FlowsThatCrossNoUplinkHaveNoMark) {
  net_.put_in_force();
  UdpSocket in_the_lan(net_, Place::client, family_, {.port = 9});
  UdpSocket local(net_, Place::gateway, family_);
  for (int round = 0; round < 3; ++round) {
    local.send({net_.client(family_), 9}, "hello");
    const auto arrival = in_the_lan.receive();
    ASSERT_TRUE(arrival);
    in_the_lan.send(arrival->from, "hello");
    ASSERT_TRUE(local.receive());
  }
  EXPECT_EQ(mark_of(local), 0U);
}

TEST_P(FlowPins, AServiceAtAnUplinksAddressThatTheLanAsksIsNotPinned) {
  net_.put_in_force();
  UdpSocket service(net_, Place::gateway, family_, {.address = net_.own(2, family_), .port = 53});
  UdpSocket client(net_, Place::client, family_);
  UdpSocket local(net_, Place::gateway, family_, {.address = net_.own(2, family_)});
  for (int round = 0; round < 3; ++round) {
    for (UdpSocket* from : {&client, &local}) {
      from->send(service.local(), "question");
      const auto question = service.receive();
      ASSERT_TRUE(question);
      service.send(question->from, "answer");
      ASSERT_TRUE(from->receive());
    }
  }
  EXPECT_EQ(mark_of(client), 0U);
  EXPECT_EQ(mark_of(local), 0U);
}

TEST_P(FlowPins, AServiceInTheLanThatTheLanAsksAtAnUplinksAddressIsNotPinned) {
  const auto word = family_ == Family::v4 ? "ip" : "ip6";
  const auto client = net_.client(family_).to_string();
  net_.nft(Place::gateway,
           cat("add table inet theirs; add chain inet theirs inward { type nat hook prerouting priority "
               "dstnat; }; "
               "add rule inet theirs inward ",
               word, " daddr ", net_.own(2, family_).to_string(), " udp dport 53 dnat ", word, " to ", client,
               "; add chain inet theirs back { type nat hook postrouting priority srcnat; }; "
               "add rule inet theirs back oifname lan0 ",
               word, " saddr ", client, " masquerade"));
  net_.put_in_force();
  UdpSocket service(net_, Place::client, family_, {.address = net_.client(family_), .port = 53});
  UdpSocket asks(net_, Place::client, family_, {.address = net_.client(family_)});
  for (int round = 0; round < 3; ++round) {
    asks.send({net_.own(2, family_), 53}, "question");
    const auto question = service.receive();
    ASSERT_TRUE(question);
    EXPECT_EQ(question->from.address, net_.gateway(family_));
    service.send(question->from, "answer");
    ASSERT_TRUE(asks.receive());
  }
  EXPECT_EQ(mark_of(asks), 0U);
}

TEST_P(FlowPins, AFlowThatAnUplinkWithoutConfigurationHadIsPinnedAnew) {
  net_.masquerade();
  auto table = net_.table();
  table.uplinks[0].index = 9;
  net_.put_in_force(table);
  UdpSocket flow(net_, Place::client, family_);
  ASSERT_EQ(exchange(flow), 1U);
  ASSERT_EQ(mark_of(flow), mark(9));
  net_.put_in_force();
  EXPECT_EQ(exchange(flow), 1U);
  EXPECT_EQ(mark_of(flow), mark(1));
}

TEST_P(FlowPins, BitsOfOthersInTheMarkOfAConnectionStay) {
  net_.masquerade();
  net_.nft(
      Place::gateway,
      "add table inet theirs2; add chain inet theirs2 c { type filter hook prerouting priority mangle; }; "
      "add rule inet theirs2 c iifname lan0 ct state new ct mark set 0x80c0ffee");
  net_.put_in_force();
  UdpSocket flow(net_, Place::client, family_);
  ASSERT_EQ(exchange(flow), 1U);
  EXPECT_EQ(mark_of(flow), 0x81c0ffeeU);
  net_.use(2);
  EXPECT_EQ(exchange(flow), 1U);
}

TEST_P(FlowPins, ALocalPacketWithAForeignMarkIsLeftAlone) {
  net_.put_in_force();
  // As wg-quick does: an exact match of the whole mark, and nothing else may catch the packet.
  const auto theirs = family_ == Family::v4 ? "198.51.100.1" : "2001:db8:2::1";
  net_.in(Place::gateway, [&] {
    ip({"route", "add", "default", "via", theirs, "dev", "wan2", "table", "900"});
    ip({family_ == Family::v4 ? "-4" : "-6", "rule", "add", "fwmark", "0xca6c", "lookup", "900", "pref",
        "1100"});
  });
  UdpSocket tunnel(net_, Place::gateway, family_, {.mark = 0xca6c});
  tunnel.connect(server());
  ASSERT_EQ(exchange(tunnel), 2U);
  EXPECT_EQ(exchange(tunnel), 2U) << "with our bits the exact match would fail";
  net_.in(Place::gateway, [&] {
    const auto other = family_ == Family::v4 ? "192.0.2.1" : "2001:db8:1::1";
    ip({"route", "replace", "default", "via", other, "dev", "wan1", "table", "900"});
  });
  EXPECT_EQ(ask(tunnel).value().uplink, 1U) << "it follows its own rules, and is not held";
  EXPECT_EQ(mark_of(tunnel), mark(1)) << "the connection's mark says where it goes";
}

TEST_P(FlowPins, PacketsOutsideTheRoutingDecisionBearNoBitsOfOurs) {
  net_.masquerade();
  net_.nft(Place::gateway,
           "add table inet look; "
           "add chain inet look out { type filter hook postrouting priority 300; }; "
           "add chain inet look in { type filter hook input priority filter; }; "
           "add rule inet look out meta mark != 0 counter drop; add rule inet look in meta mark != 0 counter "
           "drop");
  net_.put_in_force();
  UdpSocket forwarded(net_, Place::client, family_);
  UdpSocket local(net_, Place::gateway, family_);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(exchange(forwarded), 1U);
    EXPECT_EQ(exchange(local), 1U);
  }
}

TEST_P(FlowPins, AnswersPassTheStrictReversePathFilterOfAnUplinkThatIsNotInUse) {
  net_.masquerade();
  strict_reverse_path();
  net_.put_in_force();
  net_.use(2);
  UdpSocket flow(net_, Place::client, family_);
  ASSERT_EQ(exchange(flow), 2U);
  net_.use(1);
  EXPECT_EQ(exchange(flow), 2U);
  UdpSocket service(net_, Place::gateway, family_, {.address = net_.own(2, family_), .port = 53});
  server_.send(service.local(), "question");
  EXPECT_TRUE(service.receive()) << "nor is a new connection from outside kept out";
}

TEST_P(FlowPins, ADeviceWithAStrangeNamePinsToo) {
  net_.masquerade();
  const std::string name = "a*{};#$\\";
  net_.in(Place::gateway, [&] {
    ip({"link", "set", "wan2", "down"});
    ip({"link", "set", "wan2", "name", name});
    ip({"link", "set", name, "up"});
    if (family_ == Family::v6) ip({"address", "add", "2001:db8:2::2/64", "dev", name, "nodad"});
    const auto via = family_ == Family::v4 ? "198.51.100.1" : "2001:db8:2::1";
    ip({"route", "replace", "default", "via", via, "dev", name, "table", "7002"});
    ip({"route", "replace", "default", "via", via, "dev", name});
  });
  net_.nft(Place::gateway, "add rule inet theirs nat oifname != lan0 masquerade");
  auto table = net_.table();
  table.uplinks[1].device = name;
  net_.put_in_force(table);
  UdpSocket flow(net_, Place::client, family_);
  // The first question for a neighbour is lost while the device is not wholly up; the next follows a second later.
  if (family_ == Family::v6) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  ASSERT_EQ(exchange(flow), 2U);
  EXPECT_EQ(mark_of(flow), mark(2));
  net_.use(1);
  EXPECT_EQ(exchange(flow), 2U);
}

INSTANTIATE_TEST_SUITE_P(Families, FlowPins, both_families(), family_name);

}  // namespace packet_filter_pins_test
}  // namespace multilink
