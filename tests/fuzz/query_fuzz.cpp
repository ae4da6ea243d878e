// SPDX-License-Identifier: GPL-2.0-or-later
// What a web server hands to status.cgi: three lines, the method, the path behind the program, the query.
#include "fuzz.hpp"
#include "multilink/core/cgi.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  auto text = as_text(data, size);
  const auto line = [&text] {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string out(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return out;
  };
  CgiRequest request;
  request.method = line();
  request.path_info = line();
  request.query = std::string(text);
  const auto understood = understand(request);
  const auto response = understood ? status_response(fail("not read"), *understood) : understood.error();
  must(understood ? response.status == 503 : response.status >= 400 && response.status < 500);
  const auto wire = to_wire(response, request.method);
  must(wire.starts_with("Status: ") && wire.find("\r\n\r\n") != std::string::npos);
  // Nothing that was asked comes back as markup.
  must(wire.find("<script>alert") == std::string::npos);
  return 0;
}
