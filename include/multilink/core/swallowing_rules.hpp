// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// Rules of others that take all packets of a family before `main` is asked, so that the default in it, ours as well, is none
/// any more. multilink leaves them alone: a VPN that is to carry everything is set up so (wg-quick, Tailscale's exit nodes).

enum class SwallowedBy : std::uint8_t {
  device,  ///< a device that is no tunnel: an uplink, most likely, whether it works or not
  tunnel,  ///< a point-to-point device that is no uplink: what it sends itself still goes by an uplink
  nobody,  ///< they are refused
};

struct SwallowingRule {
  Rule rule;
  SwallowedBy by = SwallowedBy::device;
  std::string way;  ///< for people: "default via 192.0.2.1 dev eth0 table 200", "unreachable"

  bool operator==(const SwallowingRule&) const = default;
};

/// In the kernel's order. `uplinks`: the indexes of their devices.
std::vector<SwallowingRule> swallowing_rules(const KernelState& state, const std::vector<unsigned>& uplinks,
                                             const RoutingNumbers& numbers);

/// How describe() begins.
inline constexpr std::string_view kOfARule = "a rule that is not multilink's";
/// What it does and what helps, for people.
std::string describe(const SwallowingRule& swallowing);

}  // namespace multilink
