// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "multilink/core/records.hpp"

namespace multilink {

/// One uplink in one family, as far as it matters to who carries the traffic.
struct Contender {
  bool enabled = true;
  LinkFact fact = LinkFact::ok;
  HealthState health = HealthState::unknown;
  bool answers = false;     ///< not up, and yet it answers
  unsigned precedence = 1;  ///< lower is better; equal numbers share a tier
  bool in_force = false;    ///< it carries the default now, or did last
  bool gave_way = false;    ///< gives_way() so far
  bool lets_go = false;     ///< this host's flows are to leave it for the better one that carries
  bool drained = false;     ///< carries only if no other usable one can
  bool waits = false;       ///< takes no traffic from one that is usable and in force (failback = manual)
};

/// Whether the uplink can be relied on: its link can carry (fact), it is enabled, and it is `up`, or `unknown` but in
/// force.
bool is_usable(const Contender& contender);

/// Whether what this host sends from the uplink's address may leave by another uplink, given who carries: the uplink is
/// `suspect` or `down`, or its link cannot carry, or it lets go, and there is a usable one that carries. Otherwise a socket
/// that is connected from that address would wait for a dead link as long as it lives, or stay on the backup. `unknown`
/// leaves it as it was.
bool gives_way(const Contender& contender, std::span<const Contender> carriers);

/// Who carries the traffic of a family: positions in `contenders`, ascending. Empty: leave the kernel as it
/// is, but that a disabled uplink stops to carry. `default_in_force`: there is an owned default, through whichever links.
///
/// An uplink whose link cannot carry (fact) or that is disabled is never chosen. Of the others
/// - *usable* are those that are `up`, and those that are `unknown` but in force: not knowing removes nothing
///   that works and adds nothing. The best tier with a usable member carries, and all usable members of it
///   share; those that wait are left out while another usable one is in force. Drained ones carry only where all usable
///   ones are;
/// - if none is usable, the least bad class keeps the traffic: `unknown`, then those that answer whatever their state,
///   then `suspect`, then `down`. Those of it that are in force stay, whatever their tier: moving from one bad link to another only cuts connections;
/// - if all are `unknown` and nothing is in force yet, nothing is added.
std::vector<std::size_t> choose_uplinks(std::span<const Contender> contenders, bool default_in_force);

/// Who carries a policy's traffic of a family: a position in `list`, which are the policy's uplinks, best first; `in_force`
/// tells which one it goes by now, or did last. None: it is refused.
///
/// As choose_uplinks() with a tier for each, but that
/// - an uplink that is `down` and does not answer is never chosen: there is nowhere else to look for a better one, and an
///   error at once serves the user more than silence. One that is `suspect` still is, if no other is better;
/// - one that is `unknown` is chosen at need though nothing was in force: the administrator has named it, and else the
///   traffic would be refused for mere ignorance.
std::optional<std::size_t> choose_for_policy(std::span<const Contender> list);

}  // namespace multilink
