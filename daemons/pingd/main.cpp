// SPDX-License-Identifier: GPL-2.0-or-later
#include <memory>
#include <random>

#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/icmp_prober.hpp"
#include "multilink/adapters/lease_files.hpp"
#include "multilink/adapters/netlink_counters.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/services/ping_service.hpp"

namespace {

/// pingd on this host's kernel.
class Pingd final : public multilink::Service {
 public:
  explicit Pingd(multilink::DaemonParts& parts)
      : kernel_(parts.loop, parts.log, {}),
        leases_(parts.loop, parts.log),
        prober_(parts.loop, parts.log),
        service_({parts.loop, kernel_, leases_, prober_, counters_, parts.store, parts.supervisor, parts.log},
                 parts.config, parts.boot, parts.self,
                 [this] { return std::uint64_t{device_()} << 32 | device_(); }) {}

  void start() override { service_.start(); }
  void reload(const multilink::Config& config) override { service_.reload(config); }
  void stop() override { service_.stop(); }

 private:
  std::random_device device_;
  multilink::NetlinkKernel kernel_;
  multilink::LeaseFiles leases_;
  multilink::IcmpProber prober_;
  multilink::NetlinkCounters counters_;
  multilink::PingService service_;
};

}  // namespace

int main(int argc, char** argv) {
  return multilink::run_daemon(argc, argv,
                               {"pingd", "asks through every uplink whether anybody answers",
                                [](auto& parts) { return std::make_unique<Pingd>(parts); }});
}
