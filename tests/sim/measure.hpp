// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/link_kinds.hpp"
#include "sim/simulation.hpp"

namespace multilink::sim {

/// A kind of link, as a row of the table.
struct LinkKind {
  using Make = std::function<SimulatedLink(std::uint64_t seed)>;

  std::string name;
  Make make;
};
const std::vector<LinkKind>& link_kinds();

/// What the suite made of a link that worked all the time. (`depth` is that of the Simulation.)
struct Calm {
  double hours = 0;
  unsigned suspects = 0;
  unsigned downs = 0;
  double probes_per_second = 0;
  double questions_per_hour = 0;  ///< of users' traffic that fell silent
};
Calm measure_calm(const SimulatedUplink& uplink, double hours, std::uint64_t seed, Depth depth);

/// What it made of links that failed.
struct Detection {
  unsigned outages = 0;  ///< that began while the uplink was up
  unsigned missed = 0;   ///< of these, it stayed up throughout
  std::vector<Duration>
      delays;  ///< of the others, from the failure to the state that takes traffic away; ascending
  /// p in [0,1]; 0 of none.
  Duration quantile(double p) const;
};
/// So many links, each of which fails once for 10 s after it has worked for some minutes, without users' traffic.
Detection measure_detection(const LinkKind::Make& link, unsigned outages, std::uint64_t seed, Depth depth);
/// With such traffic, by the daemons.
Detection measure_detection(
    const LinkKind::Make& link, unsigned outages, std::uint64_t seed,
    const std::function<SimulatedTraffic(const Outages&, std::uint64_t seed)>& traffic);

Duration hours(double number);

}  // namespace multilink::sim
