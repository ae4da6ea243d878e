// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/routed_actions.hpp"

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <utility>

#include "multilink/adapters/changed_settings_file.hpp"
#include "multilink/adapters/instance_lock.hpp"
#include "multilink/adapters/lease_files.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/nftables_chains.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/adapters/proc_sysctls.hpp"
#include "multilink/adapters/system_accounts.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/host_watch.hpp"
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
  NftablesFilter filter(parts.loop);
  const auto parents = SystemAccounts().look_up(parts.config);
  if (!parents) parts.log.error(parents.error().message);
  auto lines = preview_routes(kernel, filter, parts.config, in_force(leases.read(), parts.loop.now().wall),
                              health, parts.boot, {}, parents ? *parents : ParentUsers{});
  ProcSysctls sysctls;
  ChangedSettingsFile changed;
  NftablesChains chains;
  const auto state = kernel.read();
  if (lines && state) {
    lines = with_host(*std::move(lines), preview_host(parts.config, *state, {sysctls, changed, chains}, {}));
  }
  return print(lines, parts.log);
}

int clear_owned_routes(DaemonParts& parts) {
  const auto others = InstanceLock::take("routed", parts.config.suite.site);
  if (!others && others.error().code == EADDRINUSE) {
    parts.log.warning(cat(others.error().message, ", or it puts back what is removed here"));
  }
  NetlinkKernel kernel(parts.loop, parts.log, {});
  NftablesFilter filter(parts.loop);
  const int routes = print(clear_routes(kernel, filter, {}), parts.log);
  ProcSysctls sysctls;
  ChangedSettingsFile changed;
  NftablesChains chains;
  const auto state = kernel.read();
  if (!state) return kExitFailure;  // of which the routes have told
  return std::max(routes, print(restore_host(*state, {sysctls, changed, chains}), parts.log));
}

}  // namespace multilink
