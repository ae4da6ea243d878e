// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_kernel.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;
constexpr std::uint32_t kIpv6DefaultMetric = 1024;
constexpr std::uint32_t kIpv6ConnectedMetric = 256;

tl::unexpected<Error> failure(int code) {
  return fail(std::strerror(code), code);
}

/// The destination of two routes, as the kernel sorts them: one list an entry.
bool same_entry(const Route& a, const Route& b) {
  return a.table == b.table && a.destination == b.destination;
}

bool same_metric(const Route& a, const Route& b) {
  return same_entry(a, b) && a.metric == b.metric;
}

bool is_v6(const Route& route) {
  return route.destination.address.family() == Family::v6;
}

bool has_gateway(const Route& route) {
  return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                     [](const NextHop& hop) { return hop.gateway.has_value(); });
}

/// What the kernel makes of a request: no host bits, sorted next hops; for IPv6 no scope, and metric 0 is
/// 1024.
Route normalised(Route route) {
  route.destination = route.destination.network();
  std::sort(route.next_hops.begin(), route.next_hops.end());
  if (!is_v6(route)) return route;
  if (route.metric == 0) route.metric = kIpv6DefaultMetric;
  route.link_scope = false;
  return route;
}

Rule lookup_rule(Family family, std::uint32_t priority, std::uint32_t table) {
  Rule rule;
  rule.family = family;
  rule.priority = priority;
  rule.protocol = kProtocolKernel;
  rule.table = table;
  return rule;
}

Result<void> unless_there(Result<void> result) {
  return !result && result.error().code == EEXIST ? Result<void>{} : result;
}

IpPrefix must_parse(std::string_view prefix) {
  const auto parsed = IpPrefix::parse(prefix);
  assert(parsed && "a test wrote a bad prefix");
  return *parsed;
}

IpPrefix connected_prefix(const LinkAddress& address) {
  return IpPrefix{address.peer.value_or(address.prefix.address), address.prefix.length}.network();
}

}  // namespace

FakeKernel::FakeKernel(Scheduler& scheduler, RoutingNumbers numbers)
    : scheduler_(scheduler), numbers_(numbers) {
  for (const Family family : kFamilies) {
    state_.rules.push_back(lookup_rule(family, 0, kLocalTable));
    state_.rules.push_back(lookup_rule(family, 32766, kMainTable));
  }
  state_.rules.push_back(lookup_rule(Family::v4, 32767, kDefaultTable));
}

Result<KernelState> FakeKernel::read() {
  ++reads_;
  if (failing_reads_ > 0) {
    --failing_reads_;
    return failure(read_error_);
  }
  KernelState out = state_;
  std::erase_if(out.routes, [&](const Route& route) {
    const bool wanted =
        route.table == kMainTable || route.destination.is_default() || route.protocol == numbers_.protocol;
    return route.table == kLocalTable || !wanted;
  });
  return out;
}

void FakeKernel::watch(std::function<void(const KernelChange&)> on_change) {
  assert(!on_change_);
  on_change_ = std::move(on_change);
}

Result<void> FakeKernel::apply(const RouteOperation& operation) {
  applied_.push_back(operation);
  if (failing_applies_ > 0) {
    --failing_applies_;
    return failure(apply_error_);
  }
  auto result = carry_out(operation);
  if (!result && (result.error().code == ESRCH || result.error().code == ENOENT)) return {};
  return result;
}

Result<void> FakeKernel::carry_out(const RouteOperation& operation) {
  if (const auto* each = std::get_if<PrependRoute>(&operation)) return prepend(normalised(each->route));
  if (const auto* each = std::get_if<ReplaceRoute>(&operation))
    return unless_there(add_route(each->route, AddMode::replace));
  if (const auto* each = std::get_if<DeleteRoute>(&operation)) return delete_route(each->route);
  if (const auto* each = std::get_if<AddRule>(&operation)) return unless_there(add_rule(each->rule));
  if (const auto* each = std::get_if<AppendRule>(&operation)) return append_rule(each->rule);
  return delete_rule(std::get<DeleteRule>(operation).rule);
}

