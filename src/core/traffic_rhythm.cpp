// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/traffic_rhythm.hpp"

#include <algorithm>
#include <cmath>

namespace multilink {
namespace {

constexpr double kGaps = 2.5;
constexpr double kSpread = 4;      ///< times the usual difference, as in RFC 6298
constexpr double kLeastRate = 10;  ///< packets a second: below it a probe a second is about as fast
constexpr std::uint64_t kLeastSent = 2;
constexpr Duration kBusyFor = std::chrono::seconds(1);

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration duration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

bool TrafficRhythm::has_rhythm() const {
  return rate_ >= kLeastRate;
}

Duration TrafficRhythm::longest_gap(MonoTime now) const {
  return std::max({kLeastSilence, duration(kGaps / rate_), usual_silence(now)});
}

Duration TrafficRhythm::usual_silence(MonoTime now) const {
  return duration(seconds(usual_) * std::exp2(-seconds(now - usual_as_of_) / seconds(kHalfLife)));
}

/// Gives for how long packets were missing at the end of a reading, as far as that is beyond the usual.
Duration TrafficRhythm::learn(std::uint64_t received, Duration elapsed) {
  const double span = std::max(seconds(elapsed), 1e-6);
  const double late = rate_ > 0 ? std::max(-span, span - static_cast<double>(received) / rate_) : span;
  const double missing = has_rhythm() ? late - std::max(kGaps / rate_, kSpread * unevenness_) : 0;
  const double keep = std::exp(-span);
  rate_ = rate_ * keep + static_cast<double>(received) / span * (1 - keep);
  unevenness_ = unevenness_ * keep + std::min(std::abs(late), seconds(kPause)) * (1 - keep);
  return duration(std::max(missing, 0.0));
}

void TrafficRhythm::begin_anew() {
  last_.reset();
  rate_ = 0;
  unevenness_ = kUnknown;
  sent_in_silence_ = 0;
}

bool TrafficRhythm::on_reading(const TrafficCount& count, MonoTime now) {
  next_ = now + kPause;
  if (last_ && (count.received < last_->received || count.sent < last_->sent)) begin_anew();
  if (!last_) {
    last_ = count;
    last_received_ = silent_since_ = now;
    return false;
  }
  const std::uint64_t received = count.received - last_->received;
  const std::uint64_t sent = count.sent - last_->sent;
  last_ = count;
  if (received > 0) {
    const Duration missing = learn(received, now - last_received_);
    last_received_ = now;
    silent_since_ = now - missing;
    sent_in_silence_ = 0;
    asked_ = false;
  } else {
    sent_in_silence_ += sent;
  }
  if (!has_rhythm() || asked_) return false;
  if (received > 0 && silent_since_ == now) return false;
  const MonoTime due = std::max(silent_since_ + longest_gap(now), last_received_ + kSecondLook);
  if (now < due) {
    next_ = std::min(next_, due);
    return false;
  }
  if (sent_in_silence_ < kLeastSent || now < quiet_until_) {
    if (sent_in_silence_ > 0) next_ = now + kSecondLook;
    return false;
  }
  asked_ = true;
  doubted_ = now - silent_since_;
  return true;
}

void TrafficRhythm::on_false_trigger(MonoTime now) {
  quiet_until_ = now + kBackoff;
  usual_ = std::max(usual_silence(now), std::min<Duration>(kMostUsual, doubted_ * 3 / 2));
  usual_as_of_ = now;
}

std::optional<MonoTime> TrafficRhythm::next_reading(MonoTime now) const {
  if (!has_rhythm() || now - last_received_ >= kBusyFor) return std::nullopt;
  return next_;
}

}  // namespace multilink
