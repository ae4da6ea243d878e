// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fakes/fake_kernel.hpp"

namespace multilink::fakes {
namespace {

int errno_of(LookupEnd end) {
  switch (end) {
    case LookupEnd::carried:
      return 0;
    case LookupEnd::no_route:
      return ENETUNREACH;
    case LookupEnd::unreachable:
      return EHOSTUNREACH;
    case LookupEnd::blackhole:
      return EINVAL;
    case LookupEnd::prohibited:
      return EACCES;
  }
  return EIO;
}

tl::unexpected<Error> failure(LookupEnd end) {
  return fail(std::strerror(errno_of(end)), errno_of(end));
}

}  // namespace

/// A gateway is looked for in the route's own table (for `main`: not), then by the rules, as by a packet to it
/// that is bound to the device; only routes without a gateway count.
bool FakeKernel::is_on_link(const IpAddress& gateway, const Link& link, std::uint32_t table) const {
  const Flow flow{.destination = gateway, .oif = link.name};
  const auto on_link = [&](const Route& route) {
    return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                       [&](const NextHop& hop) { return hop.link_index == link.index && !hop.gateway; });
  };
  if (table != kMainTable && look_up_table(state_, table, flow, on_link) != nullptr) return true;
  return look_up_route(state_, flow, on_link).route != nullptr;
}

Result<Route> FakeKernel::lookup_route(const Flow& flow) const {
  const auto answer = look_up_route(state_, flow);
  if (answer.end == LookupEnd::carried && answer.route != nullptr) return *answer.route;
  return failure(answer.end == LookupEnd::carried ? LookupEnd::no_route : answer.end);
}

Result<NextHop> FakeKernel::lookup(const Flow& flow) const {
  const auto answer = look_up_route(state_, flow);
  if (answer.hop) return *answer.hop;
  return failure(answer.end);
}

std::string FakeKernel::carrier_of(const Flow& flow) const {
  const auto hop = lookup(flow);
  return hop ? state_.link_at(hop->link_index)->name : std::string();
}

}  // namespace multilink::fakes
