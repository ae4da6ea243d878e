// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_chart.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "multilink/core/history_recorder.hpp"
#include "multilink/core/html.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

using namespace std::chrono;

constexpr std::size_t kStripGroup = 10;  // minutes
constexpr int kHeight = 100;

using Records = std::vector<HistoryRecord>;
/// A figure of a record, not negative; none: there is a gap.
using Figure = std::function<std::optional<double>(const HistoryRecord&)>;

double milliseconds_of(Duration length) {
  return duration<double, std::milli>(length).count();
}

/// The greatest figure; 0 of none.
double top_of(const Records& records, const Figure& figure) {
  double top = 0;
  for (const auto& record : records) top = std::max(top, figure(record).value_or(0));
  return top;
}

int height_of(double value, double top) {
  return kHeight - static_cast<int>(std::lround(kHeight * std::clamp(value / top, 0.0, 1.0)));
}

/// A line with gaps. What stands alone is a point.
std::string line(const Records& records, const Figure& figure, double top) {
  std::string out;
  bool goes_on = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto value = figure(records[i]);
    if (value) out += cat(goes_on ? "L" : "M", i, ' ', height_of(*value, top));
    const bool is_alone = value && !goes_on && (i + 1 == records.size() || !figure(records[i + 1]));
    if (is_alone) out += "h.1";
    goes_on = value.has_value();
  }
  return out;
}

/// Bars from the bottom, side by side.
std::string bars(const Records& records, const Figure& figure, double top) {
  std::string out;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const int height = kHeight - height_of(figure(records[i]).value_or(0), top);
    if (height == 0) continue;
    out += cat('M', i, ' ', kHeight, "v-", height, "h1v", height, 'z');
  }
  return out;
}

std::string path(std::string_view css, const std::string& drawing) {
  return drawing.empty() ? std::string() : cat("<path class=\"", css, "\" d=\"", drawing, "\"/>");
}

std::string svg(std::string_view css, std::size_t width, std::string_view title, std::string_view content) {
  return cat("<svg class=\"", css, "\" viewBox=\"0 0 ", std::max<std::size_t>(width, 1), ' ', kHeight,
             "\" preserveAspectRatio=\"none\" role=\"img\"><title>", title, "</title>", content, "</svg>");
}

std::string range_words(ChartRange range) {
  return range == ChartRange::hour ? "last hour" : range == ChartRange::day ? "last 24 h" : "last 30 d";
}

std::string chart(std::string_view name, std::string_view figures, ChartRange range, std::size_t width,
                  std::string_view scale, std::string_view content) {
  return cat("<figure><figcaption><b>", name, "</b> ", figures, "</figcaption>",
             svg("chart", width, cat(name, ", ", range_words(range), ": ", figures), content),
             "<p class=\"axis\"><span>",
             range == ChartRange::month ? "30 d"
             : range == ChartRange::day ? "24 h"
                                        : "1 h",
             " ago</span><span>", scale.empty() ? "" : "0 to ", scale,
             "</span><span>now</span></p></figure>\n");
}

std::string ms(double value) {
  return cat(format_decimal(value, value < 10 ? 2 : 1), " ms");
}

std::string percent(double ratio) {
  return cat(format_decimal(100 * ratio, 2), " %");
}

std::string rtt_chart(const Records& records, const HistoryRecord& all, ChartRange range) {
  const Figure mean = [](const HistoryRecord& record) {
    return record.answers() > 0 ? std::optional(milliseconds_of(record.rtt)) : std::nullopt;
  };
  const Figure most = [](const HistoryRecord& record) {
    return record.answers() > 0 ? std::optional(milliseconds_of(record.rtt_most)) : std::nullopt;
  };
  if (all.answers() == 0)
    return chart("RTT", all.probes == 0 ? "none measured" : "no answer", range, 1, "", "");
  // One slow answer must not flatten the rest: it goes out of the picture, and is told in words.
  const double top = std::min(top_of(records, most), 2 * top_of(records, mean));
  return chart("RTT",
               cat("mean ", ms(milliseconds_of(all.rtt)), ", greatest ", ms(milliseconds_of(all.rtt_most))),
               range, records.size(), ms(top),
               path("band", bars(records, most, top)) + path("line", line(records, mean, top)));
}

