// SPDX-License-Identifier: GPL-2.0-or-later
// What is said of packets, asked about a fake kernel in which everything multilink wants is in force.
#include "multilink/core/explanation.hpp"

#include <nlohmann/json.hpp>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/what_if.hpp"
#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace explanation_test {

using fakes::address;
using fakes::prefix;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kHost = "10.0.0.7";  // in the LAN

/// eth0 is fibre, eth1 is lte.
class ExplanationTest : public RoutePlanTest {
 protected:
  ExplanationTest() {
    config_.uplinks[0].name = "fibre";
    config_.uplinks[1].name = "lte";
  }

  static PolicyConfig web(std::vector<std::string> use) {
    PolicyConfig out;
    out.name = "web";
    out.protocols = {ip_protocol::kTcp};
    out.ports = {{443, 443}};
    out.use = std::move(use);
    return out;
  }
  static Flow to(std::string_view destination) { return {.destination = address(destination)}; }
  static Flow page() {
    Flow flow{.destination = address(kInternet), .from = address(kHost)};
    flow.iif = "lan";
    flow.ip_protocol = ip_protocol::kTcp;
    flow.destination_port = 443;
    return flow;
  }

  std::map<std::string, HealthRecord> records() {
    std::map<std::string, HealthRecord> out;
    for (const auto& uplink : config_.uplinks) {
      auto& said = out[uplink.name].families[Family::v4];
      said.state = health_[uplink.device];
      if (said.state == HealthState::down) said.reason = "no answer for 3 s";
    }
    return out;
  }
  /// `answer`: the kernel's; what the fake would do, if it is not given.
  Explanation explain_it(const Flow& flow, std::optional<Result<KernelAnswer>> answer = {}) {
    auto state = kernel_.read().value();
    for (const auto& route : more_routes_) state.routes.push_back(route);
    if (!answer) {
      const auto found = look_up_route(state, flow);
      KernelAnswer kernel;
      kernel.end = found.end;
      if (found.hop) kernel.device = state.link_at(found.hop->link_index)->name;
      if (found.hop) kernel.gateway = found.hop->gateway;
      kernel.local = found.route != nullptr && found.route->type == RouteType::local;
      answer = kernel;
    }
    return explain({config_, state, numbers_, flow, "", health_known_, *answer});
  }
  Explanation explain_settled(const Flow& flow) {
    settle();
    health_known_ = records();
    return explain_it(flow);
  }

  std::vector<Route> more_routes_;
  Result<std::map<std::string, HealthRecord>> health_known_ = fail("Redis is away");
};

TEST_F(ExplanationTest, TheDefaultGoesByTheBestAndWouldGoByTheNext) {
  const auto said = explain_settled(to(kInternet));
  EXPECT_EQ(said.by, DecidedBy::default_route);
  EXPECT_EQ(said.uplink, "fibre");
  EXPECT_EQ(said.device, "eth0");
  EXPECT_EQ(said.gateway, address("192.0.2.1"));
  EXPECT_EQ(said.checked, Checked::agrees);
  EXPECT_THAT(said.because, ElementsAre("fibre (precedence 1) carries the default route; it is up"));
  ASSERT_TRUE(said.if_it_died);
  EXPECT_EQ(said.if_it_died->uplink, "lte");
  EXPECT_EQ(said.if_it_died->gateway, address("198.51.100.1"));
  EXPECT_EQ(
      said.if_it_died->text,
      "it goes by lte (eth1) via 198.51.100.1; UDP moves there at once, TCP that is open is cut when the "
      "silence has lasted 3s");
}

TEST_F(ExplanationTest, WhyNotTheBetterOne) {
  settle();
  health_["eth0"] = HealthState::down;
  const auto said = explain_settled(to(kInternet));
  EXPECT_EQ(said.uplink, "lte");
  EXPECT_THAT(said.because,
              ElementsAre("fibre (precedence 1) would come first; it is down: no answer for 3 s",
                          "lte (precedence 2) carries the default route; it is up"));
  EXPECT_EQ(said.if_it_died->uplink, "lte");
  EXPECT_EQ(said.if_it_died->text, "it stays there: no other uplink is better");
}

