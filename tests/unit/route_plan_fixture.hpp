// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>

#include <bit>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/default_place.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/route_diff.hpp"

namespace multilink {

inline constexpr auto kInternet = "203.0.113.9";

/// Plans for a fake kernel and applies; what packets then do is asked of the kernel.
class RoutePlanTest : public testing::Test {
 protected:
  RoutePlanTest() { fakes::add_two_uplinks_and_lan(kernel_); }

  void settle() {
    const auto state = kernel_.read().value();
    const auto facts = observe_uplinks(config_, state, numbers_, {});
    std::vector<HealthByFamily> health;
    for (const auto& uplink : config_.uplinks) {
      health.push_back({{Family::v4, health_[uplink.device]}, {Family::v6, health_v6_[uplink.device]}});
    }
    const auto decision = decide_routes({config_,
                                         state,
                                         numbers_,
                                         indices_,
                                         facts,
                                         health,
                                         carried_,
                                         gave_way_ ? &*gave_way_ : nullptr,
                                         {},
                                         letting_go_,
                                         policies_,
                                         parents_});
    policies_.indices = decision.policy_indices;
    policies_.uplinks = decision.policies;
    indices_ = decision.indices;
    warnings_ = decision.warnings;
    gave_way_ = decision.giving_way;
    if (!decision.carriers.empty()) carried_ = decision.carriers;
    for (const auto& operation : diff_routes(state, decision.wanted, numbers_)) {
      const auto applied = kernel_.apply(operation);
      ASSERT_TRUE(applied) << to_string(operation, state) << ": " << applied.error().message;
    }
    const auto after = kernel_.read().value();
    EXPECT_THAT(diff_routes(after, decision.wanted, numbers_), testing::IsEmpty());
  }

  std::string carrier_to(std::string_view destination) {
    return kernel_.carrier_of({.destination = fakes::address(destination)});
  }
  std::string carrier_from(std::string_view source, std::string_view destination) {
    return kernel_.carrier_of({.destination = fakes::address(destination), .from = fakes::address(source)});
  }
  /// Of a packet with the mark of the uplink with this index, as the configuration makes it.
  std::string carrier_pinned(unsigned index, std::string_view destination, std::string_view source) {
    fakes::Flow flow{.destination = fakes::address(destination), .from = fakes::address(source)};
    flow.mark = index << static_cast<unsigned>(std::countr_zero(config_.suite.mark_mask));
    return kernel_.carrier_of(flow);
  }
  /// The device of our default where the kernel uses it.
  std::string in_force() {
    const auto state = kernel_.read().value();
    const auto hops = hops_in_force(state, Family::v4, numbers_);
    return hops.empty() ? "" : state.link_at(hops.front().link_index)->name;
  }
  std::vector<std::string> defaults_in_main() {
    const auto state = kernel_.read().value();
    std::vector<std::string> out;
    for (const auto& route : state.routes) {
      if (route.table == kMainTable && route.destination.is_default())
        out.push_back(to_string(PrependRoute{route}, state).substr(std::string("ip route prepend ").size()));
    }
    return out;
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  Config config_ = fakes::two_uplinks();
  RoutingNumbers numbers_;
  std::map<std::string, HealthState> health_{{"eth0", HealthState::up}, {"eth1", HealthState::up}};
  std::map<std::string, HealthState> health_v6_;  ///< `unknown` where it does not say
  std::vector<std::string> warnings_;
  UplinkIndices indices_;
  CarryingDevices carried_;
  PolicyMemory policies_;
  ParentUsers parents_;
  std::optional<DevicesByFamily> gave_way_;
  IndicesByFamily letting_go_;
};

}  // namespace multilink
