// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/cgi.hpp"

#include "multilink/core/status_page.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

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

std::optional<CgiResponse> refuse(const CgiRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return CgiResponse{405,
                       render_message_page("Method not allowed", "This page can only be read: GET or HEAD."),
                       "Allow: GET, HEAD\r\n"};
  }
  if (!request.path_info.empty()) {
    return CgiResponse{404, render_message_page("Not found", "There is one page, and nothing below it.")};
  }
  if (!request.query.empty()) {
    return CgiResponse{400, render_message_page("Bad request", "This page takes no parameters.")};
  }
  return std::nullopt;
}

CgiResponse status_response(const Result<StatusSnapshot>& snapshot) {
  if (snapshot) return {200, render_status_page(*snapshot)};
  return {503, render_unavailable_page(snapshot.error().message), "Retry-After: 5\r\n"};
}

std::string to_wire(const CgiResponse& response, std::string_view method) {
  std::string out = cat("Status: ", response.status, ' ', reason_phrase(response.status), "\r\n");
  out += "Content-Type: text/html; charset=utf-8\r\n";
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
