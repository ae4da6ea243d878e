// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/cgi.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/status_json.hpp"
#include "multilink/core/status_metrics.hpp"
#include "multilink/core/status_page.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kCsvType = "text/csv; charset=utf-8; header=present";
constexpr std::string_view kTextType = "text/plain; charset=utf-8";
constexpr std::size_t kMostWords = 512;

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

std::optional<PageFormat> parse_format(std::string_view word) {
  if (word == "html") return PageFormat::html;
  if (word == "json") return PageFormat::json;
  if (word == "prometheus") return PageFormat::prometheus;
  if (word == "csv") return PageFormat::csv;
  return std::nullopt;
}

/// What a program asked for, if it can be told, is refused in a form that it reads.
CgiResponse refusal(int status, std::string_view title, std::string_view text, std::string_view query) {
  const auto parameters = split(query, '&');
  const auto asks_for = [&](std::string_view format) {
    return std::ranges::find(parameters, cat("format=", format)) != parameters.end();
  };
  if (asks_for("json")) return {status, render_unavailable_json(text), {}, kJsonType};
  if (asks_for("csv") || asks_for("prometheus")) return {status, cat(text, '\n'), {}, kTextType};
  return {status, render_message_page(title, text)};
}

std::optional<PageRequest> understand_query(std::string_view query) {
  if (query.empty()) return PageRequest{};
  std::optional<PageFormat> format;
  std::optional<ChartRange> range;
  for (const auto parameter : split(query, '&')) {
    const auto equals = parameter.find('=');
    const auto name = parameter.substr(0, equals);
    const auto value = equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
    if (name == "format" && !format && parse_format(value)) {
      format = parse_format(value);
    } else if (name == "range" && !range && parse_chart_range(value)) {
      range = parse_chart_range(value);
    } else {
      return std::nullopt;
    }
  }
  const PageRequest page{format.value_or(PageFormat::html), range.value_or(ChartRange::day)};
  return range && !page.history() ? std::nullopt : std::optional(page);
}

/// What the charts of the range show, of all uplinks.
std::vector<NamedSeries> history_of(const StatusSnapshot& snapshot, ChartRange range) {
  std::vector<NamedSeries> out;
  for (const auto& uplink : snapshot.uplinks) {
    for (const auto& [family, shown] : uplink.history) {
      const auto& series = shown.chart.records.empty() ? shown.day : shown.chart;
      out.push_back({uplink.name, family, last_of(series, scale_of(range).records)});
    }
  }
  return out;
}

}  // namespace

std::optional<ChartRange> PageRequest::history() const {
  const bool has_history = format == PageFormat::html || format == PageFormat::csv;
  return has_history ? std::optional(range) : std::nullopt;
}

tl::expected<PageRequest, CgiResponse> understand(const CgiRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    auto response =
        refusal(405, "Method not allowed", "This page can only be read: GET or HEAD.", request.query);
    response.extra_headers = "Allow: GET, HEAD\r\n";
    return tl::unexpected(std::move(response));
  }
  if (!request.path_info.empty()) {
    return tl::unexpected(
        refusal(404, "Not found", "There is one page, and nothing below it.", request.query));
  }
  if (const auto page = understand_query(request.query)) return *page;
  return tl::unexpected(
      refusal(400, "Bad request",
              "This page takes two parameters: format=html, json, prometheus or csv, and, of html "
              "and csv, range=1h, 24h or 30d.",
              request.query));
}

CgiResponse status_response(const Result<StatusSnapshot>& snapshot, const PageRequest& request) {
  constexpr std::string_view kRetry = "Retry-After: 5\r\n";
  switch (request.format) {
    case PageFormat::json:
      if (snapshot) return {200, render_status_json(*snapshot), {}, kJsonType};
      return {503, render_unavailable_json(snapshot.error().message), std::string(kRetry), kJsonType};
    case PageFormat::csv:
      if (snapshot) return {200, render_history_csv(history_of(*snapshot, request.range)), {}, kCsvType};
      return {503, cat(printable(snapshot.error().message, kMostWords), '\n'), std::string(kRetry),
              kTextType};
    case PageFormat::prometheus:
      if (snapshot) return {200, render_status_metrics(*snapshot), {}, kMetricsContentType};
      return {503, cat(printable(snapshot.error().message, kMostWords), '\n'), std::string(kRetry),
              kTextType};
    case PageFormat::html:
      break;
  }
  if (snapshot) return {200, render_status_page(*snapshot, request.range)};
  return {503, render_unavailable_page(snapshot.error().message), std::string(kRetry)};
}

std::string to_wire(const CgiResponse& response, std::string_view method) {
  std::string out = cat("Status: ", response.status, ' ', reason_phrase(response.status), "\r\n");
  out += cat("Content-Type: ", response.type, "\r\n");
  out += cat("Content-Length: ", response.body.size(), "\r\n");
  out += "Cache-Control: no-store\r\n";
  out += cat("Content-Security-Policy: ", page_security_policy(), "\r\n");
  out += "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n";
  out += "Cross-Origin-Resource-Policy: same-origin\r\n";
  out += cat(response.extra_headers, "\r\n");
  if (method != "HEAD") out += response.body;
  return out;
}

}  // namespace multilink
