// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/dhcp_lease.hpp"

#include <gmock/gmock.h>

#include <string>

#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink {
namespace dhcp_lease_test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

WallTime at(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

/// As dhclient 4.4 writes it, with what other programs never ask for left in.
constexpr std::string_view kTwoLeases = R"(default-duid "\000\001\000\0011\270\3322\346\270";
lease {
  interface "eth0";
  fixed-address 192.0.2.7;
  filename "pxe/{boot};0";
  server-name "say \"hello\" }";
  option subnet-mask 255.255.255.0;
  option routers 192.0.2.1,192.0.2.3;
  option dhcp-lease-time 120;
  option dhcp-server-identifier 192.0.2.4;
  renew 4 2026/11/05 12:33:34;
  rebind 4 2026/11/05 12:34:19;
  expire 4 2026/11/05 12:34:34;
}
# a comment with lease { in it
lease {
  interface "eth1";
  fixed-address 198.51.100.9;
  option routers 198.51.100.77;
  option rfc3442-classless-static-routes 24,10,9,8,198,51,100,5,0,198,51,100,1;
  renew epoch 1793882014; # Thu Nov  5 12:33:34 2026
  expire epoch 1793882074; # Thu Nov  5 12:34:34 2026
}
lease6 {
  interface "eth1";
  ia-na e6:b8:1a:2b { starts 1; iaaddr 2001:db8::7 { starts 1; max-life 120; } }
}
)";

TEST(DhclientLeases, AreReadInOrder) {
  const auto leases = parse_dhclient_leases(kTwoLeases);
  EXPECT_THAT(leases, ElementsAre(DhcpLease{"eth0", 0, address("192.0.2.7"), address("192.0.2.1"),
                                            at(1793882074), address("192.0.2.4")},
                                  DhcpLease{"eth1", 0, address("198.51.100.9"), address("198.51.100.1"),
                                            at(1793882074)}));
}

std::string lease(std::string_view more, std::string_view expire = "never") {
  return cat("lease {\n interface \"eth0\";\n fixed-address 192.0.2.7;\n ", more, "\n expire ", expire,
             ";\n}\n");
}

std::optional<IpAddress> gateway_of(std::string_view options) {
  const auto leases = parse_dhclient_leases(lease(options));
  return leases.size() == 1 ? leases[0].gateway : std::nullopt;
}

TEST(DhclientLeases, ClasslessRoutesCountMoreThanRouters) {
  const std::string routers = "option routers 192.0.2.1; ";
  EXPECT_THAT(gateway_of(routers), Optional(address("192.0.2.1")));
  const auto with = [&](std::string_view bytes) {
    return gateway_of(cat(routers, "option rfc3442-classless-static-routes ", bytes, ";"));
  };
  EXPECT_THAT(with("0,192,0,2,9"), Optional(address("192.0.2.9")));
  EXPECT_THAT(with("0, 192, 0, 2, 9"), Optional(address("192.0.2.9")));
  EXPECT_THAT(with("32,10,1,2,3,192,0,2,4,0,192,0,2,9,8,10,192,0,2,5"), Optional(address("192.0.2.9")));
  EXPECT_EQ(with("8,10,192,0,2,5"), std::nullopt) << "no default is no default";
  EXPECT_EQ(with("0,0,0,0,0"), std::nullopt) << "a default that is on the link";
  for (const auto* malformed :
       {"0,192,0,2", "33,1,2,3,4,5,192,0,2,9", "0,192,0,2,256", "0,192,0,2,x", "24,10"}) {
    EXPECT_EQ(with(malformed), std::nullopt) << malformed;
  }
}

TEST(DhclientLeases, NoRouterIsWhatCannotBeOne) {
  for (const auto* router :
       {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "2001:db8::1", "name.example", ""}) {
    EXPECT_EQ(gateway_of(cat("option routers ", router, ";")), std::nullopt) << router;
  }
}

TEST(DhclientLeases, EndAsWritten) {
  const auto end_of = [](std::string_view expire) -> std::string {
    const auto leases = parse_dhclient_leases(lease("", expire));
    if (leases.size() != 1) return "no lease";
    if (!leases[0].expires) return "never";
    return cat(std::chrono::floor<std::chrono::seconds>(*leases[0].expires).time_since_epoch().count());
  };
  EXPECT_EQ(end_of("never"), "never");
  EXPECT_EQ(end_of("0 1970/01/01 00:00:01"), "1");
  EXPECT_EQ(end_of("4 2024/02/29 23:59:60"), "1709251200");
  EXPECT_EQ(end_of("epoch 1700000000"), "1700000000");
  for (const auto* malformed : {"", "4 2026/02/29 00:00:00", "4 2026/13/01 00:00:00", "4 2026/11/05 24:00:00",
                                "4 2026/11/05", "4 2026/11/05 12:34", "epoch -1", "epoch 99999999999",
                                "epoch", "tomorrow", "4 99999/11/05 12:34:56"}) {
    EXPECT_EQ(end_of(malformed), "no lease") << malformed;
  }
}

