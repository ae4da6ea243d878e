// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_plan.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "multilink/core/connection.hpp"
#include "multilink/core/default_place.hpp"

namespace multilink {
namespace {

constexpr std::uint32_t kIpv6DefaultMetric = 1024;  // what the kernel makes of metric 0

/// A kernel that was started without IPv6 has none of its rules, and refuses ours.
bool has_family(const KernelState& state, Family family) {
  return std::any_of(state.rules.begin(), state.rules.end(),
                     [&](const Rule& rule) { return rule.family == family; });
}

/// The kernel takes no IPv6 route with several next hops of which one has no gateway. `hops`: the best first.
void keep_what_one_route_may_hold(Family family, std::vector<NextHop>& hops) {
  if (family == Family::v4 || hops.size() < 2) return;
  const NextHop best = hops.front();
  std::erase_if(hops, [](const NextHop& hop) { return !hop.gateway; });
  if (hops.empty() || !best.gateway) hops = {best};
}

bool has_addresses(const PlannedUplink& uplink, Family family) {
  const auto& seen = uplink.facts.families.at(family);
  return !seen.addresses.empty() || !seen.retired.empty();
}

/// The next hop of a family through the uplink, or none where the kernel would refuse it.
std::optional<NextHop> next_hop(const PlannedUplink& uplink, Family family, const KernelState& state) {
  const auto& seen = uplink.facts.families.at(family);
  const Link* link = state.link_at(uplink.facts.link_index);
  if (link == nullptr || !link->admin_up || !has_addresses(uplink, family)) return std::nullopt;
  if (!seen.gateway && !link->point_to_point) return std::nullopt;
  return NextHop{link->index, seen.gateway, 1, seen.onlink};
}

class Planner {
 public:
  Planner(const std::vector<PlannedUplink>& uplinks, const KernelState& state, const RoutingNumbers& numbers,
          const std::vector<UidRange>& parents)
      : uplinks_(uplinks), state_(state), numbers_(numbers), parents_(parents) {}

  void add_family(Family family, const std::vector<std::size_t>& carriers) {
    rule_base_ = place_rules(packets_of(uplinks_), state_, family, numbers_).base;
    add_main_default(family, carriers);
    add_parents(family);
    std::set<IpAddress> seen, servers;
    for (const auto& uplink : uplinks_) {
      if (family == Family::v6 && !has_addresses(uplink, family)) continue;
      add_table(family, uplink);
      add_rules(family, uplink, seen);
      add_renewals(family, uplink, servers);
    }
  }

  OwnedState finish() {
    std::stable_sort(out_.rules.begin(), out_.rules.end(),
                     [](const Rule& a, const Rule& b) { return a.priority < b.priority; });
    return std::move(out_);
  }

 private:
  std::uint32_t table_of(const PlannedUplink& uplink) const { return numbers_.table_base + uplink.index; }

  Route default_route(Family family, std::uint32_t table, std::vector<NextHop> hops) const {
    Route route;
    route.table = table;
    route.destination = IpPrefix::default_of(family);
    route.metric = family == Family::v4 ? 0 : kIpv6DefaultMetric;
    route.protocol = numbers_.protocol;
    route.link_scope = family == Family::v4 &&
                       std::none_of(hops.begin(), hops.end(), [](const NextHop& hop) { return hop.gateway; });
    if (hops.size() == 1) route.attributes = attributes_through(family, hops.front().link_index);
    route.next_hops = std::move(hops);
    return route;
  }

  /// Of the default that others have through the device: an MTU, say. Of several hops each would have its own.
  std::string attributes_through(Family family, unsigned link_index) const {
    const auto found = std::find_if(uplinks_.begin(), uplinks_.end(), [&](const PlannedUplink& uplink) {
      return uplink.facts.link_index == link_index;
    });
    return found == uplinks_.end() ? std::string() : found->facts.families.at(family).attributes;
  }

