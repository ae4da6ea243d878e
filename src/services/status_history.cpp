// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/status_history.hpp"

#include <utility>

namespace multilink {
namespace {

HistoryPiece piece_of(const std::string& uplink, Family family, ChartRange range, WallTime now) {
  const auto scale = scale_of(range);
  const auto end = chart_end(scale.step, now);
  return {uplink, family, scale.step, end - length_of(scale.step) * static_cast<int>(scale.records), end};
}

}  // namespace

std::vector<WantedHistory> history_wanted(const StatusSnapshot& snapshot, ChartRange range) {
  std::vector<WantedHistory> out;
  for (std::size_t i = 0; i < snapshot.uplinks.size(); ++i) {
    const auto& uplink = snapshot.uplinks[i];
    for (const Family family : families_shown(uplink)) {
      out.push_back({i, true, piece_of(uplink.name, family, ChartRange::day, snapshot.at)});
      if (range != ChartRange::month) continue;
      out.push_back({i, false, piece_of(uplink.name, family, range, snapshot.at)});
    }
  }
  return out;
}

void take_history_replies(const RedisKeys& keys, const std::vector<WantedHistory>& wanted,
                          std::span<const Reply> replies, StatusSnapshot& snapshot) {
  for (const auto& [place, is_day, piece] : wanted) {
    const auto ranges = history_ranges(piece.step, piece.begin, piece.end);
    auto read = take_history(piece, replies.first(ranges.size()));
    replies = replies.subspan(ranges.size());
    if (read.refused) {
      snapshot.problems.push_back(
          {ranges.back().string.key(keys, piece.uplink, piece.family), *read.refused});
    }
    auto& shown = snapshot.uplinks[place].history[piece.family];
    (is_day ? shown.day : shown.chart) = {piece.step, piece.begin, std::move(read.records)};
  }
}

}  // namespace multilink
