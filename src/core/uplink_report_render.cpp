// SPDX-License-Identifier: GPL-2.0-or-later
#include <nlohmann/json.hpp>

#include "multilink/core/html.hpp"
#include "multilink/core/page_frame.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/core/uplink_report.hpp"

namespace multilink {
namespace {

using Json = nlohmann::ordered_json;
using Figures = std::vector<std::pair<std::string, std::string>>;

constexpr int kJsonVersion = 1;
constexpr std::size_t kMostOutages = 1000;  // in a paper for people; JSON has all

/// "1 d 02:03:04.5".
std::string format_length(Duration length) {
  using namespace std::chrono;
  const auto two = [](std::int64_t number) { return cat(number < 10 ? "0" : "", number); };
  const auto whole = floor<seconds>(length);
  const auto day = floor<days>(whole);
  const hh_mm_ss clock(whole - day);
  std::string out = day.count() > 0 ? cat(day.count(), " d ") : "";
  out +=
      cat(two(clock.hours().count()), ':', two(clock.minutes().count()), ':', two(clock.seconds().count()));
  const auto rest = duration_cast<milliseconds>(length - whole).count();
  if (rest > 0) out += format_decimal(static_cast<double>(rest) / 1000, 2).substr(1);
  return out;
}

std::string format_loss(double loss) {
  return cat(format_decimal(100 * loss, 2), " %");
}

std::string minute_text(WallTime time) {
  auto out = format_utc(time).substr(0, 16);
  if (out.size() > 10) out[10] = ' ';
  return out;
}

template <class Value, class Format>
std::string three(const std::optional<Percentiles<Value>>& all, Format format) {
  if (!all) return "-";
  return cat(format(all->half), ", ", format(all->p95), ", ", format(all->p99));
}

Figures figures_of(const UplinkReport& report) {
  const auto& all = report.all;
  const auto ms = [](Duration length) { return format_milliseconds(length); };
  return {
      {"Availability", format_share(all.up, all.watched())},
      {"Measured", cat(format_length(all.watched()), " (",
                       format_share(all.watched(), report.end - report.begin), " of the time)")},
      {"Not usable", cat(format_length(all.out()), " in ", report.outages.size(),
                         report.outages.size() == 1 ? " outage, the longest " : " outages, the longest ",
                         format_length(report.longest))},
      {"Probes", cat(all.probes, ", lost ", all.lost, " (", format_loss(all.loss()), ")")},
      {"Loss of a minute: median, 95 %, 99 %", three(report.loss, format_loss)},
      {"RTT: mean, greatest", all.answers() == 0 ? "-" : cat(ms(all.rtt), ", ", ms(all.rtt_most))},
      {"RTT of a minute: median, 95 %, 99 %", three(report.rtt, ms)},
      {"Jitter of a minute: median, 95 %, 99 %", three(report.jitter, ms)},
  };
}

std::string begin_text(const ReportedOutage& outage) {
  return cat(minute_text(outage.begin), outage.is_to_the_hour ? " (hour)" : "");
}

std::string cause_text(const ReportedOutage& outage) {
  return outage.cause.empty() ? "no longer known" : outage.cause;
}

std::string left_away(std::size_t outages) {
  return outages <= kMostOutages ? std::string() : cat("and ", outages - kMostOutages, " more");
}

constexpr std::string_view kExplanation =
    "Measured by ICMP echo through this uplink alone. Not usable: no answer from any target, losses beyond "
    "the "
    "configured threshold, a fault of the link itself, or an order of the administrator's (disabled, a "
    "drill): the "
    "cause says which. All times UTC; begins are known to the minute.";

std::string family_text(const UplinkReport& report) {
  std::string out = cat("\nIPv", to_string(report.family), "\n");
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : figures_of(report)) rows.push_back({cat("  ", name), value});
  out += align_columns(rows);
  if (report.outages.empty()) return out + "  no outage\n";
  rows = {{"  BEGIN (UTC)", "LENGTH", "CAUSE"}};
  for (const auto& outage : report.outages) {
    if (rows.size() > kMostOutages) break;
    rows.push_back(
        {cat("  ", begin_text(outage)), format_length(outage.length), printable(cause_text(outage), 200)});
  }
  out += cat("\n", align_columns(rows));
  const auto more = left_away(report.outages.size());
  return more.empty() ? out : cat(out, "  ", more, "\n");
}

Json percentiles_json(const std::optional<Percentiles<Duration>>& all) {
  if (!all) return nullptr;
  const auto ms = [](Duration length) { return std::chrono::duration<double, std::milli>(length).count(); };
  return {{"median", ms(all->half)}, {"p95", ms(all->p95)}, {"p99", ms(all->p99)}};
}

Json family_json(const UplinkReport& report) {
  const auto& all = report.all;
  const auto s = [](Duration length) { return std::chrono::duration<double>(length).count(); };
  const auto ms = [](Duration length) { return std::chrono::duration<double, std::milli>(length).count(); };
  Json json{{"family", to_string(report.family)},
            {"begin", format_utc(report.begin)},
            {"end", format_utc(report.end)}};
  json["availability"] = all.watched() == Duration{} ? Json(nullptr) : Json(s(all.up) / s(all.watched()));
  json["up_s"] = s(all.up);
  json["suspect_s"] = s(all.suspect);
  json["down_s"] = s(all.down);
  json["unknown_s"] = s(report.unknown());
  json["probes"] = all.probes;
  json["lost"] = all.lost;
  json["loss"] = all.probes == 0 ? Json(nullptr) : Json(all.loss());
  json["loss_of_minutes"] =
      report.loss ? Json{{"median", report.loss->half}, {"p95", report.loss->p95}, {"p99", report.loss->p99}}
                  : Json(nullptr);
  json["rtt_mean_ms"] = all.answers() == 0 ? Json(nullptr) : Json(ms(all.rtt));
  json["rtt_max_ms"] = all.answers() == 0 ? Json(nullptr) : Json(ms(all.rtt_most));
  json["rtt_of_minutes_ms"] = percentiles_json(report.rtt);
  json["jitter_of_minutes_ms"] = percentiles_json(report.jitter);
  json["outages"] = Json::array();
  for (const auto& outage : report.outages) {
    json["outages"].push_back({{"begin", format_utc(outage.begin)},
                               {"resolution_s", outage.is_to_the_hour ? 3600 : 60},
                               {"length_s", s(outage.length)},
                               {"down_s", s(outage.down)},
                               {"cause", outage.cause.empty() ? Json(nullptr) : Json(outage.cause)}});
  }
  return json;
}

std::string family_html(const UplinkReport& report) {
  std::string out = cat("<h2>IPv", to_string(report.family), "</h2>\n<table>\n<tbody>\n");
  for (const auto& [name, value] : figures_of(report)) {
    out += cat("<tr><th scope=\"row\">", html_text(name), "</th><td>", html_text(value), "</td></tr>\n");
  }
  out += "</tbody>\n</table>\n<h2>Outages</h2>\n";
  if (report.outages.empty()) return out + "<p>None.</p>\n";
  out +=
      "<table>\n<thead><tr><th scope=\"col\">Begin (UTC)</th><th scope=\"col\">Length</th>"
      "<th scope=\"col\">Cause</th></tr></thead>\n<tbody>\n";
  std::size_t shown = 0;
  for (const auto& outage : report.outages) {
    if (shown++ == kMostOutages) break;
    out += cat("<tr><th scope=\"row\">", begin_text(outage), "</th><td>", format_length(outage.length),
               "</td><td>", html_text(cause_text(outage)), "</td></tr>\n");
  }
  out += "</tbody>\n</table>\n";
  const auto more = left_away(report.outages.size());
  return more.empty() ? out : cat(out, "<p>", more, "</p>\n");
}

}  // namespace