  void add_main_default(Family family, const std::vector<std::size_t>& carriers) {
    std::vector<NextHop> hops;
    for (const std::size_t position : carriers) {
      const auto& uplink = uplinks_.at(position);
      auto hop = next_hop(uplink, family, state_);
      if (!hop) continue;
      hop->weight = uplink.weight;
      hops.push_back(*hop);
    }
    keep_what_one_route_may_hold(family, hops);
    if (hops.size() == 1) hops.front().weight = 1;
    std::sort(hops.begin(), hops.end());
    if (hops.empty()) {
      const Route* present = present_default(state_, family, numbers_);
      if (present == nullptr) return;
      hops = present->next_hops;
      const auto withdrawn = std::erase_if(hops, [&](const NextHop& hop) { return is_disabled(hop); });
      if (withdrawn > 0 && hops.empty()) return;
      if (hops.size() == 1) hops.front().weight = 1;
    }
    const DefaultPlace place = place_default(hops, state_, family, numbers_);
    Route route = default_route(family, kMainTable, hops);
    route.metric = place.metric;
    out_.routes.push_back(std::move(route));
    if (const auto rule = stand_in_for_main(state_, family, numbers_)) out_.rules.push_back(*rule);
    if (!place.front) return;
    out_.routes.push_back(default_route(family, numbers_.table_base, std::move(hops)));
    const auto rules = front_rules(state_, family, numbers_);
    out_.rules.insert(out_.rules.end(), rules.begin(), rules.end());
  }

  bool is_disabled(const NextHop& hop) const {
    return std::any_of(uplinks_.begin(), uplinks_.end(), [&](const PlannedUplink& uplink) {
      return !uplink.enabled && uplink.facts.link_index == hop.link_index;
    });
  }

  /// Routes with a gateway come after those that tell where the gateway is.
  void add_table(Family family, const PlannedUplink& uplink) {
    std::set<std::pair<IpPrefix, std::uint32_t>> copied;
    for (const bool with_gateway : {false, true}) {
      for (const auto& route : state_.routes) {
        if (!is_specific_route_of(route, family, uplink) ||
            route.next_hops.front().gateway.has_value() != with_gateway ||
            !copied.insert({route.destination, route.metric}).second) {
          continue;
        }
        Route copy = route;
        copy.table = table_of(uplink);
        copy.protocol = numbers_.protocol;
        out_.routes.push_back(std::move(copy));
      }
    }
    if (const auto hop = next_hop(uplink, family, state_)) {
      out_.routes.push_back(default_route(family, table_of(uplink), {*hop}));
    }
  }

  bool is_specific_route_of(const Route& route, Family family, const PlannedUplink& uplink) const {
    return route.table == kMainTable && route.protocol != numbers_.protocol &&
           route.type == RouteType::unicast && route.destination.address.family() == family &&
           !route.destination.is_default() && route.next_hops.size() == 1 &&
           route.next_hops.front().link_index == uplink.facts.link_index;
  }

  Rule rule(Family family, std::uint32_t offset, std::uint32_t table) const {
    Rule out;
    out.family = family;
    out.priority = rule_base_ + offset;
    out.protocol = numbers_.protocol;
    out.table = table;
    return out;
  }

  void add_parents(Family family) {
    for (const auto& uplink : uplinks_) {
      if (!uplink.parent) continue;
      Rule parent = rule(family, rule_offset::kParent, table_of(uplink));
      parent.uids = UidRange{*uplink.parent, *uplink.parent};
      out_.rules.push_back(std::move(parent));
    }
    for (const auto& users : parents_) {
      Rule guard = rule(family, rule_offset::kParentNoLeak, 0);
      guard.uids = users;
      guard.unreachable = true;
      out_.rules.push_back(std::move(guard));
    }
  }

