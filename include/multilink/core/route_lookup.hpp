// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
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

/// Whether the rule takes the packet. Not if it selects by what Rule does not hold.
bool selects(const Rule& rule, const Flow& packet);

/// A rule that took the packet, and what came of it.
struct RuleStep {
  enum class Outcome : std::uint8_t {
    no_route,    ///< in its table; or the route there says `throw`
    suppressed,  ///< a route was found, and is too short for suppress_prefixlength
    decided,
  };
  const Rule* rule = nullptr;
  Outcome outcome = Outcome::no_route;

  bool operator==(const RuleStep&) const = default;
};

/// What a lookup came to. The pointers are into the state that was looked at, and null where there is no such thing.
struct RouteAnswer {
  LookupEnd end = LookupEnd::no_route;
  const Rule* rule = nullptr;    ///< at which the lookup ended
  const Route* route = nullptr;  ///< that decided, with all its hops
  /// The hop it takes: of several the first one that is alive, where the kernel goes by a hash. On the link of `oif`
  /// where there is no route: Linux takes an IPv4 destination for on-link when the socket is bound to a device.
  std::optional<NextHop> hop = std::nullopt;
  std::vector<RuleStep> steps = {};  ///< the rules that took the packet, in their order
  std::size_t others = 0;            ///< rules before that end which did not
  /// Of those the ones that select by what Rule does not hold: taken not to fit.
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