TEST(DhclientLeases, WhatIsIncompleteIsPassedOver) {
  const std::string whole = lease("option routers 192.0.2.1;");
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    EXPECT_THAT(parse_dhclient_leases(whole.substr(0, length)), IsEmpty()) << whole.substr(0, length);
    EXPECT_THAT(parse_dhclient_leases(cat(whole.substr(length), whole)),
                testing::Contains(testing::Field(&DhcpLease::device, "eth0")))
        << "what begins in the middle does not hide what follows: " << whole.substr(length);
  }
  EXPECT_THAT(parse_dhclient_leases("lease {\n fixed-address 192.0.2.7;\n expire never;\n}\n"), IsEmpty());
  EXPECT_THAT(parse_dhclient_leases("lease {\n interface \"eth0\";\n expire never;\n}\n"), IsEmpty());
  EXPECT_THAT(parse_dhclient_leases("lease {\n interface \"eth0\";\n fixed-address 192.0.2.7;\n}\n"),
              IsEmpty());
}

TEST(DhclientLeases, NothingInAnOptionIsTakenForAStatement) {
  EXPECT_THAT(gateway_of("option domain-name \"x; option routers 192.0.2.66;\"; option routers 192.0.2.1;"),
              Optional(address("192.0.2.1")));
  EXPECT_THAT(
      gateway_of("option domain-name \"x\\\"; option routers 192.0.2.66;\"; option routers 192.0.2.1;"),
      Optional(address("192.0.2.1")));
  EXPECT_THAT(gateway_of("option routers 192.0.2.1; vendor { option routers 192.0.2.66; }"),
              Optional(address("192.0.2.1")));
}

TEST(DhclientLeases, OfManyTheLastOnesCount) {
  std::string text;
  for (int i = 0; i < 10; ++i) text += lease(cat("option routers 192.0.2.", i + 1, ";"));
  const auto leases = parse_dhclient_leases(text, 3);
  ASSERT_THAT(leases, SizeIs(3));
  EXPECT_EQ(leases.front().gateway, address("192.0.2.8"));
  EXPECT_EQ(leases.back().gateway, address("192.0.2.10"));
}

/// As systemd 252 and NetworkManager 1.42 wrote it.
constexpr std::string_view kNetworkd = R"(# This is private data. Do not parse.
ADDRESS=198.18.1.43
NETMASK=255.255.255.0
ROUTER=198.18.1.1 198.18.1.2
SERVER_ADDRESS=198.18.1.5
T1=60
T2=105
LIFETIME=120
HOSTNAME=vm
CLIENTID=ffeaff803e00020000ab110033bdebf95e192c
)";

constexpr std::string_view kNetworkManager = R"([device]
managed=true
connection-uuid=170848b8-da06-488d-925a-8fd6fa1adf5c
next-server=198.18.1.1

[dhcp4]
dhcp4.dhcp_lease_time=120
dhcp4.dhcp_server_identifier=198.18.1.5
dhcp4.expiry=1795612259
dhcp4.ip_address=198.18.1.28
dhcp4.routers=198.18.1.1
dhcp4.subnet_mask=255.255.255.0

[dhcp6]
dhcp4.ip_address=198.18.1.99
)";

TEST(NetworkdLease, TellsTheFirstRouter) {
  EXPECT_THAT(parse_networkd_lease(kNetworkd, 3),
              Optional(DhcpLease{"", 3, address("198.18.1.43"), address("198.18.1.1"), std::nullopt,
                                 address("198.18.1.5")}));
}

TEST(NetworkdLease, ClasslessRoutesCountMore) {
  const auto with = [](std::string_view routes) {
    return parse_networkd_lease(cat(kNetworkd, "CLASSLESS_ROUTES=", routes, "\n"), 3).value().gateway;
  };
  EXPECT_THAT(with("10.9.0.0/16,198.18.1.7 0.0.0.0/0,198.18.1.9"), Optional(address("198.18.1.9")));
  EXPECT_EQ(with("10.9.0.0/16,198.18.1.7"), std::nullopt);
  EXPECT_EQ(with("0.0.0.0/0"), std::nullopt);
  EXPECT_EQ(with("0.0.0.0/0,0.0.0.0"), std::nullopt);
}

