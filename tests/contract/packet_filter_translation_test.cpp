// SPDX-License-Identifier: GPL-2.0-or-later
// Under which address packets leave: the table on a real kernel, with real packets.
#include <gtest/gtest.h>

#include <cerrno>

#include "contract/filtered_gateway.hpp"

namespace multilink {
namespace packet_filter_translation_test {

class SourceTranslation : public FilteredGateway {
 protected:
  SourceTranslation() { net_.use(1); }

  IpAddress inside(std::string_view host) const {
    return IpAddress::parse(cat(family_ == Family::v4 ? "192.168.77." : "fd77::", host)).value();
  }
};

TEST_P(SourceTranslation, WithoutBeingAskedAForwardedPacketKeepsItsSource) {
  net_.put_in_force();
  UdpSocket client(net_, Place::client, family_);
  const auto arrival = ask(client);
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->from.address, net_.client(family_));
}

TEST_P(SourceTranslation, MasqueradeIsPerUplinkAndFamily) {
  for (const Family family : kFamilies) {
    auto table = net_.table();
    table.uplinks[1].masquerade = {family};
    net_.put_in_force(table);
    net_.use(2);
    UdpSocket client(net_, Place::client, family_);
    EXPECT_EQ(ask(client).value().from.address,
              family == family_ ? net_.own(2, family_) : net_.client(family_));
    net_.use(1);
    UdpSocket other(net_, Place::client, family_);
    EXPECT_EQ(ask(other).value().from.address, net_.client(family_));
  }
}

TEST_P(SourceTranslation, AMasqueradedFlowIsAnswered) {
  auto table = net_.table();
  table.uplinks[0].masquerade = {Family::v4, Family::v6};
  net_.put_in_force(table);
  UdpSocket client(net_, Place::client, family_);
  EXPECT_EQ(exchange(client), 1U);
}

TEST_P(SourceTranslation, OwnPacketsWithAnotherUplinksAddressLeaveWithTheRightOne) {
  net_.put_in_force();
  UdpSocket local(net_, Place::gateway, family_, {.address = net_.own(2, family_)});
  const auto arrival = ask(local);
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->uplink, 1U);
  EXPECT_EQ(arrival->from.address, net_.own(1, family_));
  EXPECT_EQ(exchange(local), 1U) << "and are answered";
}

TEST_P(SourceTranslation, OwnPacketsKeepWhicheverAddressOfTheUplinkTheyChose) {
  const auto second = family_ == Family::v4 ? "192.0.2.77" : "2001:db8:1::77";
  net_.in(Place::gateway, [&] {
    if (family_ == Family::v4) multilink::ip({"address", "add", cat(second, "/24"), "dev", "wan1"});
    if (family_ == Family::v6) multilink::ip({"address", "add", cat(second, "/64"), "dev", "wan1", "nodad"});
  });
  auto table = net_.table();
  table.uplinks[0].masquerade = {Family::v4, Family::v6};
  table.uplinks[0].addresses.insert(IpAddress::parse(second).value());
  net_.put_in_force(table);
  UdpSocket local(net_, Place::gateway, family_, {.address = IpAddress::parse(second)});
  EXPECT_EQ(ask(local).value().from.address, IpAddress::parse(second));
}

TEST_P(SourceTranslation, AnAdministratorsSnatToAnAddressIsLeftToHim) {
  const std::string word = family_ == Family::v4 ? "ip" : "ip6";
  const auto extra = family_ == Family::v4 ? "192.0.2.99" : "2001:db8:1::99";
  net_.nft(
      Place::gateway,
      cat("add table inet theirs; add chain inet theirs nat { type nat hook postrouting priority srcnat; }; "
          "add rule inet theirs nat oifname wan1 snat ",
          word, " to ", extra));
  net_.put_in_force();
  UdpSocket client(net_, Place::client, family_);
  EXPECT_EQ(ask(client).value().from.address, IpAddress::parse(extra));
}

TEST_P(SourceTranslation, OursGoesBeforeTheAdministratorsMasqueradeWhereItIsAskedFor) {
  net_.masquerade();
  auto table = net_.table();
  table.uplinks[0].masquerade = {Family::v4, Family::v6};
  net_.put_in_force(table);
  UdpSocket client(net_, Place::client, family_);
  EXPECT_EQ(exchange(client), 1U);
}

TEST_P(SourceTranslation, MulticastKeepsItsSource) {
  auto table = net_.table();
  table.uplinks[0].masquerade = {Family::v4, Family::v6};
  net_.put_in_force(table);
  const auto group = IpAddress::parse(family_ == Family::v4 ? "224.0.0.251" : "ff05::fb").value();
  UdpSocket socket(net_, Place::gateway, family_, {.address = net_.gateway(family_), .device = "wan1"});
  socket.send({group, 5353}, "who is there");
  const auto answer = cat("src=", group.to_string());
  EXPECT_NE(net_.mark_of(cat("sport=", socket.local().port, " dport=5353")), ~0U);
  EXPECT_EQ(net_.mark_of(cat("dst=", net_.own(1, family_).to_string(), " sport=5353")), ~0U) << "translated";
}

INSTANTIATE_TEST_SUITE_P(Families, SourceTranslation, both_families(), family_name);

class PrefixTranslationOnPackets : public FilteredGateway {
 protected:
  void translate() {
    net_.ip(Place::internet, "route add 2001:db8:100::/56 via 2001:db8:1::2 dev isp1");
    auto table = net_.table();
    table.uplinks[0].masquerade = {Family::v6};
    table.uplinks[0].translation =
        PrefixTranslation{IpPrefix::parse("fd77::/56").value(), IpPrefix::parse("2001:db8:100::/56").value()};
    net_.put_in_force(table);
  }
};

TEST_P(PrefixTranslationOnPackets, KeepsTheHostsPartOfTheAddress) {
  net_.use(1);
  translate();
  const std::string_view hosts = "2 ab 1234:5678:9abc:def0";
  for (const auto host : split(hosts, ' ')) {
    const auto source = cat("fd77::", host);
    if (host != "2") net_.ip(Place::client, cat("addr add ", source, "/64 dev eth0 nodad"));
    UdpSocket client(net_, Place::client, family_, {.address = IpAddress::parse(source)});
    EXPECT_EQ(exchange(client), 1U);
    EXPECT_EQ(ask(client).value().from.address, IpAddress::parse(cat("2001:db8:100::", host)));
  }
  net_.ip(Place::client, "addr add fd88::2/64 dev eth0 nodad");
  net_.ip(Place::gateway, "addr add fd88::1/64 dev lan0 nodad");
  UdpSocket other(net_, Place::client, family_, {.address = IpAddress::parse("fd88::2")});
  EXPECT_EQ(ask(other).value().from.address, net_.own(1, family_)) << "what is in no prefix is masqueraded";
}

TEST_P(PrefixTranslationOnPackets, WhatReachesNoHostIsRefusedAtOnceWhicheverUplinkCarries) {
  net_.add_pin_rules();
  translate();
  for (const unsigned carrier : {1U, 2U}) {
    net_.use(carrier);
    TcpSocket visitor(net_, Place::internet, family_, {.address = net_.server(family_)});
    EXPECT_EQ(visitor.connect({IpAddress::parse("2001:db8:100::99").value(), 80}), ECONNREFUSED) << carrier;
    EXPECT_EQ(net_.mark_of("dst=2001:db8:100::99"), ~0U) << "it is no connection";
  }
}

INSTANTIATE_TEST_SUITE_P(Families, PrefixTranslationOnPackets, testing::Values(Family::v6), family_name);

}  // namespace packet_filter_translation_test
}  // namespace multilink
