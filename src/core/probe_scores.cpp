// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/probe_scores.hpp"

#include <chrono>
#include <cstdlib>

namespace multilink {
namespace {

constexpr std::int64_t kMargin = 2 * ProbeScores::kDrift.count();

std::int64_t to_ms(MonoTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

void ProbeScores::note(const Now& now) {
  const auto distance = now.wall.time_since_epoch().count() - to_ms(now.mono);
  if (distances_.empty() || std::abs(distance - distances_.back().ms) > kDrift.count()) {
    // The step happened at some time since the last look: until now both distances may have been in force.
    if (!distances_.empty()) distances_.back().until = now.mono;
    distances_.push_back({distance, now.mono});
    if (distances_.size() > kMostDistances) distances_.pop_front();
  }
  distances_.back().until = now.mono;
}

std::vector<ProbeScores::Range> ProbeScores::ranges(MonoTime since, const Now& now) const {
  std::vector<Range> out;
  for (const auto& distance : distances_) {
    if (distance.until < since) continue;
    out.emplace_back(to_ms(since) + distance.ms - kMargin, to_ms(now.mono) + distance.ms + kMargin);
  }
  return out;
}

}  // namespace multilink
