// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>

#include "sim/rule.hpp"

namespace multilink::sim {

/// The decision rules of other programs, as small models made from their manuals and from what was measured of them:
/// when they probe, what they count, when they decide. What a switch then costs is not in it. All begin with a link that
/// is up. peers_test.cpp holds each against the outage measured of the real program.

/// keepalived with a script that pings once a second, three failures (`interval 1`, `fall 3`): keepalived.conf(5).
/// Two numbers are chosen, since the configuration that was measured is not known: the script waits 0.5 s (with `fall 1`
/// an outage of 0.8 s was measured, so that it cannot have waited a second), and `rise 3`. After that, VRRP (RFC 5798)
/// waits three adverts and a skew before it is master again: 3.6 s. (Measured: 3.34 s until the switch, 6.3 s back.)
Decisions follow_keepalived(const Carry& carry, Duration end, std::mt19937_64& random);

/// lsm (Link Status Monitor) with the defaults of lsm.conf: a probe each second, lost after a second, decisions each
/// second over the last 100 probes but the newest. Down: 7 missing in a row (lost or still waited for), or 15 lost. Up:
/// 10 answered in time in a row and at most 5 lost.
Decisions follow_lsm(const Carry& carry, Duration end, std::mt19937_64& random);

/// dpinger as pfSense runs it: a probe each 500 ms, over 60 s and the 2 s after which a probe is lost; each second it
/// compares the loss in whole percent with 20, and the mean RTT with 500 ms. The alarm ends when both have been low for
/// 10 of these looks.
Decisions follow_dpinger(const Carry& carry, Duration end, std::mt19937_64& random);

/// mwan3 as it is shipped: each turn asks four targets one after the other, one ping each that waits 4 s, until two have
/// answered (`reliability 2`); the next turn comes 10 s after. Five failed turns in a row (`down 5`) take the link down,
/// five good ones (`up 5`) bring it back. All targets lie behind the link, so that each is as reachable as it is.
Decisions follow_mwan3(const Carry& carry, Duration end, std::mt19937_64& random);

/// The shell loop that people write: `ping -c 1 -W 1`, `sleep 1`, three losses in a row. Chosen: three answers bring it
/// back (measured: 2.7 s).
Decisions follow_shell_loop(const Carry& carry, Duration end, std::mt19937_64& random);

inline constexpr std::array<Rule, 5> kPeers{{
    {"keepalived", follow_keepalived},
    {"shell loop", follow_shell_loop},
    {"lsm", follow_lsm},
    {"dpinger", follow_dpinger},
    {"mwan3", follow_mwan3},
}};

}  // namespace multilink::sim
