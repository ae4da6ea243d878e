// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/history_series.hpp"

namespace multilink {

/// How far back the charts of the page go.
enum class ChartRange : std::uint8_t { hour, day, month };
inline constexpr std::array<ChartRange, 3> kChartRanges{ChartRange::hour, ChartRange::day, ChartRange::month};

std::string_view to_string(ChartRange range);  ///< "1h", "24h", "30d": the word of the query
std::optional<ChartRange> parse_chart_range(std::string_view word);

/// What of the history a chart is drawn from: its records, and how many of them make one point.
struct ChartScale {
  HistoryStep step;
  std::size_t records;
  std::size_t group;
};
ChartScale scale_of(ChartRange range);

/// The records that a chart at `now` ends before: those that are not yet written are no gap.
HistoryTime chart_end(HistoryStep step, WallTime now);

/// Drawn on the server as SVG that needs nothing but the page's style, each with its figures as text: in its caption, and
/// as its title for those who do not see it. `series` is cut to what the range shows.
std::string render_state_strip(const HistorySeries& day);
std::string render_charts(const HistorySeries& series, ChartRange range);

}  // namespace multilink
