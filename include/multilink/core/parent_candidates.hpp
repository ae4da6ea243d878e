// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "multilink/core/parent_choice.hpp"
#include "multilink/core/records.hpp"

namespace multilink {

/// An uplink that has a parent.
struct ParentUplink {
  std::string name;
  bool metered = false;  ///< its traffic is paid for by volume

  bool operator==(const ParentUplink&) const = default;
};

/// Whose parents may serve a request now, in the order of `uplinks`: those whose uplink is up and enabled, whatever its
/// precedence. `health`: the last word of healthd of each; who is missing is no candidate.
///
/// - Where an uplink is up in IPv4, those that are not do not count: most of the web has IPv4, much of it nothing else.
/// - A metered one counts only where no other does.
/// - Where none is up, those of which nothing is known (their probes have stopped) do; one that is suspect or down never.
///
/// The RTT is that of IPv4 where that is what it is chosen for.
std::vector<ParentCandidate> parent_candidates(const std::vector<ParentUplink>& uplinks,
                                               const std::map<std::string, HealthRecord>& health);

}  // namespace multilink
