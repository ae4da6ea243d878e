// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/inquiry.hpp"

#include <algorithm>

namespace multilink {

void Inquiry::open(MonoTime now) {
  opened_ = now;
  last_sent_.reset();
  answered_since_ = false;
}

void Inquiry::on_silence(MonoTime now) {
  if (!is_open() || !urgent_) open(now);  // from now on at full speed
  urgent_ = true;
}

void Inquiry::on_settled(const ProbeRecord& probe, MonoTime now) {
  detector_.observe(probe);
  if (probe.outcome == Outcome::answered) return after_answer(probe, now);
  const bool is_silent = detector_.silent_since().has_value();
  if (!is_open() && !detector_.is_calm() && is_silent) open(now);
  if (!was_dead_ && detector_.says_dead()) opened_ = now;  // how long it is looked for counts from here
  was_dead_ = detector_.says_dead();
}

void Inquiry::after_answer(const ProbeRecord& probe, MonoTime now) {
  // It lives again: ask on at full speed until that is sure. An answer that none would have been waited for is no such
  // news: a link that is that slow would be asked at full speed for ever.
  if (was_dead_ && probe.rtt <= RttEstimator::kMostTimeout) open(now);
  was_dead_ = detector_.says_dead();
  if (!is_open()) return;
  answered_since_ = answered_since_ || probe.sent >= *opened_;
  if (!detector_.is_calm() || !answered_since_) return;
  opened_.reset();
  urgent_ = false;
}

void Inquiry::reset(MonoTime now) {
  detector_.restart_after(now);
  opened_.reset();
  urgent_ = false;
  last_sent_.reset();
  was_dead_ = false;
}

std::optional<MonoTime> Inquiry::next_probe() const {
  if (!opened_) return std::nullopt;
  if (!last_sent_) return opened_;
  const Duration open_for = *last_sent_ - *opened_;
  if (detector_.says_dead()) {
    if (open_for >= kDeadFor) return std::nullopt;
    return *last_sent_ + kDeadSpacing;
  }
  if (open_for >= kBurstFor) return *last_sent_ + kLongSpacing;
  return urgent_ ? *last_sent_ + kBurstSpacing : next_calm_probe();
}

MonoTime Inquiry::next_calm_probe() const {
  const Duration patience = detector_.patience();
  const MonoTime next = *last_sent_ + std::max(kCalmSpacing, patience / kCalmProbes);
  const auto since = detector_.silent_since();
  if (!since) return next;
  const MonoTime decisive = *since + patience;
  return decisive > *last_sent_ && decisive < next ? decisive : next;
}

void Inquiry::on_burst_probe_sent(MonoTime now) {
  last_sent_ = now;
}

}  // namespace multilink
