// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_ties.hpp"

#include <algorithm>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

bool is_tied_in(Family family, std::uint32_t user, const KernelState& state, const RoutingNumbers& numbers) {
  bool has_table = false;
  for (const auto& rule : state.rules) {
    if (rule.family != family || (rule.table == kLocalTable && !rule.uids)) continue;
    if (rule.uids && (rule.uids->first > user || rule.uids->last < user)) continue;
    const bool ours = rule.protocol == numbers.protocol && rule.uids;
    if (!ours) return false;  // it may take some of the packets
    if (rule.unreachable) return has_table;
    has_table = true;
  }
  return false;
}

}  // namespace

bool is_tied(std::uint32_t user, const KernelState& state, const RoutingNumbers& numbers) {
  bool any = false;
  for (const Family family : kFamilies) {
    const bool has_family = std::any_of(state.rules.begin(), state.rules.end(),
                                        [&](const Rule& rule) { return rule.family == family; });
    if (has_family && !is_tied_in(family, user, state, numbers)) return false;
    any = any || has_family;
  }
  return any;
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
