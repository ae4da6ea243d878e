// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/result.hpp"
#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// What the web server says of a request (RFC 3875, section 4.1). Untrusted.
struct CgiRequest {
  std::string method;     ///< REQUEST_METHOD
  std::string path_info;  ///< PATH_INFO: what follows the program in the path
  std::string query;      ///< QUERY_STRING
};

struct CgiResponse {
  int status = 200;
  std::string body;                ///< an HTML document
  std::string extra_headers = {};  ///< whole lines, each ended by "\r\n"

  bool operator==(const CgiResponse&) const = default;
};

/// The response to a request that is refused before anything is read: another method than GET and HEAD (405),
/// a path below the page (404), parameters (400: the page takes none).
std::optional<CgiResponse> refuse(const CgiRequest& request);

/// 200 and the page; 503 and what still works when the status cannot be read.
CgiResponse status_response(const Result<StatusSnapshot>& snapshot);

/// The response as the web server wants it (RFC 3875, section 6): the Status line first, headers that forbid
/// browsers everything the page does not need, the body unless the request was HEAD.
std::string to_wire(const CgiResponse& response, std::string_view method);

}  // namespace multilink
