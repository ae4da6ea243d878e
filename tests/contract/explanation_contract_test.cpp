// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever is in a real kernel's tables, what is said of a packet is what the kernel says of it (RTM_GETROUTE).
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/kernel_worlds.hpp"
#include "fakes/fake_log.hpp"
#include "multilink/adapters/netlink_query.hpp"
#include "multilink/core/explanation.hpp"
#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/route_diff.hpp"
#include "multilink/core/text.hpp"
#include "seeded.hpp"

namespace multilink {
namespace explanation_contract_test {

constexpr int kRounds = 40;
constexpr int kFlowsARound = 60;

struct Uplink {
  const char* device;
  const char* address;
  const char* gateway;
  const char* address6;
  const char* gateway6;
};
constexpr std::array<Uplink, 3> kUplinks{{
    {"e0", "192.0.2.2/24", "192.0.2.1", "2001:db8:1::2/64", "2001:db8:1::1"},
    {"e1", "198.51.100.2/24", "198.51.100.1", "2001:db8:2::2/64", "2001:db8:2::1"},
    {"e2", "198.18.0.2/24", "198.18.0.1", "2001:db8:3::2/64", "2001:db8:3::1"},
}};
constexpr std::array kTargets{"8.8.8.8",       "203.0.113.7",    "203.0.113.200",    "192.0.2.9",
                              "198.51.100.2",  "198.51.100.255", "10.0.0.9",         "10.0.0.1",
                              "10.20.0.1",     "127.0.0.1",      "2001:db8:ffff::9", "2001:db8:2::9",
                              "2001:db8:2::2", "2001:db8:10::9", "2001:db8:fffe::9"};
constexpr std::array kSources{"10.0.0.7",   "10.0.0.8",       "192.0.2.2",     "198.51.100.2",
                              "198.18.0.2", "2001:db8:10::7", "2001:db8:1::2", "2001:db8:2::2"};
constexpr std::array<std::uint16_t, 4> kPorts{25, 53, 443, 5060};

class ExplanationContract : public testing::Test {
 protected:
  ExplanationContract() {
    for (const auto& uplink : kUplinks) {
      world_->add_link(uplink.device);
      world_->add_address(uplink.device, uplink.address);
      world_->add_address(uplink.device, uplink.address6);
      auto& config = config_.uplinks.emplace_back();
      config.device = config.name = uplink.device;
      config.gateways[Family::v4] = IpAddress::parse(uplink.gateway).value();
      config.gateways[Family::v6] = IpAddress::parse(uplink.gateway6).value();
    }
    world_->add_link("lan");
    world_->add_address("lan", "10.0.0.1/24");
    world_->add_address("lan", "2001:db8:10::1/64");
    world_->add_link("vpn");
    world_->add_address("vpn", "10.99.0.1/24");
  }

  template <class Choices>
  auto any(const Choices& choices) {
    return choices[random_() % choices.size()];
  }
  bool chance(unsigned of) { return random_() % of == 0; }

  /// Everything may change: precedences, policies, health, and what others have put beside.
  void change_configuration() {
    for (auto& uplink : config_.uplinks) uplink.precedence = 1 + static_cast<unsigned>(random_() % 2);
    config_.policies.clear();
    for (unsigned i = 0; i < random_() % 4; ++i) config_.policies.push_back(any_policy(cat("p", i)));
    health_.clear();
    constexpr std::array kStates{HealthState::up, HealthState::up, HealthState::suspect, HealthState::down};
    for (std::size_t i = 0; i < kUplinks.size(); ++i) {
      health_.push_back({{Family::v4, any(kStates)}, {Family::v6, any(kStates)}});
    }
  }

  PolicyConfig any_policy(std::string name) {
    PolicyConfig out;
    out.name = std::move(name);
    if (chance(3))
      out.from = {IpPrefix::parse("10.0.0.7").value(), IpPrefix::parse("2001:db8:10::7").value()};
    if (chance(3)) out.to = {IpPrefix::parse("203.0.113.0/24").value()};
    if (chance(3)) out.iif = {chance(2) ? "lan" : "lo"};
    if (chance(4)) out.mark = MarkMatch{1, 0xff};
    if (chance(2)) {
      out.protocols = {chance(2) ? ip_protocol::kTcp : ip_protocol::kUdp};
      out.ports = {{any(kPorts), 6000}};
    }
    out.use = {any(kUplinks).device};
    const std::string second = any(kUplinks).device;
    if (second != out.use.front()) out.use.push_back(second);
    return out;
  }

  /// What a VPN, a routing protocol or an administrator adds.
  void add_something_foreign() {
    const auto state = world_->kernel().read().value();
    Route route;
    route.protocol = 4;
    route.table = chance(2) ? kMainTable : 51820;
    constexpr std::array kDestinations{"10.20.0.0/16", "203.0.113.128/25", "8.0.0.0/8", "0.0.0.0/0",
                                       "2001:db8:fffe::/48"};
    route.destination = IpPrefix::parse(any(kDestinations)).value();
    route.metric = route.destination.length == 0 ? 500 : 7;
    constexpr std::array kTypes{RouteType::unreachable, RouteType::blackhole, RouteType::prohibit,
                                RouteType::throw_route};
    if (chance(3)) {
      route.type = any(kTypes);
    } else {
      route.next_hops = {{state.link_named(chance(2) ? "vpn" : "e1")->index, std::nullopt, 1}};
    }
    (void)world_->add_foreign(route, fakes::AddMode::replace);
    if (!chance(3)) return;
    Rule rule;
    rule.family = chance(2) ? Family::v4 : Family::v6;
    rule.priority = 5000 + static_cast<std::uint32_t>(random_() % 5);
    rule.protocol = 4;
    rule.table = 51820;
    if (chance(2)) rule.mark = MarkMatch{0x40000, 0xff0000};
    if (chance(3)) rule.suppress_prefix = 0;
    (void)world_->add_foreign(rule);
  }

