// SPDX-License-Identifier: GPL-2.0-or-later
// No step between two configurations with policies leads a packet astray.
#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/policy_plan.hpp"
#include "multilink/core/policy_rules.hpp"
#include "multilink/core/route_lookup.hpp"
#include "seeded.hpp"
#include "unit/route_plan_fixture.hpp"

namespace multilink {
namespace policy_plan_property_test {

using fakes::address;
using fakes::default_via;
using fakes::prefix;
using testing::IsEmpty;

constexpr auto kHost = "10.0.0.7";  // in the LAN
constexpr std::string_view kRefused = "No route to host";

/// Policies and flows at random, of so few different values that they often meet.
class AnyPolicies {
 public:
  explicit AnyPolicies(std::mt19937_64& random) : random_(random) {}

  std::vector<PolicyConfig> policies() {
    std::vector<PolicyConfig> out;
    for (const auto* name : {"a", "b", "c", "d"}) {
      if (below(3) == 0) continue;
      PolicyConfig one;
      one.name = name;
      one.use = {below(2) == 0 ? "eth0" : "eth1"};
      if (below(3) == 0) one.use = {"eth1", "eth0"};
      if (below(2) == 0) one.iif = {below(3) == 0 ? "lo" : "lan"};
      if (below(2) == 0) one.to = {prefix(below(2) == 0 ? "203.0.113.0/24" : "203.0.113.9/32")};
      if (below(3) == 0) one.protocols = {below(2) == 0 ? ip_protocol::kTcp : ip_protocol::kUdp};
      if (!one.protocols.empty() && below(2) == 0)
        one.ports = {{1, static_cast<std::uint16_t>(1 + below(2))}};
      if (one.iif.empty() && one.to.empty() && one.protocols.empty()) one.from = {prefix("10.0.0.0/24")};
      out.push_back(std::move(one));
    }
    std::shuffle(out.begin(), out.end(), random_);
    return out;
  }

  std::vector<fakes::Flow> flows() {
    std::vector<fakes::Flow> out;
    for (int i = 0; i < 12; ++i) {
      fakes::Flow flow{.destination = address(kInternet)};
      if (below(3) == 0) flow.destination = address("203.0.113.8");
      if (below(6) == 0) flow.destination = address(kHost);
      flow.ip_protocol = below(2) == 0 ? ip_protocol::kTcp : ip_protocol::kUdp;
      flow.source_port = 40000;
      flow.destination_port = static_cast<std::uint16_t>(1 + below(3));
      if (below(2) == 0) {
        flow.iif = "lan";
        flow.from = address(kHost);
      }
      out.push_back(flow);
    }
    return out;
  }

  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

 private:
  std::mt19937_64& random_;
};

bool takes(const PolicyConfig& config, const fakes::Flow& flow) {
  const auto all = selectors_of(config, flow.destination.family());
  return std::any_of(all.begin(), all.end(), [&](const Rule& rule) { return selects(rule, flow); });
}

/// What the configuration says, without rules and tables: eth0 is up, and carries the default.
std::string expected_path(const Config& config, bool eth1_is_up, const fakes::Flow& flow) {
  if (flow.destination == address(kHost)) return "lan";
  for (const auto& each : config.policies) {
    if (!takes(each, flow)) continue;
    if (each.use.front() == "eth0") return "eth0";
    if (eth1_is_up) return "eth1";
    return each.use.size() > 1 ? "eth0" : std::string(kRefused);
  }
  return "eth0";
}

/// At each step as the one or the other file says, and as the one or the other health does: what becomes of an uplink
/// meanwhile reaches the tables before or after the rules.
TEST(PolicyPlanProperty, EveryFlowGoesAsTheOldPoliciesSayOrAsTheNewOnesAndInTheEndAsTheNew) {
  auto random = seeded_random();
  const RoutingNumbers numbers;
  AnyPolicies any(random);
  for (int round = 0; round < 300; ++round) {
    fakes::FakeScheduler scheduler;
    fakes::FakeKernel kernel(scheduler);
    fakes::add_two_uplinks_and_lan(kernel);
    if (any.below(2) == 0) {
      ASSERT_TRUE(kernel.add_route(default_via(kernel, "198.51.100.1", "eth1"))) << "with the front";
    }
    Config config = fakes::two_uplinks();
    PolicyMemory memory;
    bool eth1_was_up = true;
    for (int change = 0; change < 4; ++change) {
      const Config before = config;
      config.policies = any.policies();
      const bool eth1_is_up = any.below(4) != 0;
      const auto state = kernel.read().value();
      const auto facts = observe_uplinks(config, state, numbers, {});
      const std::vector<HealthByFamily> health{
          {{Family::v4, HealthState::up}}, {{Family::v4, eth1_is_up ? HealthState::up : HealthState::down}}};
      const auto decision =
          decide_routes({config, state, numbers, {}, facts, health, {}, nullptr, {}, {}, memory});
      memory.indices = decision.policy_indices;
      memory.uplinks = decision.policies;
      const auto flows = any.flows();
      const auto paths = [&] {
        std::vector<std::string> out;
        for (const auto& flow : flows) {
          const auto hop = kernel.lookup(flow);
          out.push_back(hop ? kernel.carrier_of(flow) : hop.error().message);
        }
        return out;
      };
      std::vector<std::vector<std::string>> seen{paths()};
      const auto operations = diff_routes(state, decision.wanted, numbers);
      for (const auto& operation : operations) {
        const auto done = kernel.apply(operation);
        ASSERT_TRUE(done) << to_string(operation, state) << ": " << done.error().message;
        seen.push_back(paths());
      }
      ASSERT_THAT(diff_routes(kernel.read().value(), decision.wanted, numbers), IsEmpty());
      for (std::size_t i = 0; i < flows.size(); ++i) {
        const auto expected = expected_path(config, eth1_is_up, flows[i]);
        ASSERT_EQ(seen.back()[i], expected) << flows[i].destination.to_string();
        if (change == 0) continue;  // before the first one there are other things to be set up
        const std::set<std::string> allowed{seen.front()[i], expected,
                                            expected_path(before, eth1_is_up, flows[i]),
                                            expected_path(config, eth1_was_up, flows[i])};
        for (std::size_t step = 0; step < seen.size(); ++step) {
          ASSERT_TRUE(allowed.contains(seen[step][i]))
              << seen[step][i] << " at step " << step << " instead of " << seen.front()[i] << " or "
              << expected << (step == 0 ? "" : ", after " + to_string(operations[step - 1], state));
        }
      }
      eth1_was_up = eth1_is_up;
    }
  }
}

}  // namespace policy_plan_property_test
}  // namespace multilink
