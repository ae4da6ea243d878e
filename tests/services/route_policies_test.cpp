// SPDX-License-Identifier: GPL-2.0-or-later
// routed and the policies of its configuration, from healthd's word to the record that says by which uplink each goes.
#include <cerrno>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/policy_plan.hpp"
#include "multilink/services/route_actions.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_policies_test {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class RoutePolicies : public RouteServiceTest {
 protected:
  RoutePolicies() { config_.policies = {web({"eth1", "eth0"})}; }

  static PolicyConfig web(std::vector<std::string> use) {
    PolicyConfig out;
    out.name = "web";
    out.protocols = {ip_protocol::kTcp};
    out.ports = {{443, 443}};
    out.use = std::move(use);
    return out;
  }
  std::string web_path() {
    fakes::Flow flow{.destination = fakes::address(kInternet)};
    flow.ip_protocol = ip_protocol::kTcp;
    flow.destination_port = 443;
    return kernel_.carrier_of(flow);
  }
  std::map<std::string, std::string> policies(Family family = Family::v4) {
    return routing().families.at(family).policies;
  }
  std::vector<EventRecord> policy_events() {
    auto out = events();
    std::erase_if(
        out, [](const EventRecord& event) { return event.kind != "policy" || event.family != Family::v4; });
    return out;
  }
};

TEST_F(RoutePolicies, FollowHealthWithinTheirList) {
  start_with_both_up();
  EXPECT_EQ(web_path(), "eth1");
  EXPECT_THAT(policies(), ElementsAre(Pair("web", "eth1")));
  say("eth1", HealthState::suspect, "silent for 200 ms");
  scheduler_.settle();
  EXPECT_EQ(web_path(), "eth0");
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_THAT(policies(), ElementsAre(Pair("web", "eth0")));
  ASSERT_FALSE(policy_events().empty());
  const auto event = policy_events().back();
  EXPECT_EQ(event.source, "routed");
  EXPECT_EQ(event.uplink, "eth0");
  EXPECT_EQ(event.from, "eth1");
  EXPECT_EQ(event.to, "eth0");
  EXPECT_EQ(event.reason, "policy web: eth1 suspect: silent for 200 ms");
  EXPECT_EQ(event.id, EventRecord::make_id("0123abcd", MonoTime(Duration(last_event_)))) << "healthd's";
}

TEST_F(RoutePolicies, RefuseWhenTheListIsExhaustedAndSaySo) {
  config_.policies = {web({"eth1"})};
  start_with_both_up();
  say("eth1", HealthState::down, "no answer for 3 s");
  scheduler_.settle();
  EXPECT_EQ(web_path(), "");
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_THAT(policies(), ElementsAre(Pair("web", "")));
  EXPECT_EQ(policy_events().back().to, "none");
  EXPECT_EQ(routing().sync, "in_sync");
  say("eth1", HealthState::up, "clean for 10 s");
  scheduler_.settle();
  EXPECT_EQ(web_path(), "eth1");
  EXPECT_EQ(policy_events().back().from, "none");
}

TEST_F(RoutePolicies, ReactToALostCarrierWithoutRedis) {
  start_with_both_up();
  redis_.stop();
  kernel_.set_carrier("eth1", false);
  scheduler_.settle();
  EXPECT_EQ(web_path(), "eth0");
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RoutePolicies, ASwitchOfAPolicyIsNoRepairThatMayBeDelayed) {
  start_with_both_up();
  for (unsigned i = 0; i <= RepairGuard::kMostRepairs; ++i) {
    delete_everything_owned();
    scheduler_.settle();
  }
  kernel_.set_carrier("eth1", false);
  scheduler_.settle();
  EXPECT_EQ(web_path(), "eth0");
}

TEST_F(RoutePolicies, AreAddedAndRemovedByAReload) {
  config_.policies.clear();
  start_with_both_up();
  EXPECT_EQ(web_path(), "eth0");
  const auto before = owned();
  config_.policies = {web({"eth1"})};
  reload();
  EXPECT_EQ(web_path(), "eth1");
  EXPECT_THAT(policies(), ElementsAre(Pair("web", "eth1")));
  EXPECT_THAT(policy_events(), IsEmpty()) << "nothing has moved";
  config_.policies = {web({"eth0"})};
  reload();
  EXPECT_EQ(web_path(), "eth0");
  ASSERT_EQ(policy_events().size(), 1U);
  EXPECT_EQ(policy_events()[0].reason, "policy web: the configuration has changed");
  config_.policies.clear();
  reload();
  EXPECT_EQ(owned(), before);
  EXPECT_THAT(policies(), IsEmpty());
}

TEST_F(RoutePolicies, AreAdoptedByTheNextProcess) {
  start_with_both_up();
  const auto before = owned();
  kill();
  kernel_.forget_applied();
  start();
  scheduler_.advance(seconds(2));
  EXPECT_THAT(kernel_.applied(), IsEmpty());
  EXPECT_EQ(owned(), before);
  EXPECT_THAT(policies(), ElementsAre(Pair("web", "eth1")));
  EXPECT_THAT(policy_events(), IsEmpty());
}

TEST_F(RoutePolicies, WhatHappenedWhileNobodyRanIsAnEventOfTheNextProcess) {
  start_with_both_up();
  kill();
  say("eth1", HealthState::down, "no answer for 3 s");
  start();
  scheduler_.advance(seconds(2));
  EXPECT_EQ(web_path(), "eth0");
  ASSERT_FALSE(policy_events().empty());
  EXPECT_EQ(policy_events().back().from, "eth1");
}

TEST_F(RoutePolicies, ComeBackWhenSomebodyDeletesThem) {
  start_with_both_up();
  const auto before = owned();
  delete_everything_owned();
  scheduler_.settle();
  EXPECT_EQ(owned(), before);
  EXPECT_EQ(web_path(), "eth1");
}

/// routed never gets a default into the policy's table; all else succeeds.
TEST_F(RoutePolicies, WhoseRouteTheKernelRefusesAreRatherRefusedThanLedElsewhere) {
  config_.policies = {web({"eth1"})};
  start_with_both_up();
  const auto before = kernel_.read().value();
  for (const auto& route : before.routes) {
    if (route.table == 6001 && route.type == RouteType::unicast) {
      ASSERT_TRUE(kernel_.delete_route(route));
    }
  }
  kernel_.fail_applies(EPERM, 1);
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("lookup 6001")));
  EXPECT_EQ(web_path(), "") << "not by eth0";
  scheduler_.advance(seconds(1));
  EXPECT_EQ(web_path(), "eth1");
}

TEST_F(RoutePolicies, AreClearedWithAllElse) {
  start_with_both_up();
  kill();
  ASSERT_TRUE(clear_routes(kernel_, filter_, {}));
  EXPECT_THAT(owned(), IsEmpty());
}

TEST_F(RoutePolicies, AnIpv4HostHasItsIpv6TrafficRefusedToo) {
  start_with_both_up();
  EXPECT_THAT(policies(Family::v6), ElementsAre(Pair("web", "")));
}

}  // namespace route_policies_test
}  // namespace multilink
