// SPDX-License-Identifier: GPL-2.0-or-later
// What policies make of the kernel, asked of a fake one.
#include "multilink/core/policy_plan.hpp"

#include <utility>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/policy_rules.hpp"
#include "multilink/core/text.hpp"
#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace policy_plan_test {

using fakes::address;
using fakes::default_via;
using fakes::prefix;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kHost = "10.0.0.7";  // in the LAN
constexpr auto kInternet6 = "2001:db8:ffff::9";
constexpr std::string_view kRefused = "No route to host";

PolicyConfig policy(std::string name, std::vector<std::string> use) {
  PolicyConfig out;
  out.name = std::move(name);
  out.use = std::move(use);
  return out;
}

PolicyConfig by_port(std::string name, PortRange ports, std::vector<std::string> use) {
  auto out = policy(std::move(name), std::move(use));
  out.protocols = {ip_protocol::kTcp};
  out.ports = {ports};
  return out;
}

class PolicyPlan : public RoutePlanTest {
 protected:
  /// TCP from the LAN.
  static fakes::Flow forwarded(std::uint16_t port, std::string_view destination = kInternet) {
    fakes::Flow flow = local(port, destination);
    flow.from = address(kHost);
    flow.iif = "lan";
    return flow;
  }
  static fakes::Flow local(std::uint16_t port, std::string_view destination = kInternet) {
    fakes::Flow flow{.destination = address(destination)};
    flow.ip_protocol = ip_protocol::kTcp;
    flow.source_port = 40000;
    flow.destination_port = port;
    return flow;
  }
  /// The device, or the error in words.
  std::string path(const fakes::Flow& flow) const {
    const auto hop = kernel_.lookup(flow);
    return hop ? kernel_.carrier_of(flow) : hop.error().message;
  }
  std::vector<std::string> owned_by_policies() {
    auto lines = fakes::owned_lines(kernel_);
    std::erase_if(lines, [](const std::string& line) {
      return line.starts_with("ip -6") ||
             (line.find(" 600") == std::string::npos && line.find("32765") == std::string::npos);
    });
    return lines;
  }
};

TEST_F(PolicyPlan, ItsTrafficGoesByItsUplinkAndAllElseByTheDefault) {
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  EXPECT_EQ(path(forwarded(443)), "eth1");
  EXPECT_EQ(path(local(443)), "eth1");
  EXPECT_EQ(path(forwarded(80)), "eth0");
  EXPECT_EQ(path(local(80)), "eth0");
  EXPECT_EQ(path(local(443, kHost)), "lan");
  EXPECT_THAT(
      owned_by_policies(),
      ElementsAre("ip route prepend default via 198.51.100.1 dev eth1 table 6001 proto 109 metric 1",
                  "ip route prepend unreachable default table 6001 proto 109 metric 4278190080",
                  "ip rule add pref 32765 ipproto tcp dport 443 lookup 6001 protocol 109",
                  "ip rule add pref 32765 not to 0.0.0.0 lookup main suppress_prefixlength 0 protocol 109"));
}

TEST_F(PolicyPlan, WithoutPoliciesThereIsNothingOfTheirs) {
  settle();
  EXPECT_THAT(owned_by_policies(), IsEmpty());
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  config_.policies.clear();
  settle();
  EXPECT_THAT(owned_by_policies(), IsEmpty());
}

TEST_F(PolicyPlan, FailsOverWithinItsListAndThenRefuses) {
  config_.uplinks.push_back(fakes::uplink("eth2", 3));
  kernel_.add_link("eth2");
  kernel_.add_address("eth2", "203.0.113.2/24");
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "203.0.113.1", "eth2", 300)));
  health_["eth2"] = HealthState::up;
  config_.policies = {by_port("web", {443, 443}, {"eth1", "eth2"})};
  const auto* destination = "192.0.3.9";
  settle();
  EXPECT_EQ(path(forwarded(443, destination)), "eth1");
  health_["eth1"] = HealthState::suspect;
  settle();
  EXPECT_EQ(path(forwarded(443, destination)), "eth2");
  kernel_.set_carrier("eth2", false);
  settle();
  EXPECT_EQ(path(forwarded(443, destination)), "eth1") << "suspect, but better than none";
  health_["eth1"] = HealthState::down;
  settle();
  EXPECT_EQ(path(forwarded(443, destination)), kRefused);
  EXPECT_EQ(path(forwarded(80, destination)), "eth0");
  EXPECT_EQ(path(forwarded(443, kHost)), "lan") << "the LAN is never cut";
  health_["eth1"] = HealthState::up;
  settle();
  EXPECT_EQ(path(forwarded(443, destination)), "eth1");
}

