// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "multilink/core/link_replay.hpp"
#include "multilink/core/link_trace.hpp"

namespace multilink {

/// What one choice of settings makes of a recorded link.
struct ReplayRun {
  std::string name;  ///< "as configured", or the settings that were changed
  std::vector<LinkReplay::Change> changes;
  unsigned suspects = 0;
  unsigned downs = 0;
  Duration not_up{};  ///< from the first time it was up
  double probes_per_second = 0;
};

/// A recording, and what was made of it.
struct ReplayReport {
  std::string what;  ///< "wan1 IPv4", or the file
  std::size_t probes = 0;
  std::size_t lost = 0;
  Duration length{};
  std::optional<WallTime> begin;  ///< none: not known
  std::vector<ReplayRun> runs;
};

/// The beginning of a recording, in LinkReplay::Change.
inline constexpr MonoTime kReplayStart{std::chrono::hours(1)};

/// `trace` is not empty.
ReplayReport describe_trace(std::string what, const LinkTrace& trace, std::optional<WallTime> begin);
/// `trace` is not empty, `uplink` has a target.
ReplayRun replay_trace(std::string name, const UplinkConfig& uplink, const LinkTrace& trace);

/// For people: a line about the recording, a table of the runs, then what happened in each.
std::string render_replay_text(const ReplayReport& report);
/// docs/replay.md gives the members.
std::string render_replay_json(const ReplayReport& report);

}  // namespace multilink
