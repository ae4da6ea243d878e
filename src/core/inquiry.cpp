// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/inquiry.hpp"

#include <algorithm>

namespace multilink {
namespace {

/// Without another one: the next hold is of kLeastHold again.
constexpr Duration kForgetHold = std::chrono::hours(1);

}  // namespace

void Inquiry::open(MonoTime now) {
  opened_ = now;
  last_sent_.reset();
  answered_since_ = false;
}

void Inquiry::close() {
  opened_.reset();
  urgent_ = false;
  reopened_ = false;
}

void Inquiry::on_silence(MonoTime now) {
  if (is_held(now) || is_given_up()) return;
  if (!is_open() || !urgent_) open(now);  // from now on at full speed
  urgent_ = true;
}

void Inquiry::on_settled(const ProbeRecord& probe, MonoTime now) {
  detector_.observe(probe);
  if (probe.outcome == Outcome::answered) {
    after_answer(probe, now);
  } else {
    after_loss(now);
  }
  was_dead_ = detector_.says_dead();
}

void Inquiry::after_loss(MonoTime now) {
  const bool is_silent = detector_.silent_since().has_value();
  if (!is_open() && !detector_.is_calm() && is_silent && !is_held(now)) open(now);
  const bool stands_still = reopened_ && now - heard_ >= kStandstill;
  if (stands_still) reopened_ = false;
  const bool is_found = detector_.says_dead() && (!was_dead_ || stands_still);
  if (is_found && !reopened_) opened_ = now;  // how long it is looked for counts from here
}

void Inquiry::after_answer(const ProbeRecord& probe, MonoTime now) {
  // It lives again: ask on at full speed until that is sure. An answer that none would have been waited for is no such
  // news: a link that is that slow would be asked at full speed for ever.
  if (was_dead_ && !reopened_ && probe.rtt <= RttEstimator::kMostTimeout) {
    open(now);
    reopened_ = true;
  }
  heard_ = now;
  if (!is_open()) return;
  answered_since_ = answered_since_ || probe.sent >= *opened_;
  if (!detector_.is_calm() || !answered_since_) return;
  if (is_given_up()) hold(now);
  close();
}

/// Of a link that was found dead and answers now and then: asking does not make it calm.
bool Inquiry::is_given_up() const {
  return reopened_ && opened_ && last_sent_ && *last_sent_ - *opened_ >= kDeadFor;
}

void Inquiry::hold(MonoTime now) {
  if (held_until_ != MonoTime::min() && now - held_until_ > kForgetHold) hold_ = kLeastHold;
  held_until_ = now + hold_;
  hold_ = std::min(2 * hold_, kMostHold);
}

void Inquiry::reset(MonoTime now) {
  detector_.restart_after(now);
  close();
  last_sent_.reset();
  was_dead_ = false;
}

std::optional<MonoTime> Inquiry::next_probe() const {
  if (!opened_) return std::nullopt;
  if (!last_sent_) return opened_;
  if (is_given_up()) return std::nullopt;
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
