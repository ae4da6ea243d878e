// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/stored_trace.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "multilink/core/dead_link_detector.hpp"

namespace multilink {

StoredTrace trace_of_stored(std::vector<ProbeRecord> probes) {
  StoredTrace out;
  if (probes.empty()) return out;
  std::map<std::string, std::size_t> boots;
  for (const auto& probe : probes) ++boots[probe.boot];
  const auto boot = std::ranges::max_element(boots, {}, [](const auto& item) { return item.second; })->first;
  std::erase_if(probes, [&](const ProbeRecord& probe) { return probe.boot != boot; });
  std::ranges::sort(probes, {},
                    [](const ProbeRecord& probe) { return std::pair(probe.sent, probe.sequence); });
  out.begin = probes.front().sent_wall;
  DeadLinkDetector detector;
  for (const auto& probe : probes) {
    detector.observe(probe);
    if (detector.targets().is_set_aside(probe.target)) continue;
    const bool answered = probe.outcome == Outcome::answered;
    out.trace.push_back(
        {probe.sent - probes.front().sent, answered ? std::optional(probe.rtt) : std::nullopt});
  }
  return out;
}

}  // namespace multilink
