// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_search.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/config.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace uplink_search_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr auto kPath = "/etc/multilink/interfaces.conf";

class UplinkSearchTest : public testing::Test {
 protected:
  UplinkSearch search() { return search_uplinks(kernel_.read().value(), kinds_, leases_, {}); }
  std::vector<std::string> devices() {
    std::vector<std::string> out;
    for (const auto& uplink : search().uplinks) out.push_back(uplink.device);
    return out;
  }
  std::string reason_for(std::string_view device) {
    for (const auto& each : search().left_out) {
      if (each.device == device) return each.reason;
    }
    return {};
  }
  std::string text() { return render_found_config(search(), kPath); }
  /// What the file means; every test's file is accepted.
  Config config() {
    const auto parsed = parse_config(text(), "found");
    for (const auto& error : parsed.errors) ADD_FAILURE() << error.to_string() << '\n' << text();
    return parsed.config.value_or(Config{});
  }
  void make(std::string_view device, std::string_view kind, std::string_view master = "") {
    const unsigned index = kernel_.add_link(device);
    kinds_.push_back({index, std::string(kind), master.empty() ? 0 : kernel_.link(master).index});
  }
  /// With an address in network N, and the default by its router.
  void make_uplink(std::string_view device, unsigned network, std::uint32_t metric) {
    kernel_.add_link(device);
    kernel_.add_address(device, cat("10.0.", network, ".2/24"));
    add(fakes::default_via(kernel_, cat("10.0.", network, ".1"), device, metric));
  }
  void add(const Route& route) {
    const auto done = kernel_.add_route(route);
    ASSERT_TRUE(done) << done.error().message;
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  std::vector<DeviceKind> kinds_;
  std::vector<DhcpLease> leases_;
};

TEST_F(UplinkSearchTest, TellsUplinksFromLansByTheDefaultsAndOrdersThemByMetric) {
  make_uplink("wlan0", 3, 600);
  make_uplink("eth0", 1, 0);
  make_uplink("eth1", 2, 100);
  kernel_.add_link("lan0");
  kernel_.add_address("lan0", "192.168.1.1/24");
  EXPECT_THAT(devices(), ElementsAre("eth0", "eth1", "wlan0"));
  EXPECT_EQ(reason_for("lan0"), "has 192.168.1.1/24 and no default route: a LAN");
  EXPECT_TRUE(search().has_lan);
  const auto made = config();
  ASSERT_THAT(made.uplinks, SizeIs(3));
  EXPECT_EQ(made.uplinks[2].device, "wlan0");
  EXPECT_EQ(made.uplinks[2].precedence, 3U);
  EXPECT_THAT(made.uplinks[0].gateways, IsEmpty()) << "it is learned";
  EXPECT_EQ(made.uplinks[0].targets, parse_config("[eth0]\n", "").config->uplinks[0].targets);
  EXPECT_THAT(text(),
              AllOf(HasSubstr("# IPv4: default route via 10.0.2.1, metric 100, by a static setting; address "
                              "10.0.2.2/24\n# IPv6: none\n[eth1]\n"),
                    HasSubstr("# - lan0 has 192.168.1.1/24 and no default route: a LAN\n"),
                    HasSubstr("pingd --check"), HasSubstr("systemctl enable --now multilink.target")));
}

TEST_F(UplinkSearchTest, Ipv6AloneMakesAnUplinkBehindThoseOfIpv4) {
  make_uplink("eth1", 2, 700);
  kernel_.add_link("eth0");
  kernel_.add_address("eth0", "2001:db8::2/64");
  kernel_.advertise_router("eth0", "fe80::1", 1800);
  EXPECT_THAT(devices(), ElementsAre("eth1", "eth0"));
  EXPECT_THAT(text(), HasSubstr("default route via fe80::1, metric 1024, by a router advertisement"));
  EXPECT_THAT(config().uplinks, SizeIs(2));
}

TEST_F(UplinkSearchTest, WhatIsNoLineToTheInternetIsLeftOutWithTheReason) {
  make_uplink("eth0", 1, 100);
  make("docker0", "bridge");
  kernel_.add_address("docker0", "172.17.0.1/16");
  make("veth1", "veth", "docker0");
  make("wg0", "wireguard");
  kernel_.add_address("wg0", "10.9.0.1/24");
  make("tun0", "tun");
  add(fakes::default_via(kernel_, "10.9.0.9", "wg0", 50));
  make("dummy0", "dummy");
  kernel_.add_link("eth7");
  kernel_.set_carrier("eth7", false);
  kernel_.add_link("eth8");
  EXPECT_THAT(devices(), ElementsAre("eth0"));
  EXPECT_THAT(reason_for("docker0"), HasSubstr("is a bridge without a default route"));
  EXPECT_EQ(reason_for("veth1"), "is a port of docker0");
  EXPECT_THAT(reason_for("wg0"),
              AllOf(HasSubstr("is a tunnel (wireguard)"), HasSubstr("though a default route leads into it")));
  EXPECT_THAT(reason_for("tun0"), HasSubstr("is a tunnel (tun)"));
  EXPECT_EQ(reason_for("dummy0"), "is virtual (dummy), without address and default route");
  EXPECT_THAT(reason_for("eth7"), HasSubstr("has no carrier"));
  EXPECT_THAT(reason_for("eth8"), HasSubstr("DHCP client"));
}

TEST_F(UplinkSearchTest, ABridgeOrABondWithTheDefaultIsTheUplinkAndNotItsPorts) {
  make_uplink("vmbr0", 1, 0);
  kinds_.push_back({kernel_.link("vmbr0").index, "bridge"});
  make("eno1", "", "vmbr0");
  EXPECT_THAT(devices(), ElementsAre("vmbr0"));
  EXPECT_EQ(reason_for("eno1"), "is a port of vmbr0");
}

TEST_F(UplinkSearchTest, AVrfHasRoutesOfItsOwn) {
  make("red", "vrf");
  make_uplink("eth0", 1, 0);
  kinds_.push_back({kernel_.link("eth0").index, "", kernel_.link("red").index});
  EXPECT_THAT(devices(), IsEmpty());
  EXPECT_THAT(reason_for("eth0"), HasSubstr("is in the VRF red"));
}

TEST_F(UplinkSearchTest, APointToPointDeviceNeedsNoGateway) {
  kernel_.add_link("ppp0", true);
  kinds_.push_back({kernel_.link("ppp0").index, "ppp"});
  kernel_.add_address("ppp0", "192.0.2.7/32", "192.0.2.1");
  Route route = fakes::default_via(kernel_, "192.0.2.1", "ppp0");
  route.next_hops[0].gateway.reset();
  route.link_scope = true;
  add(route);
  EXPECT_THAT(devices(), ElementsAre("ppp0"));
  EXPECT_THAT(text(), Not(HasSubstr("gateway")));
}

TEST_F(UplinkSearchTest, ARouteWithoutARouterOnAnEthernetDeviceAsksForOne) {
  kernel_.add_link("eth0");
  kernel_.add_address("eth0", "192.0.2.7/24");
  Route route = fakes::default_via(kernel_, "192.0.2.1", "eth0");
  route.next_hops[0].gateway.reset();
  route.link_scope = true;
  add(route);
  EXPECT_THAT(text(), HasSubstr("# The route names no router, and nothing else does"));
  EXPECT_THAT(config().uplinks, SizeIs(1));
}

TEST_F(UplinkSearchTest, AGatewayThatOnlyARouteOfOursNamesIsWritten) {
  kernel_.add_link("eth0");
  kernel_.add_address("eth0", "192.0.2.7/24");
  Route route = fakes::default_via(kernel_, "192.0.2.1", "eth0", 3);
  route.protocol = RoutingNumbers{}.protocol;
  add(route);
  ASSERT_THAT(config().uplinks, SizeIs(1));
  EXPECT_EQ(config().uplinks[0].gateways.at(Family::v4), fakes::address("192.0.2.1"));
  add(fakes::default_via(kernel_, "192.0.2.1", "eth0", 100));
  EXPECT_THAT(config().uplinks[0].gateways, IsEmpty()) << "somebody else names it, too";
}

TEST_F(UplinkSearchTest, ADhcpLeaseTellsOfAnUplinkWhoseDefaultNeverReachedTheKernel) {
  make_uplink("eth0", 1, 0);
  kernel_.add_link("eth1");
  kernel_.add_address("eth1", "198.51.100.2/24");
  leases_.push_back({.device = "eth1",
                     .address = fakes::address("198.51.100.2"),
                     .gateway = fakes::address("198.51.100.1")});
  EXPECT_THAT(devices(), ElementsAre("eth0", "eth1"));
  EXPECT_THAT(text(), HasSubstr("# IPv4: a DHCP lease names the router 198.51.100.1; no default route of the "
                                "kernel does; address 198.51.100.2/24\n"));
  EXPECT_THAT(config().uplinks[1].gateways, IsEmpty());
}

TEST_F(UplinkSearchTest, DefaultsInOtherTablesCountBehindThoseOfMain) {
  kernel_.add_link("eth0");
  kernel_.add_address("eth0", "10.0.9.2/24");
  Route route = fakes::default_via(kernel_, "10.0.9.1", "eth0", 1);
  route.table = 200;
  add(route);
  make_uplink("eth1", 1, 500);
  EXPECT_THAT(devices(), ElementsAre("eth1", "eth0"));
  EXPECT_THAT(text(), HasSubstr("default route via 10.0.9.1 in table 200"));
}

TEST_F(UplinkSearchTest, HopsOfOneRouteGoOnSharingByTheirWeights) {
  make_uplink("eth2", 3, 900);
  for (unsigned i = 0; i < 2; ++i) {
    kernel_.add_link(cat("eth", i));
    kernel_.add_address(cat("eth", i), cat("10.1.", i, ".2/24"));
  }
  Route both = fakes::default_via(kernel_, "10.1.0.1", "eth0", 100);
  both.next_hops[0].weight = 3;
  both.next_hops.push_back({kernel_.link("eth1").index, fakes::address("10.1.1.1"), 1});
  add(both);
  const auto made = config();
  ASSERT_THAT(made.uplinks, SizeIs(3));
  EXPECT_EQ(made.uplinks[0].precedence, 1U);
  EXPECT_EQ(made.uplinks[1].precedence, 1U);
  EXPECT_EQ(made.uplinks[2].precedence, 2U);
  EXPECT_EQ(made.uplinks[0].weight + made.uplinks[1].weight, 4U);
}

TEST_F(UplinkSearchTest, OddNamesMakeAValidFileOrAreLeftOut) {
  unsigned network = 1;
  for (const auto* name : {"squid", "multilink", "policy", "a]b", "[x", "e#0", ";x", "wan@1", "-", "q\"q",
                           "all*", "\xc3\xa4th0", "wan.100", "uplink-", "e=1", "\x1b[31mx"}) {
    make_uplink(name, network, network);
    ++network;
  }
  const auto made = config();
  EXPECT_EQ(made.uplinks.size() + search().left_out.size(), 16U);
  for (const auto* name : {"wan.100", "wan@1", "uplink-", "e=1", ";x", "\xc3\xa4th0"})
    EXPECT_EQ(reason_for(name), "") << name;
  for (const auto* name : {"squid", "multilink", "policy", "a]b", "q\"q", "all*"}) {
    EXPECT_THAT(reason_for(name), HasSubstr("rename the device")) << name;
  }
  EXPECT_THAT(text(), Not(HasSubstr("\x1b[31mx\n# ")));
  EXPECT_THAT(describe_search(search()), Not(HasSubstr("\x1b")));
}

TEST_F(UplinkSearchTest, MoreUplinksThanTheMarksHoldGetAWiderMask) {
  for (unsigned i = 0; i < 70; ++i) make_uplink(cat("ppp", i), i, i + 1);
  EXPECT_THAT(config().uplinks, SizeIs(70));
}

TEST_F(UplinkSearchTest, AHostOfContainersIsNotListedToTheEnd) {
  make_uplink("eth0", 1, 0);
  make("br0", "bridge");
  for (unsigned i = 0; i < 300; ++i) make(cat("veth", i), "veth", "br0");
  EXPECT_THAT(text(), AllOf(HasSubstr("# - and 261 more\n"), Not(HasSubstr("veth100"))));
}

TEST_F(UplinkSearchTest, NothingIsFoundWhereNothingLeadsOut) {
  kernel_.add_link("eth0");
  EXPECT_THAT(search().uplinks, IsEmpty());
  EXPECT_THAT(search().left_out, SizeIs(1));
}

}  // namespace uplink_search_test
}  // namespace multilink
