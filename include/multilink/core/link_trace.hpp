// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// One recorded probe.
struct TraceSample {
  Duration at{};                ///< of sending, since the beginning of the series
  std::optional<Duration> rtt;  ///< none: lost. A late answer keeps its true round-trip time.

  bool operator==(const TraceSample&) const = default;
};

/// A recorded series of probes over one link, in order of sending.
using LinkTrace = std::vector<TraceSample>;

/// Reads CSV: "seconds,rtt_ms" a line, an empty rtt for a lost probe; lines that begin with '#', blank ones and a first
/// line of column names are skipped. Seconds must not run backwards; they are taken relative to the first. An Error
/// names file:line.
Result<LinkTrace> parse_link_trace(std::string_view text, std::string_view file);

/// The link of a recorded series, for probes sent between the recorded ones.
///
/// One lost sample by itself is one lost probe: the first that is sent between it and the next sample. Two or more in a
/// row are silence for everything sent from the first of them to the next answered sample. Else a probe takes as long
/// as its neighbours, interpolated by the time of sending, so that answers do not overtake each other where they did
/// not in the recording.
class TracePlayer {
 public:
  /// `trace` is not empty and outlives this.
  explicit TracePlayer(const LinkTrace& trace) : trace_(trace) {}

  /// What becomes of a probe sent `at`, since the beginning: its round-trip time, or none: lost. `at` never decreases;
  /// before the first sample and after the last one these two count.
  std::optional<Duration> carry(Duration at);

 private:
  bool is_lost(std::size_t index) const { return !trace_[index].rtt; }
  bool is_in_silence(std::size_t index) const;
  std::optional<Duration> interpolate(Duration at) const;

  const LinkTrace& trace_;
  std::size_t index_ = 0;            // of the last sample sent by now
  std::optional<std::size_t> used_;  // the single lost sample that has taken its probe
};

}  // namespace multilink
