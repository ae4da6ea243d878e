// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "multilink/core/traffic_rhythm.hpp"
#include "sim/link_kinds.hpp"

namespace multilink::sim {

/// Users' traffic through an uplink: the packets that its device has counted by a time since the beginning. Is asked in
/// order of time; the same seed gives the same traffic.
using SimulatedTraffic = std::function<TrafficCount(Duration now)>;

/// What users' packets meet, beside outages.
struct TrafficPath {
  double loss = 0;  ///< of each packet, each way
  Duration rtt = std::chrono::milliseconds(20);
};

/// So many packets a second each way, evenly, and none lost but in outages.
SimulatedTraffic even_traffic(double packets, const Outages& outages = {});

/// A kind of users.
struct TrafficKind {
  std::string name;
  std::function<SimulatedTraffic(const TrafficPath& path, const Outages& outages, std::uint64_t seed)> make;
};
/// Such as fall silent by themselves while they send: what the traffic trigger must not be taken in by.
const std::vector<TrafficKind>& traffic_kinds();

}  // namespace multilink::sim
