// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/link_trace.hpp"
#include "multilink/core/records.hpp"

namespace multilink {

/// The link as the stored probes of one uplink and family saw it.
struct StoredTrace {
  LinkTrace trace;  ///< may be empty
  WallTime begin;   ///< when its first probe was sent
};

/// Takes the probes of one boot only, that of most (`probes` in any order): monotonic times compare within one. Probes of a
/// target that was set aside at the time are left out: they say nothing about the link.
StoredTrace trace_of_stored(std::vector<ProbeRecord> probes);

}  // namespace multilink
