// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/traffic_rhythm.hpp"

#include <algorithm>
#include <cmath>

namespace multilink {
namespace {

constexpr double kGaps = 8;
constexpr double kLeastRate = 10;  ///< packets a second: below it a probe a second is about as fast
constexpr std::uint64_t kLeastSent = 2;
constexpr Duration kBusyFor = std::chrono::seconds(1);

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void TrafficRhythm::learn(std::uint64_t received, MonoTime now) {
  const double elapsed = std::max(seconds(now - last_reading_), 1e-6);
  const double keep = std::exp(-elapsed);
  rate_ = rate_ * keep + static_cast<double>(received) / elapsed * (1 - keep);
}

bool TrafficRhythm::on_reading(const TrafficCount& count, MonoTime now) {
  if (!last_ || count.received < last_->received || count.sent < last_->sent) {
    last_ = count;
    last_reading_ = last_received_ = now;
    rate_ = 0;
    sent_in_silence_ = 0;
    return false;
  }
  const std::uint64_t received = count.received - last_->received;
  const std::uint64_t sent = count.sent - last_->sent;
  last_ = count;
  if (received > 0) {
    learn(received, now);
    last_reading_ = last_received_ = now;
    sent_in_silence_ = 0;
    asked_ = false;
    return false;
  }
  sent_in_silence_ += sent;
  const Duration silence = now - last_received_;
  const bool is_silence =
      rate_ >= kLeastRate && silence >= kLeastSilence && seconds(silence) >= kGaps / rate_;
  if (!is_silence || asked_ || sent_in_silence_ < kLeastSent || now < quiet_until_) return false;
  asked_ = true;
  return true;
}

void TrafficRhythm::on_false_trigger(MonoTime now) {
  if (now > quiet_until_ + 2 * kMostBackoff) backoff_ = kFirstBackoff;
  quiet_until_ = now + backoff_;
  backoff_ = std::min(kMostBackoff, backoff_ * 2);
}

bool TrafficRhythm::is_busy(MonoTime now) const {
  return rate_ >= kLeastRate && now - last_received_ < kBusyFor;
}

}  // namespace multilink
