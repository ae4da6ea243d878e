// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "multilink/core/status_snapshot.hpp"
#include "multilink/core/status_summary.hpp"

namespace multilink {

/// With colour the states and the verdict are painted; they are words all the same.
enum class StatusPaint : std::uint8_t { none, colour };

/// The verdict as a line: "ok: All uplinks are up. fibre carries the traffic.".
std::string render_headline(const StatusSummary& summary, StatusPaint paint = StatusPaint::none);

/// The status for a terminal: the verdict, a table of the uplinks in aligned columns, the daemons and the
/// last events. Plain ASCII, but for the paint; untrusted text cannot carry control characters into the terminal.
std::string render_status_text(const StatusSnapshot& snapshot, StatusPaint paint = StatusPaint::none);

}  // namespace multilink
