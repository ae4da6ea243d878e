// SPDX-License-Identifier: GPL-2.0-or-later
// pingd on a host with both families.
#include <gmock/gmock.h>

#include "fakes/routing_samples.hpp"
#include "multilink/core/gateway_grace.hpp"
#include "services/ping_service_fixture.hpp"

namespace multilink {
namespace ping_service_ipv6_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;

class PingServiceIpv6Test : public PingServiceTest {
 protected:
  PingServiceIpv6Test() {
    for (auto& uplink : config_.uplinks) uplink.targets.push_back(*IpAddress::parse("2001:db8::2"));
    add_ipv6("eth0", "2001:db8:0:1::2/64");
    add_ipv6("eth1", "2001:db8:0:2::2/64");
  }
  void add_ipv6(const std::string& device, const std::string& prefix) {
    kernel_.add_address(device, prefix);
    kernel_.advertise_router(device, fakes::kRouter, 1800);
  }

  /// How many probes of the family have left through the device.
  std::size_t sent(std::string_view device, Family family) {
    const auto all = sent_through(device);
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const auto& each) { return each.probe.target.family() == family; }));
  }
  std::size_t outcomes(const std::string& name, Family family, Outcome outcome) {
    const auto all = stored(name);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const ProbeRecord& record) {
      return record.target.family() == family && record.outcome == outcome;
    }));
  }
};

TEST_F(PingServiceIpv6Test, EachTickAsksInBothFamiliesInOneCall) {
  start();
  scheduler_.advance(milliseconds(9500));
  for (const auto* device : {"eth0", "eth1"}) {
    EXPECT_EQ(sent(device, Family::v4), 10U);
    EXPECT_EQ(sent(device, Family::v6), 10U);
    EXPECT_EQ(outcomes(device, Family::v6, Outcome::answered), 10U);
  }
  EXPECT_EQ(prober_.calls(), 10U);
}

TEST_F(PingServiceIpv6Test, AMissInOneFamilyAsksNoMoreInTheOther) {
  start();
  scheduler_.advance(seconds(5));
  prober_.set_world([this](const OutgoingProbe& probe) {
    const bool dead = probe.link_index == index_of("eth0") && probe.target.family() == Family::v6;
    return fakes::ProbePath{dead ? fakes::ProbePath::End::silent : fakes::ProbePath::End::answers};
  });
  prober_.forget_sent();
  scheduler_.advance(seconds(5));
  EXPECT_EQ(sent("eth0", Family::v4), 5U);
  EXPECT_GT(sent("eth0", Family::v6), 10U);
  EXPECT_EQ(sent("eth1", Family::v6), 5U);
}

TEST_F(PingServiceIpv6Test, AnIpv6UnreachableIsALossAtOnce) {
  prober_.set_world([](const OutgoingProbe& probe) {
    return fakes::ProbePath{probe.target.family() == Family::v6 ? fakes::ProbePath::End::unreachable
                                                                : fakes::ProbePath::End::answers};
  });
  start();
  scheduler_.advance(milliseconds(20));
  EXPECT_GE(outcomes("eth0", Family::v6, Outcome::lost), 1U);
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(outcomes("eth0", Family::v4, Outcome::answered), 1U);
}

TEST_F(PingServiceIpv6Test, ARouterThatIsWithdrawnIsReportedWhenItDoesNotComeBack) {
  start();
  scheduler_.advance(seconds(1));
  kernel_.advertise_router("eth0", fakes::kRouter, 0);
  Route own = fakes::default_via(kernel_, fakes::kRouter, "eth0", 1024);  // as routed has put it there
  own.table = RoutingNumbers{}.table_base + 1;
  own.protocol = RoutingNumbers{}.protocol;
  ASSERT_TRUE(kernel_.add_route(own));
  scheduler_.advance(GatewayGrace::kGrace - milliseconds(10));
  EXPECT_EQ(stored_link("eth0").families.at(Family::v6).fact, LinkFact::ok);
  scheduler_.advance(milliseconds(20));
  EXPECT_EQ(stored_link("eth0").families.at(Family::v6).fact, LinkFact::no_gateway);
  EXPECT_EQ(stored_link("eth0").families.at(Family::v4).fact, LinkFact::ok);
  EXPECT_EQ(stored_events().back().family, Family::v6);
  kernel_.advertise_router("eth0", fakes::kRouter, 1800);
  scheduler_.advance(milliseconds(10));
  EXPECT_EQ(stored_link("eth0").families.at(Family::v6).fact, LinkFact::ok);
}

TEST_F(PingServiceIpv6Test, AFamilyWithoutTargetsIsNotProbedAndSaidToBeSo) {
  for (auto& uplink : config_.uplinks) {
    std::erase_if(uplink.targets, [](const IpAddress& target) { return target.family() == Family::v6; });
  }
  start();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(sent("eth0", Family::v6), 0U);
  EXPECT_EQ(log_.count("uplink eth0 has IPv6, but there is no IPv6 target", LogLevel::warning), 1U);
  reload();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(log_.count("uplink eth0 has IPv6, but there is no IPv6 target", LogLevel::warning), 2U);
}

TEST_F(PingServiceIpv6Test, WithoutIpv6NothingIsSaidOfIt) {
  kernel_.remove_address("eth1", "2001:db8:0:2::2/64");
  start();
  scheduler_.advance(seconds(1));
  kernel_.set_carrier("eth1", false);
  scheduler_.advance(seconds(1));
  EXPECT_EQ(stored_events().size(), 1U);
  EXPECT_EQ(stored_events().back().family, Family::v4);
  EXPECT_EQ(log_.count("eth1 has no usable IPv6 address"), 0U);
}

}  // namespace ping_service_ipv6_test
}  // namespace multilink
