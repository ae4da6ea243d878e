// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace_folder.hpp"
#include "sim/trace_score.hpp"

namespace multilink::sim {

/// What multilink made of one series, by itself.
struct Findings {
  /// Something at a time of a run, for a list.
  struct Case {
    std::size_t segment = 0;  ///< 0: the first
    Duration from{};          ///< since the segment's beginning
    Duration to{};
    std::string what{};
  };

  Duration time{};
  std::size_t suspects = 0;
  std::size_t downs = 0;
  std::size_t long_silences = 0;    ///< of more than evict_after
  std::vector<Case> unnoticed{};    ///< of these, through which the link was held to be up
  std::vector<Case> wrong_downs{};  ///< in segments in which something always arrived within evict_after

  double hours() const { return std::chrono::duration<double, std::ratio<3600>>(time).count(); }
  Findings& operator+=(const Findings& other);
};

/// The two ways to follow a series of many short recordings.
///
/// `apart`: each recording by itself, from a fresh start in which the link is up. No rule sees what was not there, but the
/// slow ones have hardly begun when half a minute is over (and dpinger, with a window still short, is quicker than it is).
/// `joined`: one run over all of them put end to end (put_end_to_end), as a daemon lives: windows fill, damping acts.
enum class Way : std::uint8_t { apart, joined };

struct RuleScore {
  std::string_view rule;
  GatewayScore score;
};

/// Scores of all rules: multilink's first.
using Scores = std::vector<RuleScore>;

struct SeriesResult {
  std::string name;
  std::string link;
  Findings apart{};
  Findings joined{};
  /// Of a gateway whose first uplink this is, and whose second always works.
  Scores apart_scores{};
  Scores joined_scores{};
};

struct GroupResult {
  std::string name;
  std::size_t links = 0;
  std::size_t sessions = 0;
  Scores apart{};
  Scores joined{};
};

struct Comparison {
  unsigned phases = 1;  ///< how often everything was followed
  std::vector<SeriesResult> series;
  std::vector<GroupResult> groups;
};

/// Follows everything with every rule, `phases` times with other phases of the rules' timers (the sums are of all of
/// them). The same folder and number give the same result.
Comparison compare_traces(const TraceFolder& folder, unsigned phases);

}  // namespace multilink::sim
