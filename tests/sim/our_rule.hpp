// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/core/config.hpp"
#include "sim/rule.hpp"

namespace multilink::sim {

/// An uplink at its defaults, with three targets.
UplinkConfig default_uplink();

/// multilink's own core at its defaults (LinkReplay), without users' traffic: what it hears from probes alone. While it
/// does not know a link yet, until the first answer, it counts as usable, as with the other rules.
Decisions follow_multilink(const Carry& carry, Duration end, std::mt19937_64& random);

inline constexpr Rule kOurs{"multilink", follow_multilink};

}  // namespace multilink::sim
