// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/history_place.hpp"
#include "multilink/core/history_record.hpp"

namespace multilink {

/// Successive records of one uplink and family, without a gap: what nobody watched is an empty record.
struct HistorySeries {
  HistoryStep step = HistoryStep::minute;
  HistoryTime begin;
  std::vector<HistoryRecord> records;

  HistoryTime time_of(std::size_t index) const { return begin + length_of(step) * static_cast<int>(index); }
  HistoryTime end() const { return time_of(records.size()); }
  bool is_empty() const;  ///< nobody watched at all

  bool operator==(const HistorySeries&) const = default;
};

/// The last `count` records, or all if there are less.
HistorySeries last_of(const HistorySeries& series, std::size_t count);

/// The series with each `group` (> 0) successive records as one, counted from its end; the first group may be smaller.
std::vector<HistoryRecord> grouped(const HistorySeries& series, std::size_t group);

/// A state's part of the time in which somebody watched, in percent: "99.98 %"; "-" where nobody did. Never rounded up to
/// 100, nor down to 0: rather with more than `digits` behind the point.
std::string format_share(Duration part, Duration whole, int digits = 3);

/// One series with its place, for export.
struct NamedSeries {
  std::string uplink;
  Family family = Family::v4;
  HistorySeries series;
};

/// Comma-separated values (RFC 4180), a line for each record that is not empty, with a head line; docs/history.md. A name
/// that a spreadsheet would take for a formula gets a ' in front.
std::string render_history_csv(const std::vector<NamedSeries>& all);
/// The same as JSON.
std::string render_history_json(std::string_view site, const std::vector<NamedSeries>& all);
/// The same as a table for people. `step`: what was asked for, which tells what to do where nothing is stored.
std::string render_history_text(const std::vector<NamedSeries>& all, HistoryStep step);

}  // namespace multilink
