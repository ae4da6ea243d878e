// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/active_uplinks.hpp"

#include <algorithm>

#include "multilink/core/default_place.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

std::vector<RoutingRecord::Active> active_uplinks(Family family, const Config& config,
                                                  const KernelState& state,
                                                  const std::vector<UplinkFacts>& facts,
                                                  const RoutingNumbers& numbers) {
  std::vector<RoutingRecord::Active> out;
  std::vector<NextHop> hops = hops_in_force(state, family, numbers);
  const auto add = [&](const std::string& name, const NextHop& hop) {
    const Link* link = state.link_at(hop.link_index);
    if (link != nullptr)
      out.push_back({name.empty() ? link->name : name, link->name, hop.gateway, hop.weight});
  };
  for (std::size_t i = 0; i < config.uplinks.size(); ++i) {
    const auto own = std::find_if(hops.begin(), hops.end(),
                                  [&](const NextHop& hop) { return hop.link_index == facts[i].link_index; });
    if (own == hops.end()) continue;
    add(config.uplinks[i].name, *own);
    hops.erase(own);
  }
  for (const auto& hop : hops) add("", hop);
  return out;
}

std::string names_of(const std::vector<RoutingRecord::Active>& actives) {
  std::vector<std::string> names;
  names.reserve(actives.size());
  for (const auto& active : actives) names.push_back(active.uplink);
  return names.empty() ? std::string(kCarriedByNone) : join(names, ", ");
}

bool contains_uplink(const std::vector<RoutingRecord::Active>& actives, const std::string& name) {
  return std::any_of(actives.begin(), actives.end(),
                     [&](const RoutingRecord::Active& active) { return active.uplink == name; });
}

}  // namespace multilink
