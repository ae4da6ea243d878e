// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/flap_penalty.hpp"

#include <algorithm>
#include <cmath>

namespace multilink {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

double FlapPenalty::at(MonoTime now) const {
  if (penalty_ <= 0) return 0;
  const double half_lives = std::max(0.0, seconds(now - as_of_) / seconds(kHalfLife));
  return penalty_ * std::exp2(-half_lives);
}

std::optional<MonoTime> FlapPenalty::forgiven_at() const {
  if (penalty_ <= 0) return std::nullopt;
  const double half_lives = std::log2(penalty_ / kFree);
  return as_of_ +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(half_lives * seconds(kHalfLife)));
}

void FlapPenalty::restore(std::optional<MonoTime> forgiven_at, MonoTime now) {
  penalty_ = 0;
  as_of_ = now;
  if (!forgiven_at) return;
  const auto left = std::min(seconds(*forgiven_at - now) / seconds(kHalfLife), 4.0);
  penalty_ = kFree * std::exp2(left);
}

void FlapPenalty::add(double points, MonoTime now) {
  penalty_ = at(now) + points;
  as_of_ = now;
}

Duration FlapPenalty::extra_wait(MonoTime now) const {
  const double wait = std::min(seconds(kMostWait), std::pow(kGrowth, (at(now) - kFree) / kOfSuspect) - 1);
  if (wait < seconds(kLeastWait)) return Duration::zero();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait));
}

}  // namespace multilink