TEST_F(PolicyPlan, WhenTheLinkGoesItIsRefusedAtOnceAndNotLedElsewhere) {
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  kernel_.set_admin_up("eth1", false);
  EXPECT_EQ(path(forwarded(443)), kRefused) << "before routed has done anything";
  settle();
  EXPECT_EQ(path(forwarded(443)), kRefused);
}

TEST_F(PolicyPlan, TheFirstThatFitsDecides) {
  auto lan = policy("lan", {"eth1"});
  lan.iif = {"lan"};
  config_.policies = {by_port("web", {443, 443}, {"eth0"}), lan, by_port("more", {1, 1000}, {"eth1"})};
  settle();
  EXPECT_EQ(path(forwarded(443)), "eth0");
  EXPECT_EQ(path(forwarded(80)), "eth1");
  EXPECT_EQ(path(local(443)), "eth0");
  EXPECT_EQ(path(local(80)), "eth1");
  EXPECT_EQ(path(local(2000)), "eth0");
}

TEST_F(PolicyPlan, ThisHostsOwnTrafficAlone) {
  auto own = policy("own", {"eth1"});
  own.iif = {"lo"};
  config_.policies = {own};
  settle();
  EXPECT_EQ(path(local(443)), "eth1");
  EXPECT_EQ(path(forwarded(443)), "eth0");
}

TEST_F(PolicyPlan, EachFamilyForItself) {
  fakes::add_ipv6(kernel_);
  health_v6_ = {{"eth0", HealthState::up}, {"eth1", HealthState::up}};
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  EXPECT_EQ(path(local(443, kInternet6)), "eth1");
  EXPECT_EQ(path(local(80, kInternet6)), "eth0");
  EXPECT_EQ(path(local(443, "2001:db8:0:10::7")), "lan");
  health_v6_["eth1"] = HealthState::down;
  settle();
  EXPECT_EQ(path(local(443, kInternet6)), kRefused);
  EXPECT_EQ(path(local(443)), "eth1");
}

TEST_F(PolicyPlan, WhatGoesIntoATunnelIsNotForAPolicy) {
  kernel_.add_link("wg0", true);
  kernel_.add_address("wg0", "10.9.0.2/24");
  Rule tunnel;
  tunnel.priority = 32765;
  tunnel.protocol = 3;
  tunnel.mark = MarkMatch{0xca6c, 0xffffffff};
  tunnel.inverted = true;
  tunnel.table = 51820;
  Route into = default_via(kernel_, "192.0.2.1", "eth0");
  into.table = 51820;
  into.next_hops = {{kernel_.link("wg0").index, std::nullopt, 1}};
  into.link_scope = true;
  ASSERT_TRUE(kernel_.add_route(into));
  ASSERT_TRUE(kernel_.add_rule(tunnel)) << "as wg-quick does, right before the rule for main";
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  EXPECT_EQ(path(local(443)), "wg0");
  auto outer = local(443);
  outer.mark = 0xca6c;
  EXPECT_EQ(path(outer), "eth1") << "the tunnel's own packets leave by an uplink, and the policy says which";
}

TEST_F(PolicyPlan, WhoeverLooksUpMainByARuleMeetsThePolicyToo) {
  Rule own;
  own.priority = 5210;
  own.protocol = 4;
  own.mark = MarkMatch{0x80000, 0xff0000};
  own.table = kMainTable;
  ASSERT_TRUE(kernel_.add_rule(own));
  auto marked = policy("marked", {"eth1"});
  marked.mark = MarkMatch{0x40000, 0xff0000};
  config_.policies = {marked, by_port("web", {443, 443}, {"eth1"})};
  settle();
  auto flow = local(443);
  flow.mark = 0x80000;
  EXPECT_EQ(path(flow), "eth1");
  flow.destination_port = 80;
  EXPECT_EQ(path(flow), "eth0");
  flow.mark = 0x40000;
  EXPECT_EQ(path(flow), "eth1");
  EXPECT_THAT(fakes::owned_lines(kernel_), Not(Contains(HasSubstr("pref 5209 fwmark 0x40000"))))
      << "no packet has both marks";
}

