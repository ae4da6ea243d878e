// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_series.hpp"

#include <algorithm>
#include <span>

#include "multilink/core/text.hpp"

namespace multilink {

bool HistorySeries::is_empty() const {
  return std::ranges::all_of(records, &HistoryRecord::is_empty);
}

HistorySeries last_of(const HistorySeries& series, std::size_t count) {
  const auto left_away = series.records.size() - std::min(count, series.records.size());
  HistorySeries out{series.step, series.time_of(left_away), {}};
  out.records.assign(series.records.begin() + static_cast<std::ptrdiff_t>(left_away), series.records.end());
  return out;
}

std::vector<HistoryRecord> grouped(const HistorySeries& series, std::size_t group) {
  std::vector<HistoryRecord> out;
  std::span<const HistoryRecord> rest(series.records);
  for (std::size_t size = rest.size() % group; !rest.empty(); size = group) {
    if (size > 0) out.push_back(merge_history(rest.first(size)));
    rest = rest.subspan(size);
  }
  return out;
}

std::string format_share(Duration part, Duration whole, int digits) {
  if (whole <= Duration{}) return "-";
  const double percent = 100.0 * static_cast<double>(part.count()) / static_cast<double>(whole.count());
  constexpr double kLeast = 0.001;
  if (part > Duration{} && percent < kLeast) return "< 0.001 %";
  if (part < whole && percent > 100 - kLeast) return "> 99.999 %";
  const auto is_true = [&](std::string_view text) {
    return (part >= whole || text != "100") && (part <= Duration{} || text != "0");
  };
  auto text = format_decimal(percent, digits);
  while (!is_true(text)) text = format_decimal(percent, ++digits);
  return cat(text, " %");
}

}  // namespace multilink
