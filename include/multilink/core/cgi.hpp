// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/history_chart.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// What the web server says of a request (RFC 3875, section 4.1). Untrusted.
struct CgiRequest {
  std::string method;     ///< REQUEST_METHOD
  std::string path_info;  ///< PATH_INFO: what follows the program in the path
  std::string query;      ///< QUERY_STRING
};

/// In what form the status is asked for, by the parameter `format`.
enum class PageFormat : std::uint8_t { html, json, prometheus, csv };

/// What is asked for. `range` is of the charts, and of what csv gives.
struct PageRequest {
  PageFormat format = PageFormat::html;
  ChartRange range = ChartRange::day;

  /// What has to be read of the history for it; none: nothing.
  std::optional<ChartRange> history() const;
  bool operator==(const PageRequest&) const = default;
};

inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

struct CgiResponse {
  int status = 200;
  std::string body;
  std::string extra_headers = {};  ///< whole lines, each ended by "\r\n"
  std::string_view type = kHtmlType;

  bool operator==(const CgiResponse&) const = default;
};

/// What is asked for, or the response to a request that is refused before anything is read: another method than
/// GET and HEAD (405), a path below the page (404), parameters other than one `format` and, of html and csv, one `range`
/// (400).
tl::expected<PageRequest, CgiResponse> understand(const CgiRequest& request);

/// 200 and the status; 503 and, on the page, what still works when it cannot be read.
CgiResponse status_response(const Result<StatusSnapshot>& snapshot, const PageRequest& request);

/// The response as the web server wants it (RFC 3875, section 6): the Status line first, headers that forbid
/// browsers everything the page does not need, the body unless the request was HEAD.
std::string to_wire(const CgiResponse& response, std::string_view method);

}  // namespace multilink
