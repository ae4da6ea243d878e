// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "multilink/core/history_chart.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/status_snapshot.hpp"
#include "multilink/services/history_replies.hpp"

namespace multilink {

/// The pure part of reading the history that the status page shows.

struct WantedHistory {
  std::size_t uplink = 0;  ///< its place in the snapshot
  bool is_day = true;      ///< else what the charts are drawn from
  HistoryPiece piece;
};

/// The day of each uplink and family shown, and the hours of the month where the range asks for them. At least one piece if
/// there is an uplink.
std::vector<WantedHistory> history_wanted(const StatusSnapshot& snapshot, ChartRange range);
/// Puts the replies to append_history_reads() of all of `wanted` into the snapshot. What is refused becomes a problem.
void take_history_replies(const RedisKeys& keys, const std::vector<WantedHistory>& wanted,
                          std::span<const Reply> replies, StatusSnapshot& snapshot);

}  // namespace multilink
