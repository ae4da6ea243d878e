// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/parent_pages.hpp"

#include <utility>

#include "multilink/adapters/loopback_request.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr Duration kPatience = std::chrono::seconds(3);

/// Without a host: one that is not its visible_hostname a Squid would ask over a connection to itself, which it must not make.
std::string url_of(std::string_view page) {
  return cat("/squid-internal-mgr/", page);
}

}  // namespace

ParentPages::ParentPages(EventLoop& loop, std::map<std::string, std::uint16_t> ports)
    : loop_(loop), ports_(std::move(ports)) {}

void ParentPages::ask(const std::string& uplink, Told told) {
  const auto port = ports_.at(uplink);
  request_on_loopback(loop_, port, url_of("counters"), kPatience,
                      [&loop = loop_, port, told = std::move(told)](const std::string& counters) {
                        if (counters.empty()) return told(std::nullopt);
                        request_on_loopback(loop, port, url_of("info"), kPatience,
                                            [counters, told](const std::string& info) {
                                              told(parse_parent_pages(counters, info));
                                            });
                      });
}

}  // namespace multilink
