// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/changed_settings_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/lease_files.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "multilink/adapters/nftables_chains.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/adapters/proc_sysctls.hpp"
#include "multilink/adapters/routed_actions.hpp"
#include "multilink/adapters/syn_notifier.hpp"
#include "multilink/adapters/system_accounts.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/services/route_service.hpp"

namespace {

using namespace multilink;

/// The service with the kernel and the files it works on.
class Routed final : public Service {
 public:
  explicit Routed(DaemonParts& parts)
      : kernel_(parts.loop, parts.log, {}),
        leases_(parts.loop, parts.log),
        filter_(parts.loop),
        connections_(parts.log),
        clients_(PacketMarks(parts.config.suite.mark_mask).of_probes()),
        service_({parts.loop,
                  kernel_,
                  leases_,
                  parts.store,
                  parts.supervisor,
                  parts.log,
                  {filter_, connections_, sockets_, clients_},
                  {sysctls_, changed_settings_, chains_},
                  parents_},
                 parts.config, parts.boot, parts.self) {}

  void start() override { service_.start(); }
  void reload(const Config& config) override {
    clients_.set_mark(PacketMarks(config.suite.mark_mask).of_probes());
    service_.reload(config);
  }
  void stop() override { service_.stop(); }

 private:
  NetlinkKernel kernel_;
  LeaseFiles leases_;
  NftablesFilter filter_;
  NetlinkConnections connections_;
  NetlinkSockets sockets_;
  SynNotifier clients_;
  ProcSysctls sysctls_;
  ChangedSettingsFile changed_settings_;
  NftablesChains chains_;
  SystemAccounts parents_;
  RouteService service_;
};

}  // namespace

int main(int argc, char** argv) {
  return run_daemon(
      argc, argv,
      {"routed",
       "keeps the default route on the best uplink that works",
       [](DaemonParts& parts) { return std::make_unique<Routed>(parts); },
       {{"plan", "print what would be changed in the kernel now, and end", print_route_plan},
        {"clear", "remove everything of multilink from the kernel, and end", clear_owned_routes, false}}});
}