/// As NetlinkEditor::prepend.
Result<void> FakeKernel::prepend(const Route& route) {
  if (is_v6(route)) {
    const auto first = std::find_if(state_.routes.begin(), state_.routes.end(),
                                    [&](const Route& other) { return same_metric(other, route); });
    if (first != state_.routes.end() && first->protocol != route.protocol) return failure(EEXIST);
    return add_route(route, AddMode::replace);
  }
  auto result = add_route(route, AddMode::prepend);
  if (result || result.error().code != EEXIST) return result;
  // It is there, but perhaps behind others: take it out and put it in front.
  result = delete_route(route);
  return result ? add_route(route, AddMode::prepend) : result;
}

unsigned FakeKernel::add_link(std::string_view name, bool point_to_point) {
  assert(state_.link_named(name) == nullptr);
  Link link;
  link.index = next_index_++;
  link.name = name;
  link.admin_up = link.carrier = true;
  link.point_to_point = point_to_point;
  link.loopback = name == "lo";
  state_.links.push_back(link);
  note({.links = true});
  return link.index;
}

void FakeKernel::remove_link(std::string_view name) {
  const unsigned index = find(name).index;
  // Unlike a link that goes down, one that goes away takes multipath routes with it.
  remove_routes([&](const Route& route) {
    return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                       [&](const NextHop& hop) { return hop.link_index == index; });
  });
  std::erase_if(state_.addresses, [&](const LinkAddress& address) { return address.link_index == index; });
  std::erase_if(state_.links, [&](const Link& link) { return link.index == index; });
  unplugged_.erase(index);
  note({.links = true, .addresses = true});
}

void FakeKernel::set_admin_up(std::string_view name, bool up) {
  Link& link = find(name);
  if (link.admin_up == up) return;
  link.admin_up = up;
  link.carrier = up && !unplugged_.contains(link.index);
  if (up) {
    for (const auto& address : state_.addresses) {
      if (address.link_index == link.index) insert_connected(link, address);
    }
  } else {
    remove_routes([&](const Route& route) { return is_dead(route); });
    std::erase_if(state_.addresses, [&](const LinkAddress& address) {
      return address.link_index == link.index && address.prefix.address.family() == Family::v6;
    });
  }
  note({.links = true, .addresses = true});
}

void FakeKernel::set_carrier(std::string_view name, bool on) {
  Link& link = find(name);
  if (on) {
    unplugged_.erase(link.index);
  } else {
    unplugged_.insert(link.index);
  }
  link.carrier = on && link.admin_up;
  note({.links = true});
}

void FakeKernel::add_address(std::string_view name, std::string_view prefix,
                             std::optional<std::string_view> peer) {
  const Link& link = find(name);
  LinkAddress address;
  address.link_index = link.index;
  address.prefix = must_parse(prefix);
  if (peer) address.peer = must_parse(*peer).address;
  address.link_scope =
      address.prefix.address.family() == Family::v6 && address.prefix.address.is_link_local();
  state_.addresses.push_back(address);
  if (link.admin_up) insert_connected(link, address);
  note({.addresses = true});
}