TEST_F(ExplanationTest, APolicyAndItsList) {
  config_.policies = {web({"lte", "fibre"})};
  const auto said = explain_settled(page());
  EXPECT_EQ(said.by, DecidedBy::policy);
  EXPECT_EQ(said.policy, "web");
  EXPECT_EQ(said.uplink, "lte");
  EXPECT_EQ(said.table, 6001U);
  EXPECT_THAT(said.because,
              ElementsAre("policy web takes it: by lte, else fibre, else refused", "lte is up"));
  EXPECT_EQ(said.if_it_died->uplink, "fibre");
  auto other = page();
  other.destination_port = 80;
  EXPECT_EQ(explain_it(other).by, DecidedBy::default_route);
}

TEST_F(ExplanationTest, APolicyWithOneUplinkWouldBeRefused) {
  config_.policies = {web({"lte"})};
  const auto said = explain_settled(page());
  EXPECT_EQ(said.if_it_died->end, LookupEnd::unreachable);
  EXPECT_EQ(said.if_it_died->text, "it is refused: the policy names no other uplink that can carry it");
  health_["eth1"] = HealthState::down;
  const auto refused = explain_settled(page());
  EXPECT_EQ(refused.end, LookupEnd::unreachable);
  EXPECT_EQ(refused.by, DecidedBy::policy);
  EXPECT_EQ(refused.uplink, "");
  EXPECT_FALSE(refused.if_it_died);
  EXPECT_THAT(refused.because, Contains("none of them can carry it, so it is refused"));
  EXPECT_THAT(render_explanation_text(refused),
              HasSubstr("goes     nowhere: it is refused (No route to host)"));
}

TEST_F(ExplanationTest, APinGoesBeforeAPolicyAndEndsWithItsUplink) {
  config_.policies = {web({"fibre"})};
  settle();
  auto pinned = page();
  pinned.mark = 0x02000000;
  const auto said = explain_settled(pinned);
  EXPECT_EQ(said.by, DecidedBy::pin);
  EXPECT_EQ(said.uplink, "lte");
  EXPECT_THAT(said.because,
              Contains("the mark 0x2000000 pins the packet to lte, on which its connection began"));
  EXPECT_EQ(said.if_it_died->uplink, "fibre") << "by the policy";
}

TEST_F(ExplanationTest, AnAddressOfAnUplinkLeavesByIt) {
  auto bound = to(kInternet);
  bound.from = address("198.51.100.2");
  const auto said = explain_settled(bound);
  EXPECT_EQ(said.by, DecidedBy::own_address);
  EXPECT_EQ(said.uplink, "lte");
  EXPECT_THAT(said.because,
              Contains("198.51.100.2 is an address of lte: what bears it leaves by that uplink"));
  EXPECT_EQ(said.if_it_died->uplink, "fibre") << "its address gives way";
}

TEST_F(ExplanationTest, AnAddressThatGivesWayIsToldOfWithTheReason) {
  auto bound = to(kInternet);
  bound.from = address("192.0.2.2");
  settle();
  health_["eth0"] = HealthState::down;
  const auto dead = explain_settled(bound);
  EXPECT_EQ(dead.uplink, "lte");
  EXPECT_EQ(
      dead.because.front(),
      "192.0.2.2 is an address of fibre, which is down: no answer for 3 s; meanwhile what bears it leaves by "
      "the default, translated");
  health_["eth0"] = HealthState::up;
  bound.from = address("198.51.100.2");
  letting_go_ = {{Family::v4, {indices_.at("eth1")}}};
  const auto left = explain_settled(bound);
  EXPECT_EQ(left.uplink, "fibre");
  EXPECT_EQ(left.because.front(),
            "198.51.100.2 is an address of lte, whose rules are away, as for half a minute after UDP of this "
            "host has "
            "left it for a better one; meanwhile what bears it leaves by the default, translated");
}

TEST_F(ExplanationTest, ASocketBoundToTheDeviceStaysThere) {
  auto bound = to(kInternet);
  bound.oif = "eth1";
  const auto said = explain_settled(bound);
  EXPECT_EQ(said.by, DecidedBy::own_device);
  EXPECT_EQ(said.uplink, "lte");
  EXPECT_EQ(said.if_it_died->text, "it stays there: the socket is bound to it");
}

