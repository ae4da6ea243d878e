// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/lost_addresses.hpp"

#include <algorithm>

namespace multilink {

LostAddresses::Change LostAddresses::see(const UplinkAddresses& now) {
  Change out;
  const auto has_now = [&](const AddressOwner& owner, const IpAddress& address) {
    const auto present = now.find(owner);
    return present != now.end() && present->second.contains(address);
  };
  for (const auto& [owner, addresses] : now) {
    const auto earlier = before_.find(owner);
    if (earlier != before_.end() && !std::ranges::includes(earlier->second, addresses))
      out.appears.insert(owner);
  }
  std::set<Family> waiting;
  for (const auto& [owner, addresses] : lost_) {
    if (!addresses.empty()) waiting.insert(owner.family);
  }
  for (const auto& [owner, addresses] : before_) {
    for (const auto& address : addresses) {
      if (has_now(owner, address)) continue;
      lost_[owner].insert(address);
      out.begins.insert(owner.family);
      out.loses.insert(owner);
    }
  }
  for (auto& [owner, addresses] : lost_) {
    std::erase_if(addresses,
                  [&, &whose = owner](const IpAddress& address) { return has_now(whose, address); });
  }
  std::erase_if(lost_, [](const auto& each) { return each.second.empty(); });
  for (const Family family : waiting) {
    const bool is_left =
        std::ranges::any_of(lost_, [&](const auto& each) { return each.first.family == family; });
    if (!is_left) out.ends.insert(family);
  }
  before_ = now;
  return out;
}

}  // namespace multilink
