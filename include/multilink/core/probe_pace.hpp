// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "multilink/core/time.hpp"

namespace multilink {

/// The pause from one regular probe to the next: `interval` on average, never more than kMostPause of it, so that a
/// link without traffic is not watched more slowly for it.
///
/// Additive random sampling (RFC 2330, 11.1.1: a sampler in step with what it samples sees one phase of it only). A
/// link that loses 200 ms of each second would read as one that loses all or nothing; moving probes to and fro around
/// a fixed grid would hardly help, since they would stay near the same phase. Pauses of (1.08 - 0.64 u^7) intervals, u
/// even in [0, 1), are mostly a shade longer than the interval and now and then down to half of it: whatever the period
/// of the loss, its share over 60 probes is then met within about twice the error of independent probes (tried for
/// periods from a twentieth to 15 times the interval).
///
/// `random`: 64 random bits, of which the upper 53 count. All 0: the longest pause.
Duration pause_to_next_probe(Duration interval, std::uint64_t random);

/// In intervals.
constexpr double kMostPause = 1.08;

}  // namespace multilink
