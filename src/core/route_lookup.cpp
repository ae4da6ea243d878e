// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/route_lookup.hpp"

#include <algorithm>

namespace multilink {
namespace {

constexpr std::string_view kThisHost = "lo";

bool holds(const std::optional<IpPrefix>& prefix, const std::optional<IpAddress>& address) {
  return !prefix || prefix->length == 0 || (address && prefix->contains(*address));
}

template <class Range, class Number>
bool within(const std::optional<Range>& range, Number number) {
  return !range || (range->first <= number && number <= range->last);
}

/// But for the inversion.
bool fits(const Rule& rule, const Flow& flow) {
  const std::string_view iif = flow.iif.empty() ? kThisHost : std::string_view(flow.iif);
  return holds(rule.from, flow.from) && holds(rule.to, flow.destination) &&
         (!rule.mark || ((flow.mark ^ rule.mark->value) & rule.mark->mask) == 0) &&
         (!rule.iif || *rule.iif == iif) && (!rule.oif || *rule.oif == flow.oif) &&
         within(rule.uids, flow.uid) && (!rule.ip_protocol || rule.ip_protocol == flow.ip_protocol) &&
         within(rule.source_ports, flow.source_port) && within(rule.destination_ports, flow.destination_port);
}

/// How the lookup ends at a route that carries nothing.
LookupEnd end_of(RouteType type) {
  switch (type) {
    case RouteType::unreachable:
      return LookupEnd::unreachable;
    case RouteType::blackhole:
      return LookupEnd::blackhole;
    case RouteType::prohibit:
      return LookupEnd::prohibited;
    default:
      return LookupEnd::carried;
  }
}

bool carries(const Route& route) {
  return end_of(route.type) == LookupEnd::carried && route.type != RouteType::throw_route;
}

/// Whether only hops over the socket's device count. In IPv6 that is so while the source is not chosen (ip6_route_output()
/// of Linux); with a source the device is a wish.
bool must_leave_by_oif(const Flow& flow) {
  return !flow.oif.empty() && (flow.destination.family() == Family::v4 || !flow.from);
}

/// The hop of `route` that a packet may take.
const NextHop* hop_for(const KernelState& state, const Route& route, const Flow& flow) {
  const auto found = std::find_if(route.next_hops.begin(), route.next_hops.end(), [&](const NextHop& hop) {
    const Link* link = state.link_at(hop.link_index);
    return link != nullptr && link->admin_up && (!must_leave_by_oif(flow) || link->name == flow.oif);
  });
  return found == route.next_hops.end() ? nullptr : &*found;
}

}  // namespace

bool selects(const Rule& rule, const Flow& packet) {
  return rule.family == packet.destination.family() && !rule.has_other_selectors &&
         fits(rule, packet) != rule.inverted;
}

const Route* look_up_table(const KernelState& state, std::uint32_t table, const Flow& flow,
                           const RouteFilter& accepts) {
  const Route* best = nullptr;
  for (const auto& route : state.routes) {
    if (route.table != table || !route.destination.contains(flow.destination)) continue;
    if (best != nullptr && best->destination.length >= route.destination.length) continue;
    if (carries(route) && hop_for(state, route, flow) == nullptr) continue;
    if (accepts && !accepts(route)) continue;
    best = &route;
  }
  return best;
}

namespace {

RouteAnswer walk_rules(const KernelState& state, const Flow& flow, const RouteFilter& accepts) {
  using enum RuleStep::Outcome;
  RouteAnswer out;
  for (const auto& rule : state.rules) {
    if (rule.family != flow.destination.family()) continue;
    if (!selects(rule, flow)) {
      ++out.others;
      if (rule.has_other_selectors) out.passed_over.push_back(&rule);
      continue;
    }
    const Route* route = rule.unreachable ? nullptr : look_up_table(state, rule.table, flow, accepts);
    if (!rule.unreachable && (route == nullptr || route->type == RouteType::throw_route)) {
      out.steps.push_back({&rule, no_route});
      continue;
    }
    const LookupEnd end = route == nullptr ? LookupEnd::no_route : end_of(route->type);
    if (end == LookupEnd::carried && rule.suppress_prefix &&
        route->destination.length <= *rule.suppress_prefix) {
      out.steps.push_back({&rule, suppressed});
      continue;
    }
    out.steps.push_back({&rule, decided});
    out.end = end;
    out.rule = &rule;
    out.route = route;
    if (end == LookupEnd::carried) out.hop = *hop_for(state, *route, flow);
    break;
  }
  return out;
}

}  // namespace

RouteAnswer look_up_route(const KernelState& state, const Flow& flow, const RouteFilter& accepts) {
  RouteAnswer out = walk_rules(state, flow, accepts);
  if (out.end == LookupEnd::carried || flow.oif.empty() || flow.destination.family() != Family::v4)
    return out;
  const Link* bound = state.link_named(flow.oif);
  if (bound == nullptr || !bound->admin_up) return out;
  out.end = LookupEnd::carried;
  out.route = nullptr;
  out.hop = NextHop{bound->index, std::nullopt, 1};
  return out;
}

}  // namespace multilink