  /// `seen`: an address that several uplinks have counts for the best of them, among those that do not give way.
  void add_rules(Family family, const PlannedUplink& uplink, std::set<IpAddress>& seen) {
    if (!uplink.device.empty()) {
      Rule device = rule(family, rule_offset::kDevice, table_of(uplink));
      device.oif = uplink.device;
      out_.rules.push_back(std::move(device));
    }
    Rule pinned = rule(family, 0, 0);
    pinned.mark = uplink.mark;
    add_selected(pinned, table_of(uplink));
    if (uplink.gives_way.contains(family)) return;
    const auto& facts = uplink.facts.families.at(family);
    std::vector<IpAddress> addresses;
    for (const auto& own : facts.addresses) addresses.push_back(own.address);
    addresses.insert(addresses.end(), facts.retired.begin(), facts.retired.end());
    for (const auto& address : addresses) {
      if (!seen.insert(address).second) continue;
      Rule from = rule(family, rule_offset::kByAddress, 0);
      from.from = IpPrefix{address, static_cast<std::uint8_t>(address.size() * 8)};
      add_selected(from, table_of(uplink));
    }
  }

  /// `seen`: a server that several uplinks have counts for the best of them; the others' clients find it when they
  /// ask everybody on their link.
  void add_renewals(Family family, const PlannedUplink& uplink, std::set<IpAddress>& seen) {
    constexpr std::uint16_t kServerPort = 67, kClientPort = 68;
    const auto& server = uplink.facts.families.at(family).lease_server;
    if (!server || !seen.insert(*server).second) return;
    Rule renewal = rule(family, rule_offset::kRenewal, table_of(uplink));
    renewal.to = IpPrefix{*server, static_cast<std::uint8_t>(server->size() * 8)};
    renewal.iif = "lo";
    renewal.ip_protocol = ip_protocol::kUdp;
    renewal.source_ports = PortRange{kClientPort, kClientPort};
    renewal.destination_ports = PortRange{kServerPort, kServerPort};
    out_.rules.push_back(std::move(renewal));
  }

  /// The four rules for what `selector` selects, which belongs to the uplink with this table.
  void add_selected(const Rule& selector, std::uint32_t table) {
    const auto add = [&](std::uint32_t offset, std::uint32_t looked_up,
                         std::optional<std::uint32_t> suppressed = {}) {
      Rule out = selector;
      out.priority += offset;
      out.table = looked_up;
      out.suppress_prefix = suppressed;
      out.unreachable = looked_up == 0;
      out_.rules.push_back(std::move(out));
    };
    add(rule_offset::kNear, table, 0);
    add(rule_offset::kLocalNets, kMainTable, no_network(selector.family));
    add(rule_offset::kFar, table);
    add(rule_offset::kNoLeak, 0);
  }

  const std::vector<PlannedUplink>& uplinks_;
  const KernelState& state_;
  const RoutingNumbers& numbers_;
  const std::vector<UidRange>& parents_;
  std::uint32_t rule_base_ = 0;  ///< of the family that is being added
  OwnedState out_;
};

}  // namespace

OwnPackets packets_of(const std::vector<PlannedUplink>& uplinks) {
  OwnPackets out;
  for (const auto& uplink : uplinks) {
    if (!uplink.device.empty()) out.devices.insert(uplink.device);
    for (const auto& [family, facts] : uplink.facts.families) {
      for (const auto& own : facts.addresses) out.addresses.insert(own.address);
    }
    out.mark_mask = uplink.mark.mask;
  }
  return out;
}

OwnedState plan_routes(const std::vector<PlannedUplink>& uplinks, const Carriers& carriers,
                       const KernelState& state, const RoutingNumbers& numbers,
                       const std::vector<UidRange>& parents) {
  Planner planner(uplinks, state, numbers, parents);
  for (const Family family : kRoutedFamilies) {
    if (!has_family(state, family)) continue;
    const auto chosen = carriers.find(family);
    planner.add_family(family, chosen == carriers.end() ? std::vector<std::size_t>{} : chosen->second);
  }
  return planner.finish();
}

}  // namespace multilink
