// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <nlohmann/json.hpp>

#include "multilink/core/history_series.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

constexpr int kJsonVersion = 1;

double seconds(Duration length) {
  return std::chrono::duration<double>(length).count();
}

double milliseconds(Duration length) {
  return std::chrono::duration<double, std::milli>(length).count();
}

Duration unknown_of(HistoryStep step, const HistoryRecord& record) {
  return std::max(length_of(step) - record.watched(), Duration{});
}

/// Empty where there is none.
std::string figure(const HistoryRecord& record, Duration value) {
  return record.answers() == 0 ? std::string() : format_decimal(milliseconds(value), 3);
}

std::string csv_text(std::string_view text) {
  constexpr std::string_view kFormula = "=+-@";
  std::string out = "\"";
  if (!text.empty() && kFormula.find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out += '"';
}

std::string csv_line(const NamedSeries& named, HistoryTime time, const HistoryRecord& record) {
  const auto step = named.series.step;
  const auto span = [](Duration length) { return format_decimal(seconds(length), 2); };
  return join({format_utc(time), csv_text(named.uplink), std::string(to_string(named.family)),
               span(length_of(step)), span(record.up), span(record.suspect), span(record.down),
               span(unknown_of(step, record)), cat(record.probes), cat(record.lost),
               figure(record, record.rtt), figure(record, record.rtt_most), figure(record, record.jitter)},
              ",") +
         "\r\n";
}

nlohmann::ordered_json to_json(HistoryStep step, HistoryTime time, const HistoryRecord& record) {
  const auto figure_or_null = [&](Duration value) {
    return record.answers() == 0 ? nlohmann::ordered_json(nullptr)
                                 : nlohmann::ordered_json(milliseconds(value));
  };
  return {{"time", format_utc(time)},
          {"up_s", seconds(record.up)},
          {"suspect_s", seconds(record.suspect)},
          {"down_s", seconds(record.down)},
          {"unknown_s", seconds(unknown_of(step, record))},
          {"probes", record.probes},
          {"lost", record.lost},
          {"rtt_ms", figure_or_null(record.rtt)},
          {"rtt_max_ms", figure_or_null(record.rtt_most)},
          {"jitter_ms", figure_or_null(record.jitter)}};
}

std::vector<std::string> row(const NamedSeries& named, HistoryTime time, const HistoryRecord& record) {
  const auto milliseconds_or_none = [&](Duration value) {
    return record.answers() == 0 ? std::string("-") : format_milliseconds(value);
  };
  const auto span = [](Duration length) { return cat(format_decimal(seconds(length), 2), " s"); };
  return {format_utc(time).substr(0, 16),
          cat("IPv", to_string(named.family)),
          span(record.up),
          span(record.suspect),
          span(record.down),
          record.probes == 0 ? "-" : cat(format_decimal(100 * record.loss(), 2), " %"),
          milliseconds_or_none(record.rtt),
          milliseconds_or_none(record.rtt_most),
          milliseconds_or_none(record.jitter)};
}

/// Calls with each record that is not empty.
template <class Visit>
void for_each_record(const NamedSeries& named, Visit visit) {
  for (std::size_t i = 0; i < named.series.records.size(); ++i) {
    const auto& record = named.series.records[i];
    if (!record.is_empty()) visit(named.series.time_of(i), record);
  }
}

}  // namespace

std::string render_history_csv(const std::vector<NamedSeries>& all) {
  std::string out =
      "time,uplink,family,length_s,up_s,suspect_s,down_s,unknown_s,probes,lost,rtt_ms,rtt_max_ms,jitter_"
      "ms\r\n";
  for (const auto& named : all) {
    for_each_record(
        named, [&](HistoryTime time, const HistoryRecord& record) { out += csv_line(named, time, record); });
  }
  return out;
}

std::string render_history_json(std::string_view site, const std::vector<NamedSeries>& all) {
  nlohmann::ordered_json json{
      {"version", kJsonVersion}, {"site", site}, {"history", nlohmann::ordered_json::array()}};
  for (const auto& named : all) {
    auto records = nlohmann::ordered_json::array();
    for_each_record(named, [&](HistoryTime time, const HistoryRecord& record) {
      records.push_back(to_json(named.series.step, time, record));
    });
    json["history"].push_back({{"uplink", named.uplink},
                               {"family", to_string(named.family)},
                               {"length_s", seconds(length_of(named.series.step))},
                               {"records", std::move(records)}});
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string render_history_text(const std::vector<NamedSeries>& all, HistoryStep step) {
  std::vector<std::vector<std::string>> rows{
      {"UTC", "FAMILY", "UP", "SUSPECT", "DOWN", "LOSS", "RTT", "MOST", "JITTER"}};
  for (const auto& named : all) {
    for_each_record(named, [&](HistoryTime time, const HistoryRecord& record) {
      rows.push_back(row(named, time, record));
    });
  }
  if (rows.size() > 1) return align_columns(rows);
  return cat("nothing is stored of this time",
             step == HistoryStep::hour ? "; the first hour is kept by the minute: --hours 1" : "", '\n');
}

}  // namespace multilink
