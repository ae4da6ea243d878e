// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "multilink/core/records.hpp"

namespace multilink {

/// What is known of an uplink when its drill begins.
struct DrillBefore {
  std::string uplink;
  std::set<Family> up;           ///< the families in which it was up
  std::set<Family> carried;      ///< and carried the default
  bool waits_at_return = false;  ///< failback = manual: the route does not come back by itself
};

/// What users would have felt of a drill, by the events.
struct DrillReport {
  struct PerFamily {
    bool carried = false;              ///< the default, when it began
    std::optional<Duration> noticed;   ///< from the drill's begin until the uplink was no longer up
    std::optional<Duration> switched;  ///< likewise until the default route had left it
    std::string to;                    ///< where the traffic went
    std::optional<Duration> up_again;  ///< from the drill's end
    std::optional<Duration> returned;  ///< likewise until the default route was back

    /// How long users were without an answer: until the switch, of a family that carried.
    std::optional<Duration> felt() const;
  };
  struct Moved {  ///< connections that were taken to another uplink or ended
    Family family = Family::v4;
    Duration after{};    ///< from the drill's begin
    std::string reason;  ///< routed's: why, and how many of each kind
  };

  std::string uplink;
  std::string id;
  std::optional<WallTime> begun;  ///< none: it was not
  std::optional<WallTime> ended;
  std::string refused;  ///< routed's reason; empty: it was not
  std::string end_reason;
  std::string
      cut_short;  ///< what else became of the uplink meanwhile: the figures are not of the drill alone
  std::map<Family, PerFamily> families;
  std::vector<Moved> moved;
  bool waits_at_return = false;

  /// Everybody who had to notice has, and the traffic went elsewhere.
  bool failed_over() const;
  /// It is up again, and carries again what it carried.
  bool came_back() const;
};

/// `events`: newest first, as Redis gives them.
DrillReport make_drill_report(const DrillBefore& before, const std::string& id,
                              const std::vector<EventRecord>& events);

std::string render_drill_text(const DrillReport& report);
/// One object; times are milliseconds, null: it did not happen.
std::string render_drill_json(const DrillReport& report);

}  // namespace multilink
