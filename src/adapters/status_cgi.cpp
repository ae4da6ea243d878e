// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/status_cgi.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/adapters/version.hpp"
#include "multilink/core/cgi.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

constexpr Duration kDeadline = std::chrono::seconds(1);
/// A ninth of what a daemon gets where both want the processor.
constexpr int kNiceness = 10;

std::string environment(const char* name, std::string_view otherwise = {}) {
  const char* value = std::getenv(name);
  return std::string(value != nullptr && *value != '\0' ? value : otherwise);
}

Result<std::optional<RedisAddress>> redis_of_environment() {
  const std::string url = environment("MULTILINK_REDIS");
  if (url.empty()) return std::nullopt;
  return RedisAddress::parse(url).map([](RedisAddress address) { return std::optional(std::move(address)); });
}

Result<StatusSnapshot> find_and_read(std::optional<ChartRange> history) {
  const auto redis = redis_of_environment();
  if (!redis) return fail(cat("MULTILINK_REDIS: ", redis.error().message));
  const auto source = find_status_source(environment("MULTILINK_CONFIG", kDefaultConfigPath), *redis);
  if (!source) return fail(source.error().front());
  return read_status(*source, kDeadline, history);
}

CgiResponse answer(const CgiRequest& request) {
  const auto page = understand(request);
  if (!page) return page.error();
  try {
    return status_response(find_and_read(page->history()), *page);
  } catch (const std::exception& error) {
    return status_response(fail(cat("internal error: ", error.what())), *page);
  }
}

constexpr std::string_view kHelp =
    "status.cgi: the status page of multilink, by CGI\n\n"
    "A web server runs it: GET or HEAD, with ?format=html (default), json, prometheus or csv.\n\n"
    "Environment: MULTILINK_REDIS  where Redis is: unix:PATH or redis://HOST:PORT/DB; otherwise as\n"
    "             MULTILINK_CONFIG says (default /etc/multilink/interfaces.conf)\n\n"
    "To see a page by hand: REQUEST_METHOD=GET QUERY_STRING=format=json status.cgi\n\n"
    "  --help     this text\n"
    "  --version  the version\n";

int answer_person(std::string_view option) {
  if (option == "--version") {
    std::cout << "status.cgi (multilink) " << version() << '\n';
  } else if (option == "--help") {
    std::cout << kHelp;
  } else {
    std::cerr << "status.cgi: unknown option '" << option << "'; see status.cgi --help\n";
    return kExitUsage;
  }
  return std::cout.flush() ? kExitOk : kExitFailure;
}

}  // namespace

int run_status_cgi(int argc, char** argv) {
  const std::string method = environment("REQUEST_METHOD");
  if (method.empty() && argc > 1) return answer_person(argv[1]);
  (void)nice(kNiceness);  // it may stay as it is where that is not granted
  const CgiRequest request{method, environment("PATH_INFO"), environment("QUERY_STRING")};
  const std::string wire = to_wire(answer(request), request.method);
  const bool written = std::fwrite(wire.data(), 1, wire.size(), stdout) == wire.size();
  return written && std::fflush(stdout) == 0 ? kExitOk : kExitFailure;
}

}  // namespace multilink
