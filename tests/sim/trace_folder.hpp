// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "multilink/core/link_trace.hpp"
#include "multilink/core/result.hpp"

namespace multilink::sim {

/// One file of recorded probes.
struct TraceSeries {
  std::string name;                 ///< the file's, without ".csv"
  std::string link;                 ///< the kind of link, from the comment at its top; empty: none given
  std::vector<LinkTrace> segments;  ///< the recordings it was put together from, each with a time of its own
};

/// Series that were recorded side by side, as the uplinks of one gateway.
struct TraceGroup {
  std::string name;
  std::vector<std::size_t> members;  ///< indices into TraceFolder::series, in order of their names
};

struct TraceFolder {
  std::vector<TraceSeries> series;  ///< in order of their names
  std::vector<TraceGroup> groups;
};

/// Reads each *.csv of a folder (parse_link_trace), and its joins.json: for a file's name the second at which each of its
/// segments starts. A file that is not named there is one segment.
///
/// Which series belong together is known by their names (kGroups in the source). An Error names the file.
Result<TraceFolder> read_trace_folder(const std::filesystem::path& folder);

/// The length of a segment: up to its last probe.
Duration length_of(const LinkTrace& segment);

/// One gateway for a while: the same stretch of time on each of its links.
using Session = std::vector<LinkTrace>;

/// A group's segments side by side: the first with the first, and so on.
///
/// The recordings were made in sessions of half a minute, the same number of minutes apart on each link, but hold no
/// common clock: that the n-th sessions belong together is the best there is, and exact only until one link has missed
/// a session. What is asked of them is that failures of links that move together come at realistic times, not that each
/// single one does. A session lasts as long as the shortest of its segments; sessions that not all links have are left.
std::vector<Session> sessions_of(const TraceFolder& folder, const TraceGroup& group);

/// Sessions put end to end, with the time between them cut out: one run in which the slow rules (a loss over a minute,
/// five turns of ten seconds) and flap damping can act. A cut is as if the link's state changed within one probe spacing;
/// a silence at the end of a session goes on if the next one begins with one. It is the same for all rules.
Session put_end_to_end(const std::vector<Session>& sessions);

}  // namespace multilink::sim
