// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/history_command.hpp"

#include "multilink/adapters/admin_session.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/history_source.hpp"
#include "multilink/core/admin_replies.hpp"
#include "multilink/core/history_chart.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/core/uplink_report.hpp"

namespace multilink {
namespace {

using namespace std::chrono;

template <class T>
using Outcome = tl::expected<T, CommandFailure>;

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

/// What of the history `multilinkctl history` shows.
struct Span {
  HistoryStep step = HistoryStep::hour;
  minutes length = days(1);
};

Outcome<Span> span_of(const HistoryRequest& request) {
  if (!request.hours.empty() && !request.days.empty()) {
    return refuse(kExitUsage, "history: --hours and --days exclude each other");
  }
  const auto hours_kept = static_cast<unsigned>(kMinutesKept / hours(1));
  const auto days_kept = static_cast<unsigned>(kHoursKept / days(1));
  if (!request.hours.empty()) {
    const auto count = parse_number<unsigned>(request.hours);
    if (count && *count >= 1 && *count <= hours_kept) return Span{HistoryStep::minute, hours(*count)};
    return refuse(kExitUsage,
                  cat("--hours: ", quoted(request.hours), " is not a whole number from 1 to ", hours_kept));
  }
  if (request.days.empty()) return Span{};
  const auto count = parse_number<unsigned>(request.days);
  if (count && *count >= 1 && *count <= days_kept) return Span{HistoryStep::hour, days(*count)};
  return refuse(kExitUsage,
                cat("--days: ", quoted(request.days), " is not a whole number from 1 to ", days_kept));
}

Outcome<StatusSource> source_of(const HistoryRequest& request, std::string_view command) {
  if (request.uplink.empty()) return refuse(kExitUsage, cat(command, ": say of which uplink: --uplink NAME"));
  if (!is_name(request.uplink)) {
    return refuse(kExitUsage, cat(command, ": --uplink: ", quoted(request.uplink),
                                  " is not a name of an uplink; 'multilinkctl status' lists them"));
  }
  auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  return *std::move(source);
}

/// Of which nothing is stored: whether there is no such uplink at all.
std::optional<CommandFailure> why_unknown(const StatusSource& source, const std::string& uplink,
                                          std::string_view command, Duration deadline) {
  AdminSession session(source);
  const auto health = session.read_health(RedisKeys(source.site), deadline);
  if (!health || health->empty()) return std::nullopt;
  const auto known = check_name(uplink, *health);
  if (known) return std::nullopt;
  return CommandFailure{kExitUsage, {cat(command, ": ", known.error().message)}};
}

WallTime now() {
  return EventLoop().now().wall;
}

/// Without the families of which nothing is stored.
std::vector<NamedSeries> with_records(std::vector<NamedSeries> all) {
  std::erase_if(all, [](const NamedSeries& named) { return named.series.is_empty(); });
  return all;
}

}  // namespace

tl::expected<std::string, CommandFailure> run_history(const HistoryRequest& request, Duration deadline) {
  const auto span = span_of(request);
  if (!span) return tl::unexpected(span.error());
  if (request.json && request.csv) return refuse(kExitUsage, "history: --json and --csv exclude each other");
  const auto source = source_of(request, "history");
  if (!source) return tl::unexpected(source.error());
  const auto end = chart_end(span->step, now());
  const auto read = read_history(*source, request.uplink, span->step, end - span->length, end, deadline);
  if (!read) return refuse(kExitFailure, read.error().message);
  const auto all = with_records(*read);
  if (all.empty()) {
    if (auto unknown = why_unknown(*source, request.uplink, "history", deadline))
      return tl::unexpected(*std::move(unknown));
  }
  if (request.csv) return render_history_csv(all);
  return request.json ? render_history_json(source->site, all) : render_history_text(all, span->step);
}

tl::expected<std::string, CommandFailure> run_report(const HistoryRequest& request, Duration deadline) {
  if (request.month.empty()) return refuse(kExitUsage, "report: --month is missing; write --month 2026-11");
  const auto month = parse_month(request.month);
  if (!month) {
    return refuse(kExitUsage,
                  cat("report: --month: ", quoted(request.month), " is not a month; write --month 2026-11"));
  }
  const HistoryTime begin = sys_days(*month / 1);
  const HistoryTime end = sys_days((*month + months(1)) / 1);
  const auto written = now();
  if (begin > written)
    return refuse(kExitUsage, cat("report: --month: ", request.month, " is still to come"));
  if (request.json && request.html) return refuse(kExitUsage, "report: --json and --html exclude each other");
  const auto source = source_of(request, "report");
  if (!source) return tl::unexpected(source.error());
  const auto minutes_read = read_history(*source, request.uplink, HistoryStep::minute, begin, end, deadline);
  if (!minutes_read) return refuse(kExitFailure, minutes_read.error().message);
  const auto hours_read = read_history(*source, request.uplink, HistoryStep::hour, begin, end, deadline);
  if (!hours_read) return refuse(kExitFailure, hours_read.error().message);
  const auto events = read_events(*source, begin, deadline);
  if (!events) return refuse(kExitFailure, events.error().message);

  ReportPaper paper{source->site, request.uplink, request.month, written, {}};
  for (std::size_t i = 0; i < minutes_read->size(); ++i) {
    const auto& [uplink, family, of_minutes] = (*minutes_read)[i];
    const auto& of_hours = (*hours_read)[i].series;
    if (of_minutes.is_empty() && of_hours.is_empty()) continue;
    paper.reports.push_back(make_report(uplink, family, of_minutes, of_hours, written, *events));
  }
  if (paper.reports.empty()) {
    if (auto unknown = why_unknown(*source, request.uplink, "report", deadline))
      return tl::unexpected(*std::move(unknown));
  }
  if (request.html) return render_report_html(paper);
  return request.json ? render_report_json(paper) : render_report_text(paper);
}

}  // namespace multilink
