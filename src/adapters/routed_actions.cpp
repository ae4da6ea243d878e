// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/routed_actions.hpp"

#include <iostream>

#include "multilink/adapters/lease_files.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/services/route_actions.hpp"

namespace multilink {
namespace {

constexpr Duration kPatience = std::chrono::seconds(1);

int print(const Result<std::vector<std::string>>& lines, Log& log) {
  if (!lines) {
    log.error(lines.error().message);
    return kExitFailure;
  }
  for (const auto& line : *lines) std::cout << line << '\n';
  return kExitOk;
}

}  // namespace

int print_route_plan(DaemonParts& parts) {
  NetlinkKernel kernel(parts.loop, parts.log, {});
  HealthRecords health;
  HealthSnapshot snapshot(parts.loop, parts.store, parts.log, parts.config, kPatience,
                          [&](const HealthRecords& records) {
                            health = records;
                            parts.loop.stop();
                          });
  parts.loop.run();
  LeaseFiles leases(parts.loop, parts.log);
  return print(preview_routes(kernel, parts.config, in_force(leases.read(), parts.loop.now().wall), health,
                              parts.boot, {}),
               parts.log);
}

int clear_owned_routes(DaemonParts& parts) {
  NetlinkKernel kernel(parts.loop, parts.log, {});
  NftablesFilter filter(parts.loop);
  return print(clear_routes(kernel, filter, {}), parts.log);
}

}  // namespace multilink
