// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rtt_estimator.hpp"

#include <algorithm>

namespace multilink {

void RttEstimator::add(Duration rtt) {
  rtt = std::max(rtt, Duration::zero());
  if (!smoothed_) {
    smoothed_ = rtt;
    variation_ = rtt / 2;
    return;
  }
  variation_ += (std::chrono::abs(*smoothed_ - rtt) - variation_) / 4;
  *smoothed_ += (rtt - *smoothed_) / 8;
}

Duration RttEstimator::timeout() const {
  if (!smoothed_) return kInitialTimeout;
  return std::clamp(*smoothed_ + std::max(4 * variation_, kLeastMargin), kLeastTimeout, kMostTimeout);
}

std::optional<Duration> RttEstimator::smoothed() const {
  return smoothed_;
}

}  // namespace multilink