TEST_F(ExplanationTest, WhatBearsAnAddressOfAnUplinkGoesToTheNeighboursOfAnother) {
  auto bound = to("192.0.2.9");
  bound.from = address("198.51.100.2");
  const auto said = explain_settled(bound);
  EXPECT_EQ(said.by, DecidedBy::own_address);
  EXPECT_EQ(said.uplink, "fibre");
  EXPECT_THAT(said.because,
              Contains("but a route to just that network comes first, and leads by fibre (eth0)"));
  EXPECT_EQ(said.if_it_died->text, "it stays there: what decides is not multilink's to change");
}

TEST_F(ExplanationTest, TheLanIsNobodysUplink) {
  const auto said = explain_settled(to(kHost));
  EXPECT_EQ(said.by, DecidedBy::specific_route);
  EXPECT_EQ(said.uplink, "");
  EXPECT_EQ(said.device, "lan");
  EXPECT_FALSE(said.if_it_died);
  EXPECT_THAT(said.because, Contains("lan is the device of no uplink"));
}

TEST_F(ExplanationTest, ASpecificRouteThroughAnUplinkDoesNotFailOver) {
  Route route;
  route.table = kMainTable;
  route.destination = prefix("203.0.113.0/24");
  route.protocol = 4;
  route.next_hops = {{kernel_.read().value().link_named("eth1")->index, address("198.51.100.1"), 1}};
  ASSERT_TRUE(kernel_.add_route(route));
  const auto said = explain_settled(to(kInternet));
  EXPECT_EQ(said.by, DecidedBy::specific_route);
  EXPECT_EQ(said.uplink, "lte");
  EXPECT_EQ(said.if_it_died->text, "it stays there: what decides is not multilink's to change");
}

TEST_F(ExplanationTest, ThisHostItself) {
  settle();
  Route own;
  own.table = kLocalTable;
  own.destination = prefix("10.0.0.1/32");
  own.type = RouteType::local;
  own.next_hops = {{kernel_.read().value().link_named("lan")->index, std::nullopt, 1}};
  more_routes_ = {own};
  const auto said = explain_it(to("10.0.0.1"));
  EXPECT_EQ(said.by, DecidedBy::this_host);
  EXPECT_EQ(said.end, LookupEnd::carried);
  EXPECT_THAT(render_explanation_text(said), HasSubstr("stays on this host"));
}

TEST_F(ExplanationTest, AVpnsRuleIsLeftToIt) {
  kernel_.add_link("wg0");
  Route route;
  route.table = 51820;
  route.destination = prefix("0.0.0.0/0");
  route.protocol = 4;
  route.next_hops = {{kernel_.read().value().link_named("wg0")->index, std::nullopt, 1}};
  ASSERT_TRUE(kernel_.add_route(route));
  Rule rule;
  rule.priority = 20000;
  rule.protocol = 4;
  rule.table = 51820;
  ASSERT_TRUE(kernel_.add_rule(rule));
  const auto said = explain_settled(to(kInternet));
  EXPECT_EQ(said.by, DecidedBy::other_rule);
  EXPECT_EQ(said.device, "wg0");
  EXPECT_EQ(said.uplink, "");
  EXPECT_THAT(said.because, Contains(HasSubstr("multilink leaves that traffic to it")));
}

TEST_F(ExplanationTest, AnotherProgramsDefaultIsCalledSo) {
  const auto said = explain_it(to(kInternet));  // nothing of ours is there
  EXPECT_EQ(said.by, DecidedBy::other_default);
  EXPECT_EQ(said.uplink, "fibre");
  EXPECT_EQ(said.health_problem, "Redis is away");
}

TEST_F(ExplanationTest, EachRuleThatTookThePacketIsTold) {
  config_.policies = {web({"lte"})};
  const auto said = explain_settled(page());
  ASSERT_GE(said.rules.size(), 3U);
  EXPECT_EQ(said.rules.front().rule.substr(0, 2), "0:");
  EXPECT_EQ(said.rules.front().outcome, RuleStep::Outcome::no_route);
  EXPECT_EQ(said.rules.at(said.rules.size() - 2).outcome, RuleStep::Outcome::suppressed);
  EXPECT_EQ(said.rules.back().outcome, RuleStep::Outcome::decided);
  EXPECT_THAT(said.rules.back().rule, HasSubstr("ipproto tcp dport 443 lookup 6001"));
  EXPECT_GT(said.other_rules, 0U) << "those of pins";
}

