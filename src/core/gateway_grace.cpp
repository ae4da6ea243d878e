// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/gateway_grace.hpp"

namespace multilink {

std::optional<MonoTime> GatewayGrace::apply(const std::string& device, UplinkFacts& facts, MonoTime now) {
  std::optional<MonoTime> again;
  for (auto& [family, seen] : facts.families) {
    const std::pair key(device, family);
    if (!seen.remembered) {
      since_.erase(key);
      continue;
    }
    const MonoTime end = since_.try_emplace(key, now).first->second + kGrace;
    if (now < end) {
      if (!again || end < *again) again = end;
      continue;
    }
    seen.gateway.reset();
    if (seen.fact == LinkFact::ok) seen.fact = LinkFact::no_gateway;
  }
  return again;
}

}  // namespace multilink
