// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "multilink/adapters/status_source.hpp"
#include "multilink/core/history_series.hpp"
#include "multilink/core/records.hpp"

namespace multilink {

/// Both families' records of [begin, end), in order; nothing that is stored gives empty ones. What is refused in Redis
/// counts as not stored. An Error names Redis.
Result<std::vector<NamedSeries>> read_history(const StatusSource& source, const std::string& uplink,
                                              HistoryStep step, HistoryTime begin, HistoryTime end,
                                              Duration deadline);

/// All events since then that Redis still has; what is none is left out.
Result<std::vector<EventRecord>> read_events(const StatusSource& source, WallTime since, Duration deadline);

}  // namespace multilink
