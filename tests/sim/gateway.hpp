// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fakes/fake_kernel.hpp"
#include "fakes/fake_prober.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/services/health_service.hpp"
#include "multilink/services/ping_service.hpp"
#include "multilink/services/route_service.hpp"
#include "sim/simulation.hpp"

namespace multilink::sim {

/// pingd, healthd and routed as they are, each with its own connection to one Redis, on a host whose links are models:
/// everything but the sockets.
class SimulatedGateway final : public Simulation {
 public:
  /// The first uplink is the best. `seed` gives the phase of the probes, their pauses and pingd's secrets.
  explicit SimulatedGateway(std::vector<SimulatedUplink> uplinks, std::uint64_t seed = 1);
  ~SimulatedGateway() override;
  SimulatedGateway(const SimulatedGateway&) = delete;
  SimulatedGateway& operator=(const SimulatedGateway&) = delete;

  void run_until(Duration end) override;

  HealthState state(std::size_t uplink) const override;
  double loss(std::size_t uplink) const override;  ///< as healthd shows it

  /// The kernel's default route has moved: new flows take this uplink.
  struct Switch {
    Duration when{};
    std::size_t uplink = 0;
  };
  const std::vector<Switch>& switches() const { return switches_; }

  std::uint64_t probes(std::size_t uplink) const override;
  /// How often the traffic trigger asked, told by what only it does: probes 10 ms apart.
  std::uint64_t questions(std::size_t uplink) const override;

 private:
  class Host;  // devices and counters
  struct Daemons;

  Duration now() const;
  std::optional<HealthRecord::PerFamily> health(std::string_view name) const;
  void note_health(std::string_view name);
  void note_carrier();

  fakes::FakeScheduler scheduler_;
  MonoTime begin_;
  std::vector<SimulatedUplink> uplinks_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<Daemons> daemons_;
  std::vector<HealthState> states_;
  std::vector<Switch> switches_;
};

}  // namespace multilink::sim
