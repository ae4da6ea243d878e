// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/host_check.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/host_plan.hpp"

namespace multilink {
namespace host_check_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HostCheckTest : public testing::Test {
 protected:
  HostCheckTest() {
    fakes::add_two_uplinks_and_lan(kernel_);
    for (const auto* path : {"net/ipv4/conf/all/rp_filter", "net/ipv4/conf/all/arp_ignore",
                             "net/ipv4/conf/all/arp_filter", "net/ipv6/conf/all/forwarding"}) {
      settings_[path] = 0;
    }
    settings_["net/ipv4/ip_forward"] = 1;
    for (const auto* device : {"eth0", "eth1"}) {
      settings_[ipv4_path(device, "rp_filter")] = 0;
      settings_[ipv4_path(device, "forwarding")] = 1;
      settings_[ipv4_path(device, "arp_ignore")] = 0;
      settings_[ipv4_path(device, "arp_filter")] = 0;
      settings_[ipv6_path(device, "forwarding")] = 0;
      settings_[ipv6_path(device, "accept_ra")] = 1;
    }
    settings_["net/ipv4/fib_multipath_hash_policy"] = 0;
    settings_["net/ipv6/fib_multipath_hash_policy"] = 0;
    settings_["net/ipv6/fib_multipath_hash_fields"] = 7;
    for (auto& uplink : config_.uplinks)
      uplink.targets = {fakes::address("1.1.1.1"), fakes::address("2606:4700::1111")};
  }

  HostFindings check() { return check_host(config_, kernel_.read().value(), settings_, {}); }
  HostPlan plan() { return plan_host(config_, kernel_.read().value(), settings_, changed_, {}); }
  /// What plan() wants is done, and remembered.
  void carry_out(const HostPlan& plan) {
    for (const auto& kept : plan.kept) settings_[kept.wanted.path()] = kept.wanted.value;
    for (const auto& restored : plan.restored) settings_[restored.path] = restored.changed.original;
    changed_ = plan.remembered_after();
  }
  unsigned index_of(std::string_view device) { return kernel_.link(device).index; }
  Route ipv6_default(std::uint8_t protocol, std::string_view device) {
    Route route;
    route.table = kMainTable;
    route.destination = IpPrefix::default_of(Family::v6);
    route.protocol = protocol;
    route.metric = 1024;
    route.next_hops = {{index_of(device), fakes::address("fe80::1"), 1}};
    return route;
  }

