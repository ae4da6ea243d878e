// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fakes/fake_kernel.hpp"

namespace multilink::fakes {
namespace {

tl::unexpected<Error> failure(int code) {
  return fail(std::strerror(code), code);
}

/// What the lookup ends with at a route that carries nothing; 0 for one that carries.
int error_of(RouteType type) {
  switch (type) {
    case RouteType::unreachable:
      return EHOSTUNREACH;
    case RouteType::blackhole:
      return EINVAL;
    case RouteType::prohibit:
      return EACCES;
    default:
      return 0;
  }
}

bool matches(const Rule& rule, const Flow& flow) {
  if (rule.family != flow.destination.family() || rule.has_other_selectors) return false;
  if (rule.from && rule.from->length > 0 && !(flow.from && rule.from->contains(*flow.from))) return false;
  if (rule.mark && ((flow.mark ^ rule.mark->value) & rule.mark->mask) != 0) return false;
  if (rule.oif && *rule.oif != flow.oif) return false;
  return !rule.uids || (rule.uids->first <= flow.uid && flow.uid <= rule.uids->last);
}

}  // namespace

/// The hop of `route` that a packet may take; a socket's device must be that of the hop.
const NextHop* FakeKernel::hop_for(const Route& route, const Flow& flow) const {
  const auto found = std::find_if(route.next_hops.begin(), route.next_hops.end(), [&](const NextHop& hop) {
    if (!is_alive(hop)) return false;
    return flow.oif.empty() || state_.link_at(hop.link_index)->name == flow.oif;
  });
  return found == route.next_hops.end() ? nullptr : &*found;
}

/// The longest prefix wins, then the kernel's own order of the list, which is the order of state_.routes.
const Route* FakeKernel::lookup_table(std::uint32_t table, const Flow& flow, Seen seen) const {
  const Route* best = nullptr;
  for (const auto& route : state_.routes) {
    if (route.table != table || !route.destination.contains(flow.destination)) continue;
    if (best != nullptr && best->destination.length >= route.destination.length) continue;
    const bool carries = error_of(route.type) == 0 && route.type != RouteType::throw_route;
    if (carries && hop_for(route, flow) == nullptr) continue;
    if (seen == Seen::on_link && (!carries || hop_for(route, flow)->gateway)) continue;
    best = &route;
  }
  return best;
}

Result<const Route*> FakeKernel::walk_rules(const Flow& flow, Seen seen) const {
  for (const auto& rule : state_.rules) {
    if (!matches(rule, flow)) continue;
    if (rule.unreachable) return failure(ENETUNREACH);
    const Route* route = lookup_table(rule.table, flow, seen);
    if (route == nullptr || route->type == RouteType::throw_route) continue;
    // An error ends the lookup before suppress_prefixlength is looked at.
    if (const int code = error_of(route->type); code != 0) return failure(code);
    if (rule.suppress_prefix && route->destination.length <= *rule.suppress_prefix) continue;
    return route;
  }
  return failure(ENETUNREACH);
}

/// A gateway is looked for in the route's own table (for `main`: not), then by the rules, as by a packet to it
/// that is bound to the device.
bool FakeKernel::is_on_link(const IpAddress& gateway, const Link& link, std::uint32_t table) const {
  const Flow flow{.destination = gateway, .oif = link.name};
  if (table != kMainTable && lookup_table(table, flow, Seen::on_link) != nullptr) return true;
  return walk_rules(flow, Seen::on_link).has_value();
}

Result<Route> FakeKernel::lookup_route(const Flow& flow) const {
  const auto route = walk_rules(flow, Seen::all);
  if (!route) return tl::unexpected<Error>(route.error());
  return **route;
}

Result<NextHop> FakeKernel::lookup(const Flow& flow) const {
  const auto route = lookup_route(flow);
  if (route) return *hop_for(*route, flow);
  // Linux takes an IPv4 destination for on-link when the socket is bound to a device and no route is found.
  const Link* bound = state_.link_named(flow.oif);
  if (flow.destination.family() == Family::v4 && bound != nullptr && bound->admin_up) {
    return NextHop{bound->index, std::nullopt, 1};
  }
  return tl::unexpected<Error>(route.error());
}

std::string FakeKernel::carrier_of(const Flow& flow) const {
  const auto hop = lookup(flow);
  return hop ? state_.link_at(hop->link_index)->name : std::string();
}

}  // namespace multilink::fakes
