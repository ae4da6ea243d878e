// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/records.hpp"
#include "sim/link_kinds.hpp"
#include "sim/traffic_kinds.hpp"

namespace multilink::sim {

/// An uplink of a Simulation.
struct SimulatedUplink {
  UplinkConfig config = {};  ///< device, name and targets are given by the simulation; the rest counts
  SimulatedLink link = {};
  Outages outages = {};  ///< of the link, on top of what it does by itself
  SimulatedTraffic traffic = even_traffic(0);
};

/// The suite on links that are models, in virtual time. Times count from the beginning.
class Simulation {
 public:
  static constexpr std::size_t kTargets = 3;
  static IpAddress target(std::size_t index);
  static std::size_t index_of_target(const IpAddress& address);
  /// The links' own clocks run already when the suite begins: so its first probe leaves at a random phase of them.
  static Duration phase(std::uint64_t seed);

  virtual ~Simulation() = default;

  virtual void run_until(Duration end) = 0;

  /// A state that has become known of an uplink.
  struct Change {
    std::size_t uplink = 0;
    Duration when{};
    HealthState from = HealthState::unknown;
    HealthState to = HealthState::unknown;
    std::string reason;
  };
  const std::vector<Change>& changes() const { return changes_; }
  virtual HealthState state(std::size_t uplink) const = 0;
  /// The loss over the loss window.
  virtual double loss(std::size_t uplink) const = 0;
  virtual std::uint64_t probes(std::size_t uplink) const = 0;
  /// How often users' traffic that fell silent made it ask.
  virtual std::uint64_t questions(std::size_t) const { return 0; }

 protected:
  std::vector<Change> changes_;
};

enum class Depth {
  daemons,  ///< SimulatedGateway: all that is not a socket
  cores,    ///< LinkReplay: fifty times as fast, without users' traffic
};
std::unique_ptr<Simulation> simulate(SimulatedUplink uplink, std::uint64_t seed, Depth depth);

}  // namespace multilink::sim
