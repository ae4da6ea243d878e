// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/doctor.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// Tries what routed does (policy routing, routes of several hops, the nftables table, connection tracking, the destruction of
/// sockets) with the adapters that it uses, in a child process with a network namespace of its own, so that nothing of this host
/// is touched but for modules that the kernel loads. Without root in a user namespace as well. The Error: there is no such
/// namespace to be had. Call while the process has one thread.
Result<std::vector<FeatureTrial>> try_kernel();

}  // namespace multilink
