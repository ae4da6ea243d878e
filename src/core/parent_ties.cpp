// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_ties.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "multilink/core/text.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

/// The table of the uplink with this device: the one that routed leads to who asks for the device.
std::optional<std::uint32_t> table_of(std::string_view device, Family family, const KernelState& state,
                                      const RoutingNumbers& numbers) {
  for (const auto& rule : state.rules) {
    const bool is_of_an_uplink = rule.protocol == numbers.protocol && rule.table > numbers.table_base;
    if (is_of_an_uplink && rule.family == family && rule.oif && *rule.oif == device) return rule.table;
  }
  return std::nullopt;
}

bool is_tied_in(Family family, std::uint32_t user, std::string_view device, const KernelState& state,
                const RoutingNumbers& numbers) {
  const auto table = table_of(device, family, state, numbers);
  bool has_table = false;
  for (const auto& rule : state.rules) {
    if (rule.family != family || (rule.table == kLocalTable && !rule.uids)) continue;
    if (rule.uids && (rule.uids->first > user || rule.uids->last < user)) continue;
    const bool ours = rule.protocol == numbers.protocol && rule.uids;
    if (!ours) return false;  // it may take some of the packets
    if (rule.unreachable) return has_table;
    if (table && rule.table != *table) return false;
    has_table = true;
  }
  return false;
}

}  // namespace

bool is_tied(std::uint32_t user, std::string_view device, const KernelState& state,
             const RoutingNumbers& numbers) {
  bool any = false;
  for (const Family family : kFamilies) {
    const bool has_family = std::any_of(state.rules.begin(), state.rules.end(),
                                        [&](const Rule& rule) { return rule.family == family; });
    if (has_family && !is_tied_in(family, user, device, state, numbers)) return false;
    any = any || has_family;
  }
  return any;
}

bool is_inside(const IpAddress& address, const Config& config, const KernelState& state) {
  std::set<unsigned> uplinks;
  for (const auto& uplink : config.uplinks) {
    if (const Link* link = find_uplink_link(uplink, state)) uplinks.insert(link->index);
  }
  return address.is_loopback() ||
         std::any_of(state.addresses.begin(), state.addresses.end(), [&](const auto& own) {
           return own.prefix.address == address ||
                  (!uplinks.contains(own.link_index) && own.prefix.contains(address));
         });
}

std::vector<IpAddress> parse_nameservers(std::string_view resolv_conf) {
  constexpr std::string_view kKeyword = "nameserver";
  std::vector<IpAddress> out;
  for (const auto line : split(resolv_conf, '\n')) {
    const auto text = trim(line);
    if (!text.starts_with(kKeyword)) continue;
    if (const auto server = IpAddress::parse(trim(text.substr(kKeyword.size())))) out.push_back(*server);
  }
  return out;
}

}  // namespace multilink
