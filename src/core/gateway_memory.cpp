// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/gateway_memory.hpp"

namespace multilink {

void GatewayMemory::apply(const std::string& device, const KernelState& state, UplinkFacts& facts) {
  for (auto& [family, seen] : facts.families) {
    auto& known = known_[{device, family}];
    const bool needs_none = seen.fact == LinkFact::ok;
    if (seen.gateway || needs_none || seen.addresses.empty() || known.link_index != facts.link_index) {
      known = {facts.link_index, seen};
      continue;
    }
    const auto& gateway = known.seen.gateway;
    if (!gateway) continue;
    const bool stays = known.seen.onlink ? known.seen.addresses == seen.addresses
                                         : is_on_link(*gateway, facts.link_index, state);
    if (!stays) {
      known = {facts.link_index, seen};
      continue;
    }
    seen.gateway = gateway;
    seen.onlink = known.seen.onlink;
    seen.attributes = known.seen.attributes;
    seen.remembered = is_ipv6_link_local(*gateway);
    if (seen.fact == LinkFact::no_gateway) seen.fact = LinkFact::ok;
  }
}

}  // namespace multilink
