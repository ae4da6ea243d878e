// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_editor.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::uint32_t kIpv6DefaultMetric = 1024;  // what the kernel makes of metric 0

bool is_v4(const Route& route) {
  return route.destination.address.family() == Family::v4;
}

/// The route as a dump will show it.
Route normalised(Route route) {
  route.destination = route.destination.network();
  std::sort(route.next_hops.begin(), route.next_hops.end());
  if (is_v4(route)) return route;
  if (route.metric == 0) route.metric = kIpv6DefaultMetric;
  route.link_scope = false;  // IPv6 routes have no scope
  return route;
}

/// Whether the kernel takes `candidate` when asked to delete `route` with its hops as a list (fib_nh_match).
bool deletion_takes(const Route& route, const Route& candidate) {
  if (route.type != candidate.type || route.protocol != candidate.protocol ||
      route.link_scope != candidate.link_scope) {
    return false;
  }
  if (route.metric != 0 && route.metric != candidate.metric) return false;
  if (route.source && route.source != candidate.source) return false;
  if (!route.attributes.empty() && route.attributes != candidate.attributes) return false;
  if (candidate.next_hops.size() > route.next_hops.size()) return route.next_hops.empty();
  return std::equal(candidate.next_hops.begin(), candidate.next_hops.end(), route.next_hops.begin(),
                    [](const NextHop& there, const NextHop& asked) {
                      return there.link_index == asked.link_index &&
                             (!asked.gateway || asked.gateway == there.gateway);
                    });
}

bool deletion_takes(const Rule& rule, const Rule& candidate) {
  return rule.priority == candidate.priority && rule.protocol == candidate.protocol &&
         rule.unreachable == candidate.unreachable && rule.table == candidate.table &&
         (!rule.from || rule.from == candidate.from) && (!rule.to || rule.to == candidate.to) &&
         (!rule.mark || rule.mark == candidate.mark) && (!rule.iif || rule.iif == candidate.iif) &&
         (!rule.oif || rule.oif == candidate.oif) && (!rule.uids || rule.uids == candidate.uids) &&
         (!rule.ip_protocol || rule.ip_protocol == candidate.ip_protocol) &&
         (!rule.source_ports || rule.source_ports == candidate.source_ports) &&
         (!rule.destination_ports || rule.destination_ports == candidate.destination_ports) &&
         (!rule.suppress_prefix || rule.suppress_prefix == candidate.suppress_prefix);
}

const Route* first_of_metric(const std::vector<Route>& routes, std::uint32_t metric) {
  const auto found =
      std::find_if(routes.begin(), routes.end(), [&](const Route& route) { return route.metric == metric; });
  return found == routes.end() ? nullptr : &*found;
}

Result<void> unless(int harmless, Result<void> result) {
  return !result && result.error().code == harmless ? Result<void>{} : result;
}

}  // namespace

Result<void> NetlinkEditor::prepend(Route route) {
  route = normalised(std::move(route));
  if (!is_v4(route)) return prepend_ipv6(route);
  auto done = send(RTM_NEWROUTE, NLM_F_CREATE, route);
  if (done || done.error().code != EEXIST) return done;
  const auto there = reader_.routes_to(route.destination, route.table);
  if (!there) return tl::unexpected<Error>(there.error());
  const Route* first = first_of_metric(*there, route.metric);
  if (first != nullptr && *first == route) return {};
  // Behind others it carries nothing, so that nothing changes until it is back.
  done = remove(route);
  return done ? send(RTM_NEWROUTE, NLM_F_CREATE, route) : done;
}

Result<void> NetlinkEditor::prepend_ipv6(const Route& route) {
  auto done = send(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
  if (done || done.error().code != EEXIST) return done;
  const auto there = reader_.routes_to(route.destination, route.table);
  if (!there) return tl::unexpected<Error>(there.error());
  const Route* first = first_of_metric(*there, route.metric);
  if (first != nullptr && *first == route) return {};
  if (first != nullptr && first->protocol != route.protocol) {
    return fail(cat("a route of protocol ", unsigned{first->protocol}, " has metric ", route.metric,
                    " already, and IPv6 knows no order within a metric: use a lower one"),
                EEXIST);
  }
  return send(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

Result<void> NetlinkEditor::replace(Route route) {
  return unless(EEXIST, send(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, normalised(std::move(route))));
}

Result<void> NetlinkEditor::remove(Route route) {
  route = normalised(std::move(route));
  const auto owned = reader_.owned_routes_to(route.destination, route.table);
  if (!owned) return tl::unexpected<Error>(owned.error());
  if (std::find(owned->begin(), owned->end(), route) == owned->end()) return {};
  const auto taken = std::find_if(owned->begin(), owned->end(), [&](const Route& candidate) {
    return is_v4(route) ? deletion_takes(route, candidate) : candidate == route;
  });
  if (*taken != route) return remove_shadowed(route, *taken);
  return unless(ESRCH, send(RTM_DELROUTE, 0, route));
}

Result<void> NetlinkEditor::remove_shadowed(const Route& route, const Route& shadow) {
  const auto before = reader_.routes_to(route.destination, route.table);
  if (!before) return tl::unexpected<Error>(before.error());
  const Route* first_before = first_of_metric(*before, route.metric);
  const bool shadow_is_first = first_before != nullptr && *first_before == shadow;
  auto done = remove(shadow);
  if (!done) return done;
  const auto there = reader_.routes_to(route.destination, route.table);
  if (!there) return tl::unexpected<Error>(there.error());
  const Route* first = first_of_metric(*there, route.metric);
  if (shadow_is_first && first != nullptr && *first == route) {
    return send(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, shadow);
  }
  // Either a foreign route between the two is in force for this moment, or neither of them was.
  done = unless(ESRCH, send(RTM_DELROUTE, 0, route));
  return done ? send(RTM_NEWROUTE, NLM_F_CREATE | (shadow_is_first ? 0 : NLM_F_APPEND), shadow) : done;
}

Result<void> NetlinkEditor::add(const Rule& rule) {
  return unless(EEXIST, send(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule));
}

Result<void> NetlinkEditor::append(const Rule& rule) {
  return send(RTM_NEWRULE, NLM_F_CREATE, rule);
}

Result<void> NetlinkEditor::remove(const Rule& rule) {
  const auto there = reader_.rules(rule.family);
  if (!there) return tl::unexpected<Error>(there.error());
  if (std::find(there->begin(), there->end(), rule) == there->end()) return {};
  const auto taken = std::find_if(there->begin(), there->end(),
                                  [&](const Rule& candidate) { return deletion_takes(rule, candidate); });
  if (*taken != rule) return fail("the kernel would delete another rule of the same priority", EBUSY);
  return unless(ENOENT, send(RTM_DELRULE, 0, rule));
}

Result<void> NetlinkEditor::send(int type, int flags, const Route& route) {
  const auto form = type == RTM_DELROUTE && is_v4(route) ? HopForm::always_list : HopForm::plain;
  auto message = route_request(type, flags, route, form);
  if (!message) return tl::unexpected<Error>(message.error());
  return socket_.change(std::move(*message));
}

Result<void> NetlinkEditor::send(int type, int flags, const Rule& rule) {
  auto message = rule_request(type, flags, rule);
  if (!message) return tl::unexpected<Error>(message.error());
  return socket_.change(std::move(*message));
}

}  // namespace multilink
