// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// A packet, as routing sees it before it leaves.
struct Flow {
  IpAddress destination;
  std::optional<IpAddress> from = std::nullopt;  ///< none: not chosen yet
  std::uint32_t mark = 0;
  std::string oif{};  ///< the device the socket is bound to; empty: none
  std::uint32_t uid = 0;
  std::string iif{};                                       ///< by which it came in; empty: this host sends it
  std::optional<std::uint8_t> ip_protocol = std::nullopt;  ///< 6 for TCP; none: known to nobody
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

enum class LookupEnd : std::uint8_t {
  carried,
  no_route,     ///< no route, or a rule says unreachable (the kernel: ENETUNREACH)
  unreachable,  ///< a route says so (EHOSTUNREACH)
  blackhole,    ///< (EINVAL)
  prohibited,   ///< (EACCES)
};

/// What a lookup came to. The pointers are into the state that was looked at, and null where there is no such thing.
struct RouteAnswer {
  LookupEnd end = LookupEnd::no_route;
  const Rule* rule = nullptr;    ///< at which the lookup ended
  const Route* route = nullptr;  ///< that decided, with all its hops
  /// The hop it takes: of several the first one that is alive, where the kernel goes by a hash. On the link of `oif`
  /// where there is no route: Linux takes an IPv4 destination for on-link when the socket is bound to a device.
  std::optional<NextHop> hop = std::nullopt;
  /// Rules before that end which select by what Rule does not hold: taken not to fit.
  std::vector<const Rule*> passed_over = {};
};

using RouteFilter = std::function<bool(const Route&)>;

/// Where the kernel sends the packet: its rules in order, in a table the longest prefix, then the kernel's own order,
/// which is that of state.routes (fib_rules_lookup() and fib_table_lookup() of Linux). An error of a route ends the
/// lookup before suppress_prefixlength is looked at; a next hop over a device that is down counts for nothing. Only
/// routes that `accepts` are looked at, if it is given. `state` needs the routes that hold the destination, table
/// `local` included where the destination may be this host.
RouteAnswer look_up_route(const KernelState& state, const Flow& flow, const RouteFilter& accepts = {});

/// The same in one table, without rules; null where nothing in it fits.
const Route* look_up_table(const KernelState& state, std::uint32_t table, const Flow& flow,
                           const RouteFilter& accepts = {});

}  // namespace multilink
