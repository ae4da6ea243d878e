// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace multilink {

/// The numbers by which multilink owns what it owns in the kernel (docs/kernel.md lists them for the
/// administrator). Ownership is by `protocol` alone: a route or rule with another protocol is never touched.
struct RoutingNumbers {
  std::uint8_t protocol = 109;  ///< rtm_protocol and FRA_PROTOCOL
  std::uint32_t table_base =
      7000;  ///< the table of the uplink with index i is table_base + i, i from 1; i = 0: default_place.hpp
  std::uint32_t policy_table_base =
      6000;  ///< of the policy with index k it is policy_table_base + k: policy_plan.hpp
  std::uint32_t rule_base = 1000;    ///< priorities from here on, kRuleBlock of them: rule_place.hpp
  std::uint32_t default_metric = 3;  ///< of our default in `main`: before DHCP clients', and none of theirs

  bool operator==(const RoutingNumbers&) const = default;
};

inline constexpr std::uint32_t kRuleBlock = 100;

}  // namespace multilink