TEST_F(PolicyPlan, StandsBeforeTheFront) {
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.1", "eth1")));
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  EXPECT_EQ(path(local(443)), "eth1");
  EXPECT_EQ(path(local(80)), "eth0");
  EXPECT_EQ(path(local(80, kHost)), "lan");
  config_.policies.push_back(by_port("mail", {25, 25}, {"eth1"}));
  settle();
  EXPECT_EQ(path(local(25)), "eth1") << "also one that comes later";
  config_.policies.clear();
  settle();
  EXPECT_EQ(path(local(443)), "eth0");
  EXPECT_EQ(path(local(443, kHost)), "lan");
}

TEST_F(PolicyPlan, APinnedFlowStaysWhereItIs) {
  config_.policies = {by_port("web", {443, 443}, {"eth1"})};
  settle();
  auto pinned = forwarded(443);
  pinned.mark = 0x1000000;
  EXPECT_EQ(path(pinned), "eth0");
}

TEST_F(PolicyPlan, AfterARestartTheTablesStay) {
  auto lan = policy("lan", {"eth1"});
  lan.iif = {"lan"};
  config_.policies = {by_port("web", {443, 443}, {"eth1"}), lan};
  settle();
  std::swap(config_.policies[0], config_.policies[1]);
  settle();
  const auto before = fakes::owned_lines(kernel_);
  policies_.indices.clear();
  policies_.uplinks.clear();
  settle();
  EXPECT_EQ(fakes::owned_lines(kernel_), before);
}

TEST_F(PolicyPlan, UnknownKeepsWhatIsAlsoAfterARestart) {
  config_.policies = {by_port("web", {443, 443}, {"eth0", "eth1"})};
  health_["eth0"] = HealthState::down;
  settle();
  ASSERT_EQ(path(local(443)), "eth1");
  policies_.uplinks.clear();
  health_ = {};
  settle();
  EXPECT_EQ(path(local(443)), "eth1");
}

TEST_F(PolicyPlan, WhatSomebodyDeletesComesBackAsItWas) {
  auto lan = policy("lan", {"eth1"});
  lan.iif = {"lan"};
  config_.policies = {by_port("web", {443, 443}, {"eth1"}), lan};
  settle();
  const auto before = kernel_.read().value();
  const auto lines = fakes::owned_lines(kernel_);
  for (const auto& rule : before.rules) {
    if (rule.priority != 32765) continue;
    ASSERT_TRUE(kernel_.delete_rule(rule));
    settle();
    EXPECT_EQ(kernel_.read().value().rules, before.rules);
  }
  for (const auto& route : before.routes) {
    if (route.table != 6001 && route.table != 6002) continue;
    ASSERT_TRUE(kernel_.delete_route(route));
    settle();
    EXPECT_EQ(fakes::owned_lines(kernel_), lines);
  }
}

TEST_F(PolicyPlan, IndicesAreOfThePolicyAndNotUsedAnewInTheSameStep) {
  const auto web = by_port("web", {443, 443}, {"eth1"});
  const auto mail = by_port("mail", {25, 25}, {"eth1"});
  config_.policies = {web, mail};
  settle();
  EXPECT_EQ(policies_.indices.at(identity_of(web)), 1U);
  EXPECT_EQ(policies_.indices.at(identity_of(mail)), 2U);
  const auto fresh = by_port("web", {80, 80}, {"eth0"});
  config_.policies = {mail, fresh};
  settle();
  EXPECT_EQ(policies_.indices.at(identity_of(mail)), 2U);
  EXPECT_EQ(policies_.indices.at(identity_of(fresh)), 3U);
  config_.policies = {mail, fresh, web};
  settle();
  EXPECT_EQ(policies_.indices.at(identity_of(web)), 1U);
}

TEST_F(PolicyPlan, TellsByWhichUplinkEachGoes) {
  auto lan = policy("lan", {"eth0"});
  lan.to = {prefix("2001:db8::/32")};
  config_.policies = {by_port("web", {443, 443}, {"eth1"}), lan};
  settle();
  const auto in_force = [&] {
    const auto state = kernel_.read().value();
    return policies_in_force(config_, state, observe_uplinks(config_, state, numbers_, {}), policies_.indices,
                             numbers_);
  };
  const PolicyUplinks expected{{"lan", {{Family::v6, std::nullopt}}},
                               {"web", {{Family::v4, "eth1"}, {Family::v6, std::nullopt}}}};
  EXPECT_EQ(in_force(), expected);
  health_["eth1"] = HealthState::down;
  settle();
  EXPECT_EQ(in_force().at("web").at(Family::v4), std::nullopt);
}

}  // namespace policy_plan_test
}  // namespace multilink
