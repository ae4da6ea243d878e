// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/host_watch.hpp"

#include <cerrno>

#include "multilink/services/route_actions.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace host_watch_test {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// routed on a host that checks sources strictly.
class HostWatchTest : public RouteServiceTest {
 protected:
  HostWatchTest() {
    sysctls_.values["net/ipv4/ip_forward"] = 1;
    sysctls_.values["net/ipv4/conf/all/rp_filter"] = 0;
    for (const auto* device : {"eth0", "eth1"}) {
      sysctls_.values[ipv4_path(device, "rp_filter")] = 1;
      sysctls_.values[ipv4_path(device, "forwarding")] = 1;
    }
    sysctls_.values["net/ipv4/conf/lan/rp_filter"] = 1;
  }

  int of(std::string_view device) { return sysctls_.values.at(ipv4_path(device, "rp_filter")); }
  HostPorts ports() { return {sysctls_, changed_settings_, chains_}; }
};

TEST_F(HostWatchTest, UplinksAreLoosenedSoonAndItIsToldOnce) {
  start_with_both_up();
  EXPECT_EQ(of("eth0"), 2);
  EXPECT_EQ(of("eth1"), 2);
  EXPECT_EQ(of("lan"), 1);
  EXPECT_THAT(sysctls_.written, SizeIs(2));
  EXPECT_THAT(
      routing().warnings,
      Contains(HasSubstr("net.ipv4.conf.eth0.rp_filter is 1 (strict): while another uplink carries, it drops "
                         "what comes in by eth0, answers to probes too; multilink has set")));
  scheduler_.advance(minutes(5));
  EXPECT_EQ(log_.count("net.ipv4.conf.eth0.rp_filter is 1 (strict)", LogLevel::warning), 1U);
  EXPECT_EQ(changed_settings_.saves, 1U);
}

TEST_F(HostWatchTest, WhatAnotherProgramSetsBackIsFoundWithinTheInterval) {
  start_with_both_up();
  sysctls_.values["net/ipv4/conf/eth0/rp_filter"] = 1;
  scheduler_.advance(HostWatch::kEvery + milliseconds(1));
  EXPECT_EQ(of("eth0"), 2);
}

TEST_F(HostWatchTest, AnUplinkThatLeavesTheConfigurationGetsItsValueBack) {
  start_with_both_up();
  kernel_.add_link("eth2");
  config_.uplinks = {fakes::uplink("eth0", 1), fakes::uplink("eth2", 2)};
  sysctls_.values["net/ipv4/conf/eth2/rp_filter"] = 1;
  reload();
  scheduler_.advance(HostWatch::kPause + milliseconds(1));
  EXPECT_EQ(of("eth0"), 2);
  EXPECT_EQ(of("eth1"), 1);
  EXPECT_EQ(of("eth2"), 2);
}

TEST_F(HostWatchTest, ADeviceThatAppearsIsSeenToSoon) {
  config_.uplinks.push_back(fakes::uplink("usb0", 3));
  start_with_both_up();
  kernel_.add_link("usb0");
  sysctls_.values["net/ipv4/conf/usb0/rp_filter"] = 1;
  scheduler_.advance(HostWatch::kPause + milliseconds(1));
  EXPECT_EQ(of("usb0"), 2);
}

TEST_F(HostWatchTest, DevicesThatComeAndGoAllTheTimeHoldItNotUpNorMakeItWorkAllTheTime) {
  start_with_both_up();
  const auto looks = changed_settings_.loads;
  sysctls_.values["net/ipv4/conf/eth0/rp_filter"] = 1;
  for (int i = 0; i < 100; ++i) {
    kernel_.add_link("veth7");
    scheduler_.advance(milliseconds(25));
    kernel_.remove_link("veth7");
    scheduler_.advance(milliseconds(25));
  }
  EXPECT_EQ(of("eth0"), 2);
  EXPECT_LE(changed_settings_.loads - looks, 6U) << "in 5 s";
}