  std::map<std::string, HealthRecord> all_up() const {
    std::map<std::string, HealthRecord> out;
    for (const auto& uplink : config_.uplinks) {
      for (const Family family : kRoutedFamilies) out[uplink.name].families[family].state = HealthState::up;
    }
    return out;
  }

  void settle() {
    const auto state = world_->kernel().read().value();
    const auto facts = observe_uplinks(config_, state, numbers_, {});
    const auto decision = decide_routes(
        {config_, state, numbers_, indices_, facts, health_, carried_, nullptr, {}, {}, policies_});
    indices_ = decision.indices;
    policies_.indices = decision.policy_indices;
    policies_.uplinks = decision.policies;
    for (const auto& operation : diff_routes(state, decision.wanted, numbers_)) {
      const auto applied = world_->kernel().apply(operation);
      ASSERT_TRUE(applied) << to_string(operation, state) << ": " << applied.error().message;
    }
  }

  Flow any_flow() {
    Flow flow{.destination = IpAddress::parse(any(kTargets)).value()};
    if (chance(2)) {
      const auto from = IpAddress::parse(any(kSources)).value();
      if (from.family() == flow.destination.family()) flow.from = from;
    }
    const bool is_of_the_lan = flow.from && (flow.from->to_string().starts_with("10.") ||
                                             flow.from->to_string().starts_with("2001:db8:10:"));
    // What comes in for an address that is no host's is not looked up.
    if (is_of_the_lan && flow.destination.to_string().starts_with("127."))
      flow.destination = IpAddress::parse("8.8.8.8").value();
    if (is_of_the_lan) flow.iif = "lan";
    if (!is_of_the_lan && chance(5)) flow.oif = any(kUplinks).device;
    if (chance(3)) flow.mark = 0x1000000U * static_cast<std::uint32_t>(random_() % 5);
    if (chance(4)) flow.mark |= chance(2) ? 1U : 0x40000U;
    if (chance(2)) {
      flow.ip_protocol = chance(2) ? ip_protocol::kTcp : ip_protocol::kUdp;
      flow.source_port = 40000;
      flow.destination_port = any(kPorts);
    }
    return flow;
  }

  std::unique_ptr<KernelWorld> world_ = make_real_kernel_world();
  fakes::FakeLog log_;
  RoutingNumbers numbers_;
  NetlinkQuery query_{log_, numbers_};
  Config config_;
  std::vector<HealthByFamily> health_;
  UplinkIndices indices_;
  CarryingDevices carried_;
  PolicyMemory policies_;
  std::mt19937_64 random_ = seeded_random();
};

TEST_F(ExplanationContract, IsWhatTheKernelSays) {
  std::map<std::string_view, int> seen;
  int refused = 0;
  for (int round = 0; round < kRounds; ++round) {
    change_configuration();
    add_something_foreign();
    ASSERT_NO_FATAL_FAILURE(settle());
    for (int i = 0; i < kFlowsARound; ++i) {
      const Flow flow = any_flow();
      const auto state = query_.state_about(flow.destination);
      ASSERT_TRUE(state);
      const auto said =
          explain({config_, *state, numbers_, flow, "", fail("not asked"), query_.ask(flow, *state)});
      ASSERT_EQ(said.checked, Checked::agrees) << "round " << round << '\n' << render_explanation_text(said);
      ++seen[to_string(said.by)];
      refused += said.end == LookupEnd::carried ? 0 : 1;
    }
  }
  for (const auto by :
       {DecidedBy::this_host, DecidedBy::specific_route, DecidedBy::pin, DecidedBy::own_address,
        DecidedBy::own_device, DecidedBy::policy, DecidedBy::default_route, DecidedBy::other_rule}) {
    EXPECT_GT(seen[to_string(by)], 5) << to_string(by);
  }
  EXPECT_GT(refused, 20);
}

/// And the packet of which it says so goes there when the uplink has died.
TEST_F(ExplanationContract, SoIsWhatWouldBeIfTheUplinkDied) {
  int moved = 0;
  for (int round = 0; round < kRounds; ++round) {
    change_configuration();
    for (auto& health : health_) health = {{Family::v4, HealthState::up}, {Family::v6, HealthState::up}};
    ASSERT_NO_FATAL_FAILURE(settle());
    Flow flow = any_flow();
    flow.mark = 0;
    const auto state = query_.state_about(flow.destination);
    const auto said = explain({config_, *state, numbers_, flow, "", all_up(), query_.ask(flow, *state)});
    if (!said.if_it_died) continue;
    for (std::size_t i = 0; i < kUplinks.size(); ++i) {
      if (config_.uplinks[i].name == said.uplink)
        health_[i] = {{Family::v4, HealthState::down}, {Family::v6, HealthState::down}};
    }
    ASSERT_NO_FATAL_FAILURE(settle());
    const auto then = query_.ask(flow, query_.state_about(flow.destination).value());
    ASSERT_TRUE(then);
    ASSERT_EQ(then->end, said.if_it_died->end) << render_explanation_text(said);
    if (then->end != LookupEnd::carried) continue;
    if (!said.if_it_died->is_shared) {
      ASSERT_EQ(then->device, said.if_it_died->device) << render_explanation_text(said);
    }
    moved += said.if_it_died->uplink != said.uplink ? 1 : 0;
  }
  EXPECT_GT(moved, 3);
}

}  // namespace explanation_contract_test
}  // namespace multilink
