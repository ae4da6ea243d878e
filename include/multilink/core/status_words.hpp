// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// One line about an uplink and family, in the words that the page and the terminal share. What is not known
/// is "unknown"; figures that do not exist yet are "-".
struct UplinkWords {
  HealthState state = HealthState::unknown;
  std::string order;    ///< behind the state: "", " (disabled)", " (drained)"
  std::string status;   ///< TRUE, FALSE or unknown: may traffic of this family use it
  std::string traffic;  ///< "carries", "standby" (it could carry), "none" (it could not) or "unknown"
  std::string loss;
  std::string rtt;
  std::string jitter;
  std::string last_probe;  ///< "answered, 0 s ago"

  bool operator==(const UplinkWords&) const = default;
};

UplinkWords describe(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family);

/// What the administrator has ordered of the uplink and until when; empty: nothing. `carries`: the default goes by it.
std::string order_sentence(const HealthRecord& health, bool carries);

/// Why the family's state is what it is, and the targets that are set aside. Untrusted text.
std::string remarks(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family);

}  // namespace multilink