TEST_F(ExplanationTest, TheKernelHasTheLastWord) {
  settle();
  KernelAnswer other;
  other.device = "eth1";
  other.gateway = address("198.51.100.1");
  const auto differs = explain_it(to(kInternet), other);
  EXPECT_EQ(differs.checked, Checked::differs);
  EXPECT_THAT(render_explanation_text(differs),
              HasSubstr("kernel   SAYS OTHERWISE: via 198.51.100.1 dev eth1\n"));
  const auto not_asked = explain_it(to(kInternet), fail("no such question"));
  EXPECT_EQ(not_asked.checked, Checked::not_asked);
  EXPECT_THAT(render_explanation_text(not_asked), HasSubstr("could not be asked: no such question"));
}

TEST_F(ExplanationTest, IsAScreenfulOfText) {
  config_.policies = {web({"lte", "fibre"})};
  const auto text = render_explanation_text(explain_settled(page()));
  EXPECT_THAT(text,
              AllOf(HasSubstr("A packet to 203.0.113.9 from 10.0.0.7, coming in by lan, tcp port 443\n"),
                    HasSubstr("\n  goes     lte (eth1) via 198.51.100.1\n"),
                    HasSubstr("\n  because  policy web takes it: by lte, else fibre, else refused\n"
                              "           lte is up\n"),
                    HasSubstr("\n  rules    0: from all lookup local -- no route there, on to the next\n"),
                    HasSubstr("lookup 6001 protocol 109 -- decides\n"),
                    HasSubstr("\n  kernel   says the same: via 198.51.100.1 dev eth1\n"),
                    HasSubstr("\n  failover if lte died: it goes by fibre (eth0) via 192.0.2.1;"),
                    HasSubstr("\nUPLINK  DEVICE  PRECEDENCE  LINK  STATE  REASON\n")));
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 24);
}

TEST_F(ExplanationTest, AsJson) {
  config_.policies = {web({"lte"})};
  const auto json = nlohmann::json::parse(render_explanation_json(explain_settled(page())));
  EXPECT_EQ(json["version"], kExplanationJsonVersion);
  EXPECT_EQ(json["packet"]["from"], kHost);
  EXPECT_EQ(json["packet"]["port"], 443);
  EXPECT_EQ(json["result"], "carried");
  EXPECT_EQ(json["decided_by"], "policy");
  EXPECT_EQ(json["policy"], "web");
  EXPECT_EQ(json["uplink"], "lte");
  EXPECT_EQ(json["rules"].back()["outcome"], "decided");
  EXPECT_EQ(json["kernel"]["check"], "agrees");
  EXPECT_EQ(json["if_it_died"]["result"], "refused");
  EXPECT_EQ(json["if_it_died"]["uplink"], nullptr);
  EXPECT_EQ(json["uplinks"][1]["name"], "lte");
  EXPECT_EQ(json["health_problem"], nullptr);
}

/// What the daemon would make of it is what the plan makes of it.
TEST_F(ExplanationTest, WhatIfIsWhatRoutedDoes) {
  config_.policies = {web({"lte", "fibre"})};
  settle();
  health_known_ = records();
  const auto before = kernel_.read().value();
  const auto facts = observe_uplinks(config_, before, numbers_, {});
  const auto foreseen = state_if_silent("lte", config_, before, numbers_, facts, *health_known_);
  health_["eth1"] = HealthState::down;
  settle();
  const auto after = kernel_.read().value();
  EXPECT_THAT(diff_routes(foreseen, {after.routes, after.rules}, numbers_), IsEmpty());
  for (const auto& flow : {to(kInternet), page()}) {
    const auto a = look_up_route(foreseen, flow);
    const auto b = look_up_route(after, flow);
    EXPECT_EQ(a.end, b.end);
    EXPECT_EQ(a.hop, b.hop);
  }
}

}  // namespace explanation_test
}  // namespace multilink
