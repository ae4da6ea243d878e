// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "multilink/core/records.hpp"

namespace multilink {

/// One uplink at a change of who carries a family.
struct SwitchParty {
  std::string uplink;
  bool carried = false;  ///< before
  bool carries = false;  ///< now
  LinkFact fact = LinkFact::ok;
  HealthState health = HealthState::unknown;
  std::string health_reason;             ///< healthd's, for people
  std::string health_event;              ///< id of the event that led to this health, may be empty
  std::optional<MonoTime> decided = {};  ///< when the probe that led to it was settled
  bool drained = false;                  ///< by the administrator
  bool undrained = false;                ///< no longer
};

struct SwitchReason {
  std::string text;                      ///< for people; empty: none of the uplinks explains it
  std::string event;                     ///< healthd's, if its word is the reason, else empty
  std::optional<MonoTime> decided = {};  ///< of the party whose health is the reason
};

/// Why the traffic moved: what became of an uplink that left, a lost link first, that it is drained last; if none of
/// those that left is at fault, that another one is drained no longer, or has come up.
SwitchReason explain_switch(const std::vector<SwitchParty>& parties);

}  // namespace multilink
