// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_search.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <tuple>

#include "multilink/core/config.hpp"
#include "multilink/core/config_values.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

/// Whether the file can hold a section for it.
bool can_be_written(const FoundUplink& found) {
  const auto name = found.name == found.device ? std::string() : cat("name = ", found.name, '\n');
  const auto parsed = parse_config(cat('[', found.device, "]\n", name), "");
  return parsed.config && parsed.config->uplinks.front().device == found.device;
}

class Search {
 public:
  Search(const KernelState& state, const std::vector<DeviceKind>& kinds, const std::vector<DhcpLease>& leases,
         const RoutingNumbers& numbers)
      : state_(state), leases_(leases), numbers_(numbers) {
    for (const auto& kind : kinds) kinds_[kind.link_index] = kind;
  }

  UplinkSearch run() {
    for (const auto& link : state_.links) {
      if (!link.loopback) look_at(link);
    }
    std::stable_sort(out_.uplinks.begin(), out_.uplinks.end(),
                     [](const FoundUplink& a, const FoundUplink& b) {
                       return std::pair(rank(a, Family::v4), rank(a, Family::v6)) <
                              std::pair(rank(b, Family::v4), rank(b, Family::v6));
                     });
    share_precedences();
    return std::move(out_);
  }

 private:
  using Rank = std::tuple<int, std::uint32_t, std::size_t>;

  static Rank rank(const FoundUplink& uplink, Family family) {
    const auto way = uplink.ways.find(family);
    if (way == uplink.ways.end()) return {std::numeric_limits<int>::max(), 0, 0};
    return {static_cast<int>(way->second.origin), way->second.metric, way->second.order};
  }

  void look_at(const Link& link) {
    const auto ways = ways_of(link);
    const auto& kind = kinds_[link.index];
    auto reason = why_never(link, kind, !ways.empty());
    if (reason.empty() && ways.empty()) reason = why_no_uplink(link, kind);
    if (reason.empty()) reason = take(link, kind, ways);
    if (!reason.empty()) out_.left_out.push_back({link.name, reason});
  }

  /// A device that is none whatever leads by it; empty: it may be one.
  std::string why_never(const Link& link, const DeviceKind& kind, bool has_way) const {
    const Link* master = state_.link_at(kind.master);
    if (kind.master != 0) {
      const auto found = kinds_.find(kind.master);
      const auto what = found == kinds_.end() ? std::string() : found->second.kind;
      const auto name = printable(master == nullptr ? cat(kind.master) : master->name);
      return what == "vrf" ? cat("is in the VRF ", name, ", whose routes are not the host's own")
                           : cat("is a port of ", name);
    }
    if (!is_tunnel(kind.kind)) return {};
    return cat("is a tunnel (", printable(kind.kind), "): its packets leave by an uplink themselves",
               has_way ? ", though a default route leads into it" : "", link.admin_up ? "" : "; it is off");
  }

  std::string why_no_uplink(const Link& link, const DeviceKind& kind) {
    std::vector<std::string> addresses;
    for (const Family family : kFamilies) {
      for (const auto& address : addresses_of(link, family)) addresses.push_back(address.to_string());
    }
    if (!addresses.empty()) out_.has_lan = true;
    if (kind.kind == "bridge") return "is a bridge without a default route: a LAN, containers or machines";
    if (!addresses.empty()) {
      return cat("has ", join(addresses, " and "), " and no default route: a LAN",
                 kind.kind.empty() ? "" : cat(" (", printable(kind.kind), ')'));
    }
    if (!kind.kind.empty())
      return cat("is virtual (", printable(kind.kind), "), without address and default route");
    if (!link.admin_up) return "is down, without address and default route: nothing tells what it is";
    if (!link.carrier) return "has no carrier, address or default route: nothing tells what it is";
    return "has neither address nor default route: is its DHCP client still at work?";
  }

  /// Empty, or why it was not taken.
  std::string take(const Link& link, const DeviceKind& kind, const std::map<Family, FoundWay>& ways) {
    FoundUplink found;
    found.device = found.name = link.name;
    if (!is_token(found.name) || names_.contains(found.name)) found.name = name_for(link.name);
    found.kind = kind.kind;
    found.mac = link.mac;
    found.point_to_point = link.point_to_point;
    found.carrier = link.admin_up && link.carrier;
    found.ways = ways;
    for (const Family family : kFamilies) found.addresses[family] = addresses_of(link, family);
    if (!can_be_written(found)) {
      return "has a name that no section of interfaces.conf can have; rename the device, for example with a "
             ".link file of systemd";
    }
    names_.insert(found.name);
    out_.uplinks.push_back(std::move(found));
    return {};
  }

  /// A name that is none of another device or uplink, made of what can stand in one.
  std::string name_for(std::string_view device) const {
    std::string base;
    for (const char c : device) base += is_token(cat('a', c)) ? c : '-';
    if (!is_token(base)) base = cat("uplink", base);
    for (unsigned i = 1;; ++i) {
      auto name = i == 1 ? base : cat(base, '-', i);
      if (!names_.contains(name) && state_.link_named(name) == nullptr) return name;
    }
  }