  Config config_ = fakes::two_uplinks();
  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  HostSettings settings_;
  std::vector<ChangedSetting> changed_;
};

TEST_F(HostCheckTest, AnOrdinaryGatewayIsLeftAlone) {
  EXPECT_EQ(check(), HostFindings{});
  for (const auto* device : {"eth0", "eth1"}) settings_[ipv4_path(device, "rp_filter")] = 2;
  EXPECT_EQ(check(), HostFindings{}) << "as systemd sets it";
}

TEST_F(HostCheckTest, WhatIsNotThereIsNoFault) {
  settings_.clear();
  EXPECT_EQ(check(), HostFindings{});
}

TEST_F(HostCheckTest, StrictSourceChecksAreLoosenedOnUplinksOnly) {
  settings_["net/ipv4/conf/eth1/rp_filter"] = 1;
  auto found = check();
  ASSERT_THAT(found.wanted, SizeIs(1));
  EXPECT_EQ(found.wanted[0].path(), "net/ipv4/conf/eth1/rp_filter");
  EXPECT_EQ(found.wanted[0].value, 2);
  EXPECT_EQ(found.wanted[0].link_index, index_of("eth1"));
  EXPECT_THAT(found.wanted[0].reason, HasSubstr("net.ipv4.conf.eth1.rp_filter is 1 (strict)"));
  settings_["net/ipv4/conf/all/rp_filter"] = 1;
  found = check();
  ASSERT_THAT(found.wanted, SizeIs(2)) << "the larger one counts";
  EXPECT_EQ(found.wanted[0].path(), "net/ipv4/conf/eth0/rp_filter");
  EXPECT_THAT(found.wanted[0].reason, HasSubstr("net.ipv4.conf.all.rp_filter is 1 (strict)"));
  settings_["net/ipv4/conf/all/rp_filter"] = 2;
  EXPECT_THAT(check().wanted, IsEmpty());
}

TEST_F(HostCheckTest, AnOnlyUplinkMayBeStrict) {
  settings_["net/ipv4/conf/eth0/rp_filter"] = 1;
  config_.uplinks.pop_back();
  EXPECT_THAT(check().wanted, IsEmpty());
}

TEST_F(HostCheckTest, ForwardingThatIsOffIsToldWhereThereIsALan) {
  settings_["net/ipv4/ip_forward"] = 0;
  EXPECT_THAT(check().warnings,
              ElementsAre(HasSubstr("net.ipv4.ip_forward is 0: nothing of lan is passed on")));
  EXPECT_THAT(check().wanted, IsEmpty());
  kernel_.remove_link("lan");
  EXPECT_THAT(check().warnings, IsEmpty());
}

TEST_F(HostCheckTest, ForwardingThatIsOffOnOneUplinkIsTold) {
  settings_["net/ipv4/conf/eth1/forwarding"] = 0;
  EXPECT_THAT(check().warnings, ElementsAre(HasSubstr("net.ipv4.conf.eth1.forwarding is 0, though")));
}

TEST_F(HostCheckTest, IPv6ThatIsNotForwardedIsToldWhereItIsInTheLan) {
  kernel_.add_address("eth0", "2001:db8::2/64");
  EXPECT_THAT(check().warnings, IsEmpty());
  kernel_.add_address("lan", "2001:db8:1::1/64");
  EXPECT_THAT(check().warnings, ElementsAre(HasSubstr("net.ipv6.conf.all.forwarding is 0, though")));
  settings_["net/ipv6/conf/all/forwarding"] = 1;
  EXPECT_THAT(check().warnings, IsEmpty());
}

TEST_F(HostCheckTest, AdvertisementsAreHeardWhereTheyTellTheGateway) {
  settings_["net/ipv6/conf/eth0/forwarding"] = 1;
  EXPECT_EQ(check(), HostFindings{}) << "no IPv6 anywhere";
  kernel_.add_address("eth0", "2001:db8::2/64");
  const auto found = check();
  ASSERT_THAT(found.wanted, SizeIs(1));
  EXPECT_EQ(found.wanted[0].path(), "net/ipv6/conf/eth0/accept_ra");
  EXPECT_EQ(found.wanted[0].value, 2);
  ASSERT_TRUE(kernel_.add_route(ipv6_default(9, "eth0")));
  EXPECT_EQ(check(), found) << "the one that was advertised runs out";
}

TEST_F(HostCheckTest, AdvertisementsAreNotHeardWhereNothingAsksForThem) {
  settings_["net/ipv6/conf/eth0/forwarding"] = 1;
  kernel_.add_address("eth0", "2001:db8::2/64");
  const auto asks = [&] { return !check().wanted.empty(); };
  ASSERT_TRUE(asks());
  config_.uplinks[0].gateways[Family::v6] = fakes::address("fe80::1");
  EXPECT_FALSE(asks()) << "a configured gateway";
  config_.uplinks[0].gateways.clear();
  config_.uplinks[0].targets = {fakes::address("1.1.1.1")};
  EXPECT_FALSE(asks()) << "IPv6 is not followed";
  config_.uplinks[0].targets.push_back(fakes::address("2606:4700::1111"));
  for (const int value : {0, 2}) {
    settings_["net/ipv6/conf/eth0/accept_ra"] = value;
    EXPECT_FALSE(asks()) << value;
  }
  settings_["net/ipv6/conf/eth0/accept_ra"] = 1;
  ASSERT_TRUE(asks());
  ASSERT_TRUE(kernel_.add_route(ipv6_default(4, "eth0")));
  EXPECT_FALSE(asks()) << "a static default";
}

TEST_F(HostCheckTest, ADeviceWithoutIPv6GetsNoneThroughUs) {
  settings_["net/ipv6/conf/eth0/forwarding"] = 1;
  settings_["net/ipv6/conf/all/forwarding"] = 1;
  kernel_.add_address("lan", "2001:db8:1::1/64");
  const auto found = check();
  EXPECT_THAT(found.wanted, IsEmpty());
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("where the ISP offers IPv6, set it to 2")));
}