void FakeKernel::remove_address(std::string_view name, std::string_view prefix) {
  const unsigned index = find(name).index;
  const IpPrefix wanted = must_parse(prefix);
  const Family family = wanted.address.family();
  const auto found = std::find_if(
      state_.addresses.begin(), state_.addresses.end(),
      [&](const LinkAddress& address) { return address.link_index == index && address.prefix == wanted; });
  assert(found != state_.addresses.end());
  const IpPrefix connected = connected_prefix(*found);
  state_.addresses.erase(found);
  const auto remains = [&](const auto& predicate) {
    return std::any_of(state_.addresses.begin(), state_.addresses.end(), [&](const LinkAddress& address) {
      return address.link_index == index && address.prefix.address.family() == family && predicate(address);
    });
  };
  const bool last_of_all = !remains([](const LinkAddress&) { return true; });
  const bool last_of_prefix =
      !remains([&](const LinkAddress& address) { return connected_prefix(address) == connected; });
  remove_routes([&](const Route& route) {
    if (route.destination.address.family() != family) return false;
    const bool only_here =
        !route.next_hops.empty() && std::all_of(route.next_hops.begin(), route.next_hops.end(),
                                                [&](const NextHop& hop) { return hop.link_index == index; });
    if (only_here && last_of_all && family == Family::v4) return true;
    if (only_here && last_of_prefix && route.protocol == kProtocolKernel && route.destination == connected)
      return true;
    if (route.type == RouteType::local && only_here) return route.destination.address == wanted.address;
    return route.source == wanted.address;
  });
  note({.addresses = true});
}

void FakeKernel::deprecate_address(std::string_view name, std::string_view prefix) {
  const unsigned index = find(name).index;
  const auto found = std::find_if(state_.addresses.begin(), state_.addresses.end(), [&](const auto& address) {
    return address.link_index == index && address.prefix == must_parse(prefix);
  });
  assert(found != state_.addresses.end());
  found->usable = false;
  found->deprecated = true;
  note({.addresses = true});
}

void FakeKernel::advertise_router(std::string_view name, std::string_view gateway, unsigned lifetime,
                                  const std::string& attributes) {
  Route route;
  route.table = kMainTable;
  route.destination = IpPrefix::default_of(Family::v6);
  route.metric = kRouterMetric;
  route.protocol = kProtocolRouterAdvertisement;
  route.next_hops = {{find(name).index, must_parse(gateway).address, 1}};
  route.attributes = attributes;
  const auto same = [&](const Route& other) {
    return other.protocol == route.protocol && other.destination == route.destination &&
           other.next_hops == route.next_hops;
  };
  if (lifetime == 0) return remove_routes(same);
  const auto known = std::find_if(state_.routes.begin(), state_.routes.end(), same);
  if (known != state_.routes.end()) {
    known->attributes = attributes;  // without a notification of its own: that of the address tells of it
    return note({.addresses = true});
  }
  const auto place = std::find_if(state_.routes.begin(), state_.routes.end(), [&](const Route& other) {
    return same_entry(other, route) && other.metric > route.metric;
  });
  state_.routes.insert(place, std::move(route));
  note({.routes = true});
}

Result<void> FakeKernel::add_route(Route route, AddMode mode) {
  route = normalised(std::move(route));
  if (auto checked = check_next_hops(route); !checked) return checked;
  return insert(std::move(route), mode);
}

Result<void> FakeKernel::delete_route(const Route& route) {
  const auto found = std::find(state_.routes.begin(), state_.routes.end(), normalised(route));
  if (found == state_.routes.end()) return failure(ESRCH);
  state_.routes.erase(found);
  note({.routes = true});
  return {};
}

void FakeKernel::fail_applies(int code, unsigned times) {
  apply_error_ = code;
  failing_applies_ = times;
}

void FakeKernel::fail_reads(int code, unsigned times) {
  read_error_ = code;
  failing_reads_ = times;
}

void FakeKernel::lose_notifications() {
  note({.overrun = true});
}

const Link& FakeKernel::link(std::string_view name) const {
  const Link* found = state_.link_named(name);
  assert(found != nullptr);
  return *found;
}

Link& FakeKernel::find(std::string_view name) {
  return const_cast<Link&>(std::as_const(*this).link(name));
}

bool FakeKernel::is_alive(const NextHop& hop) const {
  const Link* link = state_.link_at(hop.link_index);
  return link != nullptr && link->admin_up;
}

bool FakeKernel::is_dead(const Route& route) const {
  return !route.next_hops.empty() && std::none_of(route.next_hops.begin(), route.next_hops.end(),
                                                  [&](const NextHop& hop) { return is_alive(hop); });
}

