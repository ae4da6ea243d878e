// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/cgi.hpp"

#include "multilink/core/status_json.hpp"
#include "multilink/core/status_metrics.hpp"
#include "multilink/core/status_page.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

constexpr std::string_view kJsonType = "application/json";
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

}  // namespace

tl::expected<PageFormat, CgiResponse> understand(const CgiRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return tl::unexpected(CgiResponse{
        405, render_message_page("Method not allowed", "This page can only be read: GET or HEAD."),
        "Allow: GET, HEAD\r\n"});
  }
  if (!request.path_info.empty()) {
    return tl::unexpected(
        CgiResponse{404, render_message_page("Not found", "There is one page, and nothing below it.")});
  }
  if (request.query.empty() || request.query == "format=html") return PageFormat::html;
  if (request.query == "format=json") return PageFormat::json;
  if (request.query == "format=prometheus") return PageFormat::prometheus;
  return tl::unexpected(CgiResponse{
      400, render_message_page("Bad request",
                               "This page takes one parameter: ?format=html, json or prometheus.")});
}

CgiResponse status_response(const Result<StatusSnapshot>& snapshot, PageFormat format) {
  constexpr std::string_view kRetry = "Retry-After: 5\r\n";
  switch (format) {
    case PageFormat::json:
      if (snapshot) return {200, render_status_json(*snapshot), {}, kJsonType};
      return {503, render_unavailable_json(snapshot.error().message), std::string(kRetry), kJsonType};
    case PageFormat::prometheus:
      if (snapshot) return {200, render_status_metrics(*snapshot), {}, kMetricsContentType};
      return {503, cat(printable(snapshot.error().message, kMostWords), '\n'), std::string(kRetry),
              kTextType};
    case PageFormat::html:
      break;
  }
  if (snapshot) return {200, render_status_page(*snapshot)};
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