TEST_F(HostWatchTest, AfterACrashTheOriginalValuesAreStillKnown) {
  start_with_both_up();
  kill();
  start();
  scheduler_.advance(minutes(1));
  EXPECT_THAT(sysctls_.written, SizeIs(2));
  kill();
  const auto restored = restore_host(kernel_.read().value(), ports());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(*restored, ElementsAre("sysctl -w net.ipv4.conf.eth0.rp_filter=1",
                                     "sysctl -w net.ipv4.conf.eth1.rp_filter=1"));
  EXPECT_EQ(of("eth0"), 1);
  EXPECT_THAT(changed_settings_.changed, IsEmpty());
  EXPECT_THAT(restore_host(kernel_.read().value(), ports()).value(), IsEmpty());
}

TEST_F(HostWatchTest, ACrashBetweenRememberingAndWritingRestoresNothing) {
  sysctls_.write_error = EROFS;
  start_with_both_up();
  kill();
  sysctls_.write_error = 0;
  EXPECT_THAT(changed_settings_.changed, SizeIs(2));
  EXPECT_THAT(restore_host(kernel_.read().value(), ports()).value(), IsEmpty());
  EXPECT_EQ(of("eth0"), 1);
}

TEST_F(HostWatchTest, WhatCannotBeSetIsToldWithTheRemedyAndTriedAgain) {
  sysctls_.write_error = EROFS;
  start_with_both_up();
  EXPECT_THAT(routing().warnings,
              Contains(HasSubstr("set net.ipv4.conf.eth0.rp_filter to 2, which multilink could not: "
                                 "net.ipv4.conf.eth0.rp_filter: Read-only file system")));
  sysctls_.write_error = 0;
  scheduler_.advance(HostWatch::kEvery + milliseconds(1));
  EXPECT_EQ(of("eth0"), 2);
  EXPECT_THAT(routing().warnings, Not(Contains(HasSubstr("could not"))));
}

TEST_F(HostWatchTest, NothingIsChangedThatCannotBeRemembered) {
  changed_settings_.save_error = ENOSPC;
  start_with_both_up();
  EXPECT_THAT(sysctls_.written, IsEmpty());
  EXPECT_THAT(routing().warnings,
              Contains(HasSubstr("which multilink could not: the memory cannot be written")));
  scheduler_.advance(minutes(5));
  EXPECT_EQ(log_.count("this host: the memory cannot be written", LogLevel::error), 1U);
}

TEST_F(HostWatchTest, NothingIsChangedWhereItIsNotKnownWhatWas) {
  changed_settings_.load_error = EACCES;
  start_with_both_up();
  EXPECT_THAT(sysctls_.written, IsEmpty());
  EXPECT_FALSE(restore_host(kernel_.read().value(), ports()));
  changed_settings_.load_error = 0;
  scheduler_.advance(HostWatch::kEvery + milliseconds(1));
  EXPECT_EQ(of("eth0"), 2);
}

TEST_F(HostWatchTest, WhatCannotBeRestoredIsKeptInMind) {
  start_with_both_up();
  kill();
  sysctls_.write_error = EROFS;
  EXPECT_THAT(restore_host(kernel_.read().value(), ports()).error().message,
              HasSubstr("cannot do 'sysctl -w net.ipv4.conf.eth0.rp_filter=1'"));
  sysctls_.write_error = 0;
  EXPECT_THAT(restore_host(kernel_.read().value(), ports()).value(), SizeIs(2));
}

/// Two uplinks that share the traffic, on a host that checks no sources.
class HashTest : public HostWatchTest {
 protected:
  HashTest() {
    for (const auto* device : {"eth0", "eth1"}) sysctls_.values[ipv4_path(device, "rp_filter")] = 0;
    sysctls_.values["net/ipv4/fib_multipath_hash_policy"] = 0;
    sysctls_.values["net/ipv6/fib_multipath_hash_policy"] = 0;
    sysctls_.values["net/ipv6/fib_multipath_hash_fields"] = 7;
    for (auto& uplink : config_.uplinks) uplink.precedence = 1;
  }

  /// IPv4's policy, IPv6's, and its fields.
  std::vector<int> hashes() {
    return {sysctls_.values.at("net/ipv4/fib_multipath_hash_policy"),
            sysctls_.values.at("net/ipv6/fib_multipath_hash_policy"),
            sysctls_.values.at("net/ipv6/fib_multipath_hash_fields")};
  }
};

