// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace multilink::fakes {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::chrono::milliseconds took{};
};

/// Returns when somebody listens on 127.0.0.1:`port`; an exception after ten seconds.
void await_listener(std::uint16_t port);

/// One request to 127.0.0.1:`port` in HTTP/1.0, read to its end. `headers`: whole lines, each ended by
/// "\r\n".
HttpAnswer http_request(std::uint16_t port, const std::string& method, const std::string& path,
                        const std::string& headers = {});

}  // namespace multilink::fakes