TEST(NetworkdLease, WithoutAnAddressThereIsNone) {
  EXPECT_EQ(parse_networkd_lease("", 3), std::nullopt);
  EXPECT_EQ(parse_networkd_lease("ADDRESS\n=\nADDRESS=x\nROUTER=198.18.1.1\n", 3), std::nullopt);
  EXPECT_EQ(parse_networkd_lease("#ADDRESS=198.18.1.43\nROUTER=198.18.1.1\n", 3), std::nullopt);
  EXPECT_EQ(parse_networkd_lease(kNetworkd, 0), std::nullopt);
}

TEST(NetworkManagerDevice, ItsGroupDhcp4Counts) {
  EXPECT_THAT(parse_networkmanager_device(kNetworkManager, 2),
              Optional(DhcpLease{"", 2, address("198.18.1.28"), address("198.18.1.1"), at(1795612259),
                                 address("198.18.1.5")}));
  const std::string_view group = kNetworkManager.substr(kNetworkManager.find("[dhcp4]"));
  EXPECT_TRUE(parse_networkmanager_device(group, 2));
  EXPECT_EQ(parse_networkmanager_device(kNetworkManager.substr(0, kNetworkManager.find("[dhcp4]")), 2),
            std::nullopt);
  const std::string routes =
      "dhcp4.rfc3442_classless_static_routes=10.9.0.0/16 198.18.1.7 0.0.0.0/0 198.18.1.9\n";
  EXPECT_EQ(parse_networkmanager_device(cat("[dhcp4]\n", routes, group.substr(8)), 2).value().gateway,
            address("198.18.1.9"));
}

TEST(DhcpLease, AnExpiredOneIsNotInForce) {
  const DhcpLease ends{"eth0", 0, address("192.0.2.7"), address("192.0.2.1"), at(100)};
  DhcpLease never = ends;
  never.expires.reset();
  EXPECT_THAT(in_force({ends, never}, at(99)), ElementsAre(ends, never));
  EXPECT_THAT(in_force({ends, never}, at(100)), ElementsAre(never));
}

/// Whatever bytes a file holds: leases with addresses that can be some, or none; no crash, no long time.
void expect_sound(const std::string& text) {
  auto leases = parse_dhclient_leases(text, 8);
  EXPECT_LE(leases.size(), 8U);
  for (auto& one : {parse_networkd_lease(text, 7), parse_networkmanager_device(text, 7)}) {
    if (one) leases.push_back(*one);
  }
  for (const auto& found : leases) {
    EXPECT_TRUE(!found.device.empty() || found.link_index == 7);
    EXPECT_FALSE(found.address.is_unspecified());
    if (found.gateway) {
      EXPECT_FALSE(found.gateway->is_multicast() || found.gateway->is_unspecified());
    }
  }
}

TEST(DhcpLeaseGarbage, AnyBytesAreSurvived) {
  auto random = seeded_random();
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 300, ' ');
    for (char& c : text) c = static_cast<char>(random());
    expect_sound(text);
  }
}

TEST(DhcpLeaseGarbage, SpoiltFilesAreSurvivedAndMostlyStillUnderstood) {
  auto random = seeded_random();
  unsigned understood = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::string_view whole = round % 3 == 0 ? kTwoLeases : round % 3 == 1 ? kNetworkd : kNetworkManager;
    std::string text(whole);
    for (auto changes = random() % 4; changes > 0; --changes) {
      const std::size_t where = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[where] = static_cast<char>(random());
          break;
        case 1:
          text.erase(where, random() % 20);
          break;
        default:
          text.insert(where, std::string(1, "{};\"\\\n=#"[random() % 8]));
      }
      if (text.empty()) text = " ";
    }
    expect_sound(text);
    if (!parse_dhclient_leases(text).empty()) ++understood;
  }
  EXPECT_GT(understood, 800U) << "the generator must reach both outcomes";
  EXPECT_LT(understood, 1667U);
}

TEST(DhcpLeaseGarbage, ALargeFileTakesNoTime) {
  EXPECT_THAT(parse_dhclient_leases(std::string(1 << 20, '{')), IsEmpty());
  EXPECT_THAT(parse_dhclient_leases(std::string(1 << 20, '"')), IsEmpty());
  std::string text;
  for (int i = 0; i < 10000; ++i) text += lease("option routers 192.0.2.1;");
  EXPECT_THAT(parse_dhclient_leases(text, 64), SizeIs(64));
}

}  // namespace dhcp_lease_test
}  // namespace multilink