TEST_F(HashTest, IsSetAsTheFileAsksAndNoWarning) {
  const auto plan = [&] { return preview_host(config_, kernel_.read().value(), ports(), {}); };
  EXPECT_THAT(plan(), Contains("sysctl -w net.ipv4.fib_multipath_hash_policy=1"));
  start();
  scheduler_.advance(minutes(1));
  EXPECT_THAT(plan(), IsEmpty());
  EXPECT_EQ(hashes(), (std::vector{1, 1, 7}));
  EXPECT_EQ(log_.count("this host: sysctl -w net.ipv4.fib_multipath_hash_policy=1", LogLevel::info), 1U);
  EXPECT_THAT(routing().warnings, IsEmpty());
  config_.suite.hash = Hash::address;
  reload();
  scheduler_.advance(HostWatch::kPause + milliseconds(1));
  EXPECT_EQ(hashes(), (std::vector{0, 3, 3}));
  kill();
  ASSERT_TRUE(restore_host(kernel_.read().value(), ports()));
  EXPECT_EQ(hashes(), (std::vector{0, 0, 7})) << "after a crash, too";
  EXPECT_THAT(changed_settings_.changed, IsEmpty());
}

TEST_F(HashTest, WhatCannotBeSetIsToldAndTheOriginalKept) {
  start();
  scheduler_.advance(minutes(1));
  config_.suite.hash = Hash::address;
  sysctls_.write_error = EROFS;
  reload();
  scheduler_.advance(minutes(2));
  EXPECT_THAT(
      routing().warnings,
      Contains(HasSubstr("hash = address: each pair of addresses is to keep to one of the uplinks that "
                         "share the traffic; set net.ipv6.fib_multipath_hash_policy to 3, which "
                         "multilink could not")));
  sysctls_.write_error = 0;
  kill();
  ASSERT_TRUE(restore_host(kernel_.read().value(), ports()));
  EXPECT_EQ(hashes(), (std::vector{0, 0, 7}));
}

TEST_F(HostWatchTest, WarningsComeAndGoOnTheRecord) {
  start_with_both_up();
  EXPECT_THAT(routing().warnings, SizeIs(2));
  sysctls_.values["net/ipv4/ip_forward"] = 0;
  scheduler_.advance(HostWatch::kEvery + milliseconds(1));
  EXPECT_THAT(routing().warnings, Contains(HasSubstr("net.ipv4.ip_forward is 0")));
  sysctls_.values["net/ipv4/ip_forward"] = 1;
  scheduler_.advance(HostWatch::kEvery + milliseconds(1));
  EXPECT_THAT(routing().warnings, SizeIs(2));
  EXPECT_EQ(log_.count("net.ipv4.ip_forward is 0", LogLevel::warning), 1U);
  EXPECT_EQ(active(), std::vector<std::string>{"eth0"});
}

TEST_F(HostWatchTest, ThePlanTellsWhatWouldBeSet) {
  const auto host = preview_host(config_, kernel_.read().value(), ports(), {});
  EXPECT_THAT(host, Contains("sysctl -w net.ipv4.conf.eth0.rp_filter=2"));
  EXPECT_THAT(sysctls_.written, IsEmpty());
  EXPECT_THAT(changed_settings_.changed, IsEmpty());
  EXPECT_THAT(with_host({std::string(kNothingToChange)}, host), Not(Contains(kNothingToChange)));
  EXPECT_THAT(with_host({std::string(kNothingToChange)}, {"# a warning"}),
              ElementsAre(kNothingToChange, "# a warning"));
}

TEST_F(HostWatchTest, WhereDockerStopsTheLanItIsToldUntilSomebodyLetsItThrough) {
  chains_.texts["ip filter FORWARD"] = "policy drop;\njump DOCKER-USER\n";
  start_with_both_up();
  EXPECT_THAT(routing().warnings, Contains(HasSubstr("iptables -I DOCKER-USER -i lan -j ACCEPT")));
  chains_.texts["ip filter DOCKER-USER"] = "iifname \"lan\" accept\n";
  scheduler_.advance(HostWatch::kEvery + milliseconds(1));
  EXPECT_THAT(routing().warnings, Not(Contains(HasSubstr("DOCKER-USER"))));
}

}  // namespace host_watch_test
}  // namespace multilink
