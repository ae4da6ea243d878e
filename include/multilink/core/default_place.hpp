// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// The defaults of `main`, ours among those of others, and what brings ours before them.
///
/// Ours rests at RoutingNumbers::default_metric, where no DHCP client adds, replaces or deletes. A foreign default
/// of a lower metric that leads elsewhere is passed by *the front*: the same default in the table
/// RoutingNumbers::table_base, and before each foreign rule that looks up all of `main` two of ours which select
/// the same packets: `lookup main suppress_prefixlength 0`, so that the specific routes of `main` come first as
/// ever, and `lookup TABLE`. So `main` is left to the others, whatever they do to their defaults.
///
/// Before each such rule, not before the last alone: Tailscale, say, sends its own packets to `main` by one with a
/// mark. A rule that is inverted or selects by what Rule does not hold is left out.

/// The default route of `main` that the kernel uses: lowest metric, first in order. Null: there is none.
const Route* leading_default(const KernelState& state, Family family);
/// The owned default in `main` (the leading one, should there be several). Null: there is none.
const Route* owned_default(const KernelState& state, Family family, const RoutingNumbers& numbers);
/// The owned default that carries or would: that of the front where it is on, else that of `main`. Null: none.
const Route* present_default(const KernelState& state, Family family, const RoutingNumbers& numbers);
/// The next hops of our default if the kernel really uses them: the front is on, or no other default of `main` stands
/// before ours, but for one with the same next hops.
std::vector<NextHop> hops_in_force(const KernelState& state, Family family, const RoutingNumbers& numbers);

/// Of the kernel's own rule that leads all packets to `main`.
inline constexpr std::uint32_t kMainRulePriority = 32766;

/// The rule that leads all packets to `main` where nobody else's does any more (`ip rule flush` takes the kernel's away, and
/// with it the way to everywhere); none where one does.
std::optional<Rule> stand_in_for_main(const KernelState& state, Family family, const RoutingNumbers& numbers);

/// Where a default over some next hops is to be.
struct DefaultPlace {
  std::uint32_t metric = 0;  ///< in `main`
  bool front = false;        ///< whether it needs the front as well
};

/// - The metric stays what it is while no foreign default has it, so that a client may take its own away and put it
///   back; else it is the lowest free one from default_metric on.
/// - The front is for a foreign default before ours with other next hops. Once on, it stays while there is none: a
///   client's renewal would else lead the traffic astray until it is on again.
/// - A foreign default before ours that ends the lookup (unreachable and the like, of a kill switch) ends it also in
///   `lookup main suppress_prefixlength 0`. There ours takes the same metric, and stands in front; for IPv6, which
///   knows no order within a metric, the one below. Nothing precedes an IPv6 one of metric 1.
DefaultPlace place_default(const std::vector<NextHop>& hops, const KernelState& state, Family family,
                           const RoutingNumbers& numbers);

/// Where rules of ours stand that are to decide before `main` does: before each foreign rule that looks up all of it,
/// with the same selectors and no action. In the kernel's order, none twice.
std::vector<Rule> places_before_main(const KernelState& state, Family family, const RoutingNumbers& numbers);

/// The first rule of ours at such a place: the specific routes of `main` come before all else. Where it takes all packets
/// it says so as "not to 0.0.0.0", which none goes to: `wg-quick down` deletes, as long as there is one, each rule that
/// reads "from all lookup main suppress_prefixlength 0", whosoever it is.
Rule specifics_first(Rule place);

/// The rules of the front, by rising priority; two of a pair are to be in this order.
std::vector<Rule> front_rules(const KernelState& state, Family family, const RoutingNumbers& numbers);

}  // namespace multilink