std::string loss_chart(const Records& records, const HistoryRecord& all, ChartRange range) {
  constexpr double kLeastTop = 0.01;
  const Figure loss = [](const HistoryRecord& record) {
    return record.probes > 0 ? std::optional(record.loss()) : std::nullopt;
  };
  if (all.probes == 0) return chart("Loss", "none measured", range, 1, "", "");
  const double top = std::max(top_of(records, loss), kLeastTop);
  return chart("Loss", cat(percent(all.loss()), ", ", all.lost, " of ", all.probes, " probes"), range,
               records.size(), percent(top), path("failed", bars(records, loss, top)));
}

std::string jitter_chart(const Records& records, const HistoryRecord& all, ChartRange range) {
  const Figure jitter = [](const HistoryRecord& record) {
    return record.answers() > 0 ? std::optional(milliseconds_of(record.jitter)) : std::nullopt;
  };
  const double top = top_of(records, jitter);
  if (top <= 0) return chart("Jitter", "none measured", range, 1, "", "");
  return chart("Jitter", cat("mean ", ms(milliseconds_of(all.jitter))), range, records.size(), ms(top),
               path("line", line(records, jitter, top)));
}

}  // namespace

std::string_view to_string(ChartRange range) {
  return range == ChartRange::hour ? "1h" : range == ChartRange::day ? "24h" : "30d";
}

std::optional<ChartRange> parse_chart_range(std::string_view word) {
  const auto found = std::ranges::find(kChartRanges, word, [](ChartRange range) { return to_string(range); });
  return found == kChartRanges.end() ? std::nullopt : std::optional(*found);
}

ChartScale scale_of(ChartRange range) {
  switch (range) {
    case ChartRange::hour:
      return {HistoryStep::minute, 60, 1};
    case ChartRange::day:
      return {HistoryStep::minute, 1440, 10};
    case ChartRange::month:
      break;
  }
  return {HistoryStep::hour, 720, 4};
}

HistoryTime chart_end(HistoryStep step, WallTime now) {
  if (step == HistoryStep::hour)
    return floor<hours>(now) + hours(1);  // the present one is written as it grows
  constexpr auto kWritten = HistoryRecorder::kSettling + seconds(2);
  return floor<minutes>(now - kWritten);
}

std::string render_state_strip(const HistorySeries& day) {
  struct State {
    std::string_view css;
    int height;  // so that it is seen without colours as well
    std::string drawing;
  };
  std::array<State, 3> states{{{"ok", 40, {}}, {"attention", 70, {}}, {"failed", kHeight, {}}}};
  const auto groups = grouped(day, kStripGroup);
  for (std::size_t i = 0; i < groups.size();) {
    // The gravest of each: an outage of a moment is seen.
    const auto worst = [&](std::size_t at) -> std::size_t {
      const auto& group = groups[at];
      return group.down > Duration{} ? 2 : group.suspect > Duration{} ? 1 : group.up > Duration{} ? 0 : 3;
    };
    const auto which = worst(i);
    const auto first = i;
    while (i < groups.size() && worst(i) == which) ++i;
    if (which == states.size()) continue;
    auto& [css, height, drawing] = states.at(which);
    drawing += cat('M', first, ' ', kHeight, "v-", height, 'h', i - first, 'v', height, 'z');
  }
  std::string content;
  for (const auto& [css, height, drawing] : states) content += path(css, drawing);
  const auto all = merge_history(day.records);
  const auto length = length_of(day.step) * static_cast<int>(day.records.size());
  const auto words = html_text(all.watched() == Duration{}
                                   ? std::string("not measured")
                                   : cat(format_share(all.up, all.watched(), 1), " up, ",
                                         format_span(all.suspect), " suspect, ", format_span(all.down),
                                         " down, ", format_span(length - all.watched()), " not measured"));
  return cat("<figure><figcaption><b>Last 24 h</b> ", words, "</figcaption>",
             svg("strip", groups.size(), cat("State over the last 24 h: ", words), content), "</figure>\n");
}

std::string render_charts(const HistorySeries& series, ChartRange range) {
  const auto scale = scale_of(range);
  const auto shown = last_of(series, scale.records);
  const auto records = grouped(shown, scale.group);
  const auto all = merge_history(shown.records);
  return cat("<div class=\"charts\">\n", rtt_chart(records, all, range), loss_chart(records, all, range),
             jitter_chart(records, all, range), "</div>\n");
}

}  // namespace multilink