TEST_F(HostCheckTest, TwoUplinksInOneNetworkThatAnswerForEachOtherAreTold) {
  kernel_.add_address("eth1", "192.0.2.3/24");
  EXPECT_THAT(check().warnings, ElementsAre(HasSubstr("eth0 and eth1 are both in 192.0.2.0/24")));
  settings_["net/ipv4/conf/eth0/arp_ignore"] = 1;
  EXPECT_THAT(check().warnings, SizeIs(1)) << "the other still does";
  settings_["net/ipv4/conf/eth1/arp_ignore"] = 2;
  EXPECT_THAT(check().warnings, IsEmpty());
  settings_["net/ipv4/conf/eth0/arp_ignore"] = settings_["net/ipv4/conf/eth1/arp_ignore"] = 0;
  settings_["net/ipv4/conf/all/arp_filter"] = 1;
  EXPECT_THAT(check().warnings, IsEmpty());
}

TEST_F(HostCheckTest, UplinksThatShareGoByTheHashThatIsAskedFor) {
  EXPECT_EQ(check(), HostFindings{}) << "none share";
  config_.uplinks[1].precedence = config_.uplinks[0].precedence;
  auto found = check();
  ASSERT_THAT(found.wanted, SizeIs(2));
  EXPECT_EQ(found.wanted[0].path(), "net/ipv4/fib_multipath_hash_policy");
  EXPECT_EQ(found.wanted[0].value, 1);
  EXPECT_EQ(
      found.wanted[0].reason,
      "net.ipv4.fib_multipath_hash_policy is 0, and hash = flow: each connection is to keep to one of the "
      "uplinks that share the traffic");
  EXPECT_TRUE(found.wanted[0].is_asked_for);
  EXPECT_EQ(found.wanted[1].path(), "net/ipv6/fib_multipath_hash_policy");
  EXPECT_EQ(found.wanted[1].value, 1);
  settings_["net/ipv4/fib_multipath_hash_policy"] = 1;
  settings_.erase("net/ipv6/fib_multipath_hash_policy");
  EXPECT_EQ(check(), HostFindings{}) << "as it is asked for, and a kernel without IPv6";
}

TEST_F(HostCheckTest, TheAddressesAloneCountInIPv6Too) {
  config_.uplinks[1].precedence = config_.uplinks[0].precedence;
  config_.suite.hash = Hash::address;
  auto found = check();
  ASSERT_THAT(found.wanted, SizeIs(2)) << "0 is right for IPv4";
  EXPECT_EQ(found.wanted[0].path(), "net/ipv6/fib_multipath_hash_fields");
  EXPECT_EQ(found.wanted[0].value, 3);
  EXPECT_EQ(found.wanted[1].path(), "net/ipv6/fib_multipath_hash_policy");
  EXPECT_EQ(found.wanted[1].value, 3);
}

TEST_F(HostCheckTest, EverythingThatIsLookedAtIsRead) {
  const auto paths = settings_to_read(config_, kernel_.read().value());
  for (const auto& [path, value] : settings_) EXPECT_THAT(paths, Contains(path));
}

using HostPlanTest = HostCheckTest;

TEST_F(HostPlanTest, KeepsWhatItHasChangedAndRemembersTheOriginal) {
  settings_["net/ipv4/conf/all/rp_filter"] = 1;
  const auto first = plan();
  EXPECT_THAT(commands_of(first), ElementsAre("sysctl -w net.ipv4.conf.eth0.rp_filter=2",
                                              "sysctl -w net.ipv4.conf.eth1.rp_filter=2"));
  EXPECT_EQ(first.remembered_before(), first.remembered_after());
  EXPECT_EQ(first.remembered_after()[0], (ChangedSetting{index_of("eth0"), KernelSetting::rp_filter, 0, 2}));
  carry_out(first);
  const auto second = plan();
  EXPECT_THAT(commands_of(second), IsEmpty());
  EXPECT_EQ(second.remembered_after(), first.remembered_after());
  EXPECT_TRUE(second.kept.at(0).is_set);
}

TEST_F(HostPlanTest, RestoresWhatIsNoLongerWanted) {
  settings_["net/ipv4/conf/eth0/rp_filter"] = settings_["net/ipv4/conf/eth1/rp_filter"] = 1;
  carry_out(plan());
  config_.uplinks = {fakes::uplink("eth0", 1), fakes::uplink("eth9", 2)};
  EXPECT_THAT(commands_of(plan()), ElementsAre("sysctl -w net.ipv4.conf.eth1.rp_filter=1"));
  EXPECT_THAT(plan().remembered_before(), SizeIs(2)) << "until it is written";
  EXPECT_THAT(plan().remembered_after(), SizeIs(1));
  carry_out(plan());
  config_ = Config{};
  EXPECT_THAT(commands_of(plan()), ElementsAre("sysctl -w net.ipv4.conf.eth0.rp_filter=1"));
  carry_out(plan());
  EXPECT_THAT(changed_, IsEmpty());
}

