// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that tie the proxy's parents to their uplinks, in the kernel.
#include "multilink/core/parent_ties.hpp"

#include <gmock/gmock.h>

#include "multilink/core/route_plan.hpp"
#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace parent_ties_test {

using fakes::address;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kInternet6 = "2001:db8:ffff::9";

class ParentTies : public RoutePlanTest {
 protected:
  ParentTies() {
    parents_.by_uplink = {{config_.uplinks[0].name, 901}, {config_.uplinks[1].name, 902}};
    parents_.all = {{901, 916}};
  }

  std::string carrier_of_user(std::uint32_t uid, std::string_view destination) {
    return kernel_.carrier_of({.destination = address(destination), .uid = uid});
  }
  bool tied(std::uint32_t uid, std::string_view device) {
    return is_tied(uid, device, kernel_.read().value(), numbers_);
  }
};

TEST_F(ParentTies, EachParentLeavesByItsUplinkWhoeverCarriesTheRest) {
  settle();
  EXPECT_EQ(carrier_of_user(901, kInternet), "eth0");
  EXPECT_EQ(carrier_of_user(902, kInternet), "eth1");
  EXPECT_EQ(carrier_of_user(900, kInternet), "eth0");
  health_["eth0"] = HealthState::down;
  settle();
  EXPECT_EQ(carrier_of_user(901, kInternet), "eth0") << "where it fails, and the proxy asks another parent";
  EXPECT_EQ(carrier_of_user(902, kInternet), "eth1");
  EXPECT_EQ(carrier_of_user(900, kInternet), "eth1");
}

TEST_F(ParentTies, AreTheFirstRulesAndBarEveryUserOfTheirs) {
  settle();
  const auto lines = fakes::owned_lines(kernel_);
  EXPECT_THAT(lines, Contains("ip rule add pref 1001 uidrange 901-901 lookup 7001 protocol 109"));
  EXPECT_THAT(lines, Contains("ip rule add pref 1001 uidrange 902-902 lookup 7002 protocol 109"));
  EXPECT_THAT(lines, Contains("ip rule add pref 1002 uidrange 901-916 unreachable protocol 109"));
  EXPECT_THAT(lines, Contains("ip -6 rule add pref 1002 uidrange 901-916 unreachable protocol 109"));
  EXPECT_EQ(carrier_of_user(903, kInternet), "") << "a seat that is free";
}

TEST_F(ParentTies, NothingLeaksWhereTheUplinkHasNoRoute) {
  settle();
  EXPECT_EQ(carrier_of_user(901, kInternet6), "") << "it has no IPv6 at all";
  kernel_.set_admin_up("eth1", false);
  EXPECT_EQ(carrier_of_user(902, kInternet), "");
  settle();
  EXPECT_EQ(carrier_of_user(902, kInternet), "");
  EXPECT_EQ(carrier_of_user(901, kInternet), "eth0");
}

TEST_F(ParentTies, AParentHasNoBusinessInTheLan) {
  settle();
  EXPECT_NE(carrier_of_user(901, "10.0.0.7"), "lan");
}

TEST_F(ParentTies, GoWithTheProxy) {
  settle();
  parents_ = {};
  settle();
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("uidrange"))));
}

TEST_F(ParentTies, AreSeenInTheKernelBeforeAParentMayStart) {
  EXPECT_FALSE(tied(901, "eth0"));
  settle();
  EXPECT_TRUE(tied(901, "eth0"));
  EXPECT_TRUE(tied(902, "eth1"));
  EXPECT_FALSE(tied(901, "eth1")) << "the seats were allotted anew, and routed does not know yet";
  EXPECT_TRUE(tied(901, "")) << "the device is not there";
  EXPECT_FALSE(tied(903, "eth0")) << "it is barred, and not led anywhere";
  EXPECT_FALSE(tied(900, "eth0"));
  Rule foreign;
  foreign.priority = 500;
  foreign.table = 100;
  ASSERT_TRUE(kernel_.add_rule(foreign));
  EXPECT_FALSE(tied(901, "eth0")) << "somebody else decides before";
}

TEST_F(ParentTies, ADefaultThatCannotBeSetHoldsUpNoTie) {
  kernel_.fail_applies(EINVAL, 5);
  const auto state = kernel_.read().value();
  OwnedState wanted;
  wanted.rules.emplace_back().uids = UidRange{901, 901};
  wanted.rules.back().table = 7001;
  Route route;
  route.table = 7001;
  route.destination = IpPrefix::default_of(Family::v4);
  EXPECT_FALSE(must_wait_for(PrependRoute{route}, AddRule{wanted.rules[0]}, wanted));
}

TEST_F(ParentTies, NoParentGetsToThisHostOrIntoTheLan) {
  const auto state = kernel_.read().value();
  const auto inside = [&](std::string_view text) { return is_inside(address(text), config_, state); };
  EXPECT_TRUE(inside("127.0.0.53"));
  EXPECT_TRUE(inside("192.0.2.2")) << "this host's own";
  EXPECT_TRUE(inside("10.0.0.7")) << "in the LAN";
  EXPECT_FALSE(inside("192.0.2.1")) << "the provider's";
  EXPECT_FALSE(inside(kInternet));
}

TEST(NameServers, AreTakenFromResolvConf) {
  EXPECT_THAT(parse_nameservers("# x\nnameserver 127.0.0.53\n  nameserver\t9.9.9.9 \nnameserver 2620:fe::fe\n"
                                "nameserver fe80::1%eth0\nsearch example.org\nnameserverx 1.1.1.1\n"),
              ElementsAre(address("127.0.0.53"), address("9.9.9.9"), address("2620:fe::fe")));
  EXPECT_THAT(parse_nameservers(""), IsEmpty());
}

}  // namespace parent_ties_test
}  // namespace multilink
