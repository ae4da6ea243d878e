// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/simulation.hpp"

#include <utility>

#include "multilink/core/link_replay.hpp"
#include "multilink/core/text.hpp"
#include "sim/gateway.hpp"

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kBegin{1h};  // any

UplinkConfig configure(UplinkConfig uplink) {
  uplink.device = uplink.name = "wan0";
  uplink.targets.clear();
  for (std::size_t i = 0; i < Simulation::kTargets; ++i) uplink.targets.push_back(Simulation::target(i));
  return uplink;
}

class SimulatedCores final : public Simulation {
 public:
  SimulatedCores(SimulatedUplink uplink, std::uint64_t seed)
      : replay_(
            configure(std::move(uplink.config)),
            [link = with_outages(std::move(uplink.link), uplink.outages)](MonoTime at,
                                                                          const IpAddress& address) mutable {
              return link(at - kBegin, index_of_target(address));
            },
            kBegin + phase(seed), seed) {}

  void run_until(Duration end) override {
    replay_.run_until(kBegin + end);
    for (auto& [transition, decided] : replay_.take_changes()) {
      changes_.push_back({0, decided - kBegin, transition.from, transition.to, std::move(transition.reason)});
    }
  }
  HealthState state(std::size_t) const override { return replay_.health().state(); }
  double loss(std::size_t) const override { return replay_.health().window().loss(); }
  std::uint64_t probes(std::size_t) const override {
    return replay_.regular_probes() + replay_.burst_probes();
  }

 private:
  LinkReplay replay_;
};

}  // namespace

IpAddress Simulation::target(std::size_t index) {
  return *IpAddress::parse(cat("203.0.113.", index + 1));
}

std::size_t Simulation::index_of_target(const IpAddress& address) {
  static const std::vector<IpAddress> all = [] {
    std::vector<IpAddress> out;
    for (std::size_t i = 0; i < kTargets; ++i) out.push_back(target(i));
    return out;
  }();
  std::size_t index = 0;
  while (all.at(index) != address) ++index;
  return index;
}

Duration Simulation::phase(std::uint64_t seed) {
  return std::chrono::milliseconds(seed * 7919 % 1000);
}

std::unique_ptr<Simulation> simulate(SimulatedUplink uplink, std::uint64_t seed, Depth depth) {
  if (depth == Depth::cores) return std::make_unique<SimulatedCores>(std::move(uplink), seed);
  return std::make_unique<SimulatedGateway>(std::vector{std::move(uplink)}, seed);
}

}  // namespace multilink::sim