std::string render_report_text(const ReportPaper& paper) {
  std::string out = cat("Uplink ", printable(paper.uplink), ", ", paper.title, " (UTC), site ",
                        printable(paper.site), ", written ", minute_text(paper.written), "\n");
  if (paper.reports.empty()) out += "\nnothing is stored of this time\n";
  for (const auto& report : paper.reports) out += family_text(report);
  return cat(out, "\n", kExplanation, "\n");
}

std::string render_report_json(const ReportPaper& paper) {
  Json json{{"version", kJsonVersion},
            {"site", paper.site},
            {"uplink", paper.uplink},
            {"month", paper.title},
            {"written", format_utc(paper.written)},
            {"families", Json::array()}};
  for (const auto& report : paper.reports) json["families"].push_back(family_json(report));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string render_report_html(const ReportPaper& paper) {
  const auto title = cat("Uplink ", paper.uplink, ", ", paper.title);
  std::string out = cat("<header>\n<h1>multilink \u00b7 ", html_text(paper.site),
                        "</h1>\n<p class=\"verdict\">", html_text(title), "</p>\n</header>\n<main>\n");
  if (paper.reports.empty()) out += "<p>Nothing is stored of this time.</p>\n";
  for (const auto& report : paper.reports) out += family_html(report);
  return page_frame(title, cat(out, "</main>\n<footer>", html_text(kExplanation, 1000), " Written ",
                               minute_text(paper.written), ".</footer>\n"));
}

}  // namespace multilink