TEST_F(HostPlanTest, AnotherHashForgetsNoOriginalValue) {
  config_.uplinks[1].precedence = config_.uplinks[0].precedence;
  EXPECT_THAT(commands_of(plan()), ElementsAre("sysctl -w net.ipv4.fib_multipath_hash_policy=1",
                                               "sysctl -w net.ipv6.fib_multipath_hash_policy=1"));
  carry_out(plan());
  config_.suite.hash = Hash::address;
  EXPECT_THAT(commands_of(plan()), ElementsAre("sysctl -w net.ipv6.fib_multipath_hash_fields=3",
                                               "sysctl -w net.ipv6.fib_multipath_hash_policy=3",
                                               "sysctl -w net.ipv4.fib_multipath_hash_policy=0"));
  const auto back = [&] {
    return commands_of(plan_host({}, kernel_.read().value(), settings_, changed_, {}));
  };
  changed_ = plan().remembered_before();
  EXPECT_THAT(back(), ElementsAre("sysctl -w net.ipv6.fib_multipath_hash_policy=0",
                                  "sysctl -w net.ipv4.fib_multipath_hash_policy=0"))
      << "a crash before anything is written";
  carry_out(plan());
  EXPECT_THAT(changed_, SizeIs(2));
  EXPECT_THAT(back(), ElementsAre("sysctl -w net.ipv6.fib_multipath_hash_fields=7",
                                  "sysctl -w net.ipv6.fib_multipath_hash_policy=0"));
  config_.uplinks[1].precedence = 2;
  carry_out(plan());
  EXPECT_THAT(changed_, IsEmpty()) << "none share any more";
  EXPECT_EQ(settings_["net/ipv6/fib_multipath_hash_fields"], 7);
}

TEST_F(HostPlanTest, ADeviceThatHearsAdvertisementsGoesOnWithoutAnAddress) {
  settings_["net/ipv6/conf/eth0/forwarding"] = 1;
  kernel_.add_address("eth0", "2001:db8::2/64");
  carry_out(plan());
  ASSERT_EQ(settings_["net/ipv6/conf/eth0/accept_ra"], 2);
  kernel_.set_admin_up("eth0", false);
  EXPECT_THAT(commands_of(plan()), IsEmpty()) << "else it would never get one again";
  EXPECT_THAT(plan().remembered_after(), SizeIs(1));
  config_.uplinks[0].gateways[Family::v6] = fakes::address("fe80::1");
  EXPECT_THAT(commands_of(plan()), ElementsAre("sysctl -w net.ipv6.conf.eth0.accept_ra=1"));
}

TEST_F(HostPlanTest, WhatSomebodyHasSetSinceIsTheAdministrators) {
  settings_["net/ipv4/conf/eth0/rp_filter"] = 1;
  carry_out(plan());
  settings_["net/ipv4/conf/eth0/rp_filter"] = 0;
  EXPECT_EQ(plan(), HostPlan{}) << "neither changed nor restored";
  settings_["net/ipv4/conf/eth0/rp_filter"] = 1;
  EXPECT_THAT(commands_of(plan()), ElementsAre("sysctl -w net.ipv4.conf.eth0.rp_filter=2"));
}

TEST_F(HostPlanTest, GoesByTheDeviceAndNotByItsName) {
  settings_["net/ipv4/conf/eth1/rp_filter"] = 1;
  carry_out(plan());
  auto state = kernel_.read().value();
  for (auto& link : state.links) {
    if (link.name == "eth1") link.name = "wan";
  }
  settings_["net/ipv4/conf/wan/rp_filter"] = 2;
  settings_.erase("net/ipv4/conf/eth1/rp_filter");
  EXPECT_THAT(commands_of(plan_host({}, state, settings_, changed_, {})),
              ElementsAre("sysctl -w net.ipv4.conf.wan.rp_filter=1"));
  kernel_.remove_link("eth1");
  kernel_.add_link("eth1");
  settings_["net/ipv4/conf/eth1/rp_filter"] = 2;
  EXPECT_THAT(commands_of(plan_host({}, kernel_.read().value(), settings_, changed_, {})), IsEmpty())
      << "another device of the same name";
}

}  // namespace host_check_test
}  // namespace multilink