  std::vector<IpPrefix> addresses_of(const Link& link, Family family) const {
    std::vector<IpPrefix> out;
    for (const auto& address : state_.addresses) {
      if (address.link_index == link.index && address.prefix.address.family() == family &&
          !address.link_scope && address.usable) {
        out.push_back(address.prefix);
      }
    }
    return out;
  }

  std::map<Family, FoundWay> ways_of(const Link& link) const {
    std::map<Family, FoundWay> out;
    UplinkConfig as_uplink;
    as_uplink.device = link.name;
    const auto facts = observe_uplink(as_uplink, state_, numbers_, leases_);
    for (const Family family : kFamilies) {
      auto way = best_route(link, family);
      const auto& seen = facts.families.at(family);
      const bool from_lease = !way || way->origin == WayOrigin::ours;
      if (from_lease && seen.gateway && names_router(link, *seen.gateway)) {
        way = FoundWay{};
        way->origin = WayOrigin::lease;
        way->gateway = seen.gateway;
      }
      if (way) out.emplace(family, *way);
    }
    return out;
  }

  bool names_router(const Link& link, const IpAddress& gateway) const {
    return std::any_of(leases_.begin(), leases_.end(), [&](const DhcpLease& lease) {
      const bool is_of = lease.link_index == 0 ? lease.device == link.name : lease.link_index == link.index;
      return is_of && lease.gateway == gateway;
    });
  }

  std::optional<FoundWay> best_route(const Link& link, Family family) const {
    std::optional<FoundWay> best;
    for (std::size_t i = 0; i < state_.routes.size(); ++i) {
      const auto& route = state_.routes[i];
      if (route.type != RouteType::unicast || route.destination != IpPrefix::default_of(family)) continue;
      for (const auto& hop : route.next_hops) {
        if (hop.link_index != link.index) continue;
        FoundWay way{origin_of(route), route.table, route.metric, route.protocol, hop.gateway, hop.weight, i};
        if (route.next_hops.size() == 1) way.weight = 1;
        const auto key = [](const FoundWay& w) { return std::tuple(w.origin, w.metric, w.order); };
        if (!best || key(way) < key(*best)) best = way;
      }
    }
    return best;
  }

  WayOrigin origin_of(const Route& route) const {
    if (route.protocol == numbers_.protocol) return WayOrigin::ours;
    return route.table == kMainTable ? WayOrigin::main : WayOrigin::other_table;
  }

  /// Whether the two are hops of one route of others, in the first family that both have.
  static bool are_shared(const FoundUplink& a, const FoundUplink& b) {
    for (const Family family : kFamilies) {
      const auto first = a.ways.find(family);
      const auto second = b.ways.find(family);
      if (first == a.ways.end() || second == b.ways.end()) continue;
      return first->second.origin <= WayOrigin::other_table &&
             first->second.origin == second->second.origin && first->second.order == second->second.order;
    }
    return false;
  }

  /// Hops of one route share its traffic today: so they do after.
  void share_precedences() {
    auto& uplinks = out_.uplinks;
    std::vector<unsigned> tiers;
    bool any = false;
    for (std::size_t i = 0; i < uplinks.size(); ++i) {
      const bool shares = i > 0 && are_shared(uplinks[i - 1], uplinks[i]);
      any |= shares;
      tiers.push_back(i == 0 ? 1 : tiers.back() + (shares ? 0 : 1));
    }
    if (!any) return;
    for (std::size_t i = 0; i < uplinks.size(); ++i) {
      uplinks[i].precedence = tiers[i];
      const auto alone = std::count(tiers.begin(), tiers.end(), tiers[i]) == 1;
      const auto way = uplinks[i].ways.begin();
      uplinks[i].weight = alone || way == uplinks[i].ways.end() ? 1 : way->second.weight;
    }
  }

  const KernelState& state_;
  const std::vector<DhcpLease>& leases_;
  const RoutingNumbers& numbers_;
  std::map<unsigned, DeviceKind> kinds_;
  std::set<std::string> names_;
  UplinkSearch out_;
};

}  // namespace

bool is_tunnel(std::string_view kind) {
  static constexpr std::array<std::string_view, 18> kTunnels{
      "wireguard", "tun", "ovpn", "ipip", "sit",   "gre",       "gretap", "erspan", "ip6tnl",
      "ip6gre",    "vti", "vti6", "xfrm", "vxlan", "ip6gretap", "geneve", "gtp",    "amt"};
  return std::find(kTunnels.begin(), kTunnels.end(), kind) != kTunnels.end();
}

UplinkSearch search_uplinks(const KernelState& state, const std::vector<DeviceKind>& kinds,
                            const std::vector<DhcpLease>& leases, const RoutingNumbers& numbers) {
  return Search(state, kinds, leases, numbers).run();
}

}  // namespace multilink
