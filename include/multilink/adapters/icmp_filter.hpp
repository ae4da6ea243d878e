// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/core/result.hpp"
#include "multilink/ports/prober.hpp"

namespace multilink {

/// Puts a classic BPF program on a raw ICMP socket of the family that lets through what Prober::listen promises and
/// nothing else: echo replies with an identifier of ours, and unreachables that quote an echo request with
/// one. So other programs' pings cost this one nothing. A program that is there already is replaced.
Result<void> attach_icmp_filter(int socket, Family family, const ProbeIdentity& identity);

}  // namespace multilink