/// A gateway must be on the link: some route without a gateway leads to it through that device.
Result<void> FakeKernel::check_next_hops(const Route& route) const {
  const Family family = route.destination.address.family();
  for (const auto& hop : route.next_hops) {
    const Link* link = state_.link_at(hop.link_index);
    if (link == nullptr) return failure(ENODEV);
    const bool needs_no_route =
        !hop.gateway || hop.onlink || (family == Family::v6 && hop.gateway->is_link_local());
    if (needs_no_route && !link->admin_up) return failure(ENETDOWN);
    if (needs_no_route) continue;
    if (!is_on_link(*hop.gateway, *link, route.table))
      return failure(family == Family::v4 ? ENETUNREACH : EHOSTUNREACH);
  }
  const bool some_without = std::any_of(route.next_hops.begin(), route.next_hops.end(),
                                        [](const NextHop& hop) { return !hop.gateway; });
  if (family == Family::v6 && route.next_hops.size() > 1 && some_without) return failure(EINVAL);
  return {};
}

/// Within an entry by metric; within a metric as `mode` says (fib_table_insert of Linux).
Result<void> FakeKernel::insert(Route route, AddMode mode) {
  auto& routes = state_.routes;
  const auto first_equal = std::find_if(routes.begin(), routes.end(),
                                        [&](const Route& other) { return same_metric(other, route); });
  if (first_equal != routes.end()) {
    if (mode == AddMode::add) return failure(EEXIST);
    const auto identical = std::find(routes.begin(), routes.end(), route);
    if (mode == AddMode::replace) {
      if (identical == first_equal) return {};
      if (identical != routes.end()) return failure(EEXIST);
      *first_equal = std::move(route);
      note({.routes = true});
      return {};
    }
    if (identical != routes.end()) return failure(EEXIST);
    // Linux would merge two with gateways into one multipath route.
    assert((!is_v6(route) || !has_gateway(route)) && "beside an IPv6 route of the same metric: not modelled");
  }
  const auto place = std::find_if(routes.begin(), routes.end(), [&](const Route& other) {
    return same_entry(other, route) &&
           (mode == AddMode::append ? other.metric > route.metric : other.metric >= route.metric);
  });
  routes.insert(place, std::move(route));
  note({.routes = true});
  return {};
}

void FakeKernel::insert_connected(const Link& link, const LinkAddress& address) {
  const Family family = address.prefix.address.family();
  const auto host_bits = static_cast<std::uint8_t>(address.prefix.address.size() * 8);
  Route local;
  local.table = kLocalTable;
  local.destination = {address.prefix.address, host_bits};
  local.protocol = kProtocolKernel;
  local.type = RouteType::local;
  local.next_hops = {{link.index, std::nullopt, 1}};
  (void)insert(local, AddMode::append);
  if (address.prefix.length == host_bits && !address.peer) return;
  Route connected;
  connected.table = kMainTable;
  connected.destination = connected_prefix(address);
  connected.metric = family == Family::v4 ? 0 : kIpv6ConnectedMetric;
  connected.protocol = kProtocolKernel;
  connected.link_scope = family == Family::v4;
  connected.next_hops = local.next_hops;
  if (family == Family::v4) connected.source = address.prefix.address;
  (void)insert(connected, AddMode::append);
}

void FakeKernel::remove_routes(const std::function<bool(const Route&)>& which) {
  if (std::erase_if(state_.routes, which) > 0) note({.routes = true});
}

void FakeKernel::note(const KernelChange& change) {
  pending_.links |= change.links;
  pending_.addresses |= change.addresses;
  pending_.routes |= change.routes;
  pending_.rules |= change.rules;
  pending_.overrun |= change.overrun;
  if (delivery_posted_ || !on_change_) return;
  delivery_posted_ = true;
  scheduler_.post([this] {
    delivery_posted_ = false;
    auto delivered = std::exchange(pending_, {});
    // Of what was lost nothing is known but that it was.
    if (delivered.overrun) delivered = {.overrun = true};
    on_change_(delivered);
  });
}

}  // namespace multilink::fakes
