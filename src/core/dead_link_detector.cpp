// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/dead_link_detector.hpp"

#include <algorithm>
#include <limits>

namespace multilink {

void DeadLinkDetector::observe(const ProbeRecord& probe) {
  if (!is_news(probe) || is_of_past_outage(probe)) return;
  note_silence(probe);
  const bool was_aside = targets_.is_set_aside(probe.target);
  if (!was_dead_) targets_.observe(probe);  // what is silent with the whole link is no dead target
  const bool is_aside = targets_.is_set_aside(probe.target);
  if (probe.outcome == Outcome::answered) rtts_[probe.target].add(probe.rtt);
  if (probe.outcome == Outcome::answered && correct(probe)) {
    weigh_anew();
  } else if (!is_aside) {
    evidence_.push_back({probe.sequence, probe.target, probe.outcome, probe.kind});
    if (evidence_.size() > kMostEvidence) evidence_.erase(evidence_.begin());
    test_.set_baseline(baseline());
    test_.add(probe.outcome);
  }
  if (is_aside && !was_aside) {
    std::erase_if(evidence_, [&](const Evidence& item) { return item.target == probe.target; });
    weigh_anew();
  }
  if (!was_dead_ && says_dead()) {
    was_dead_ = true;
    targets_.excuse_losses();
  }
  close_if_calm();
}

bool DeadLinkDetector::is_news(const ProbeRecord& probe) {
  if (probe.sent <= floor_) return false;
  const auto [seen, is_new] = seen_.try_emplace({probe.sent, probe.sequence}, probe.outcome);
  if (!is_new) {
    if (seen->second == Outcome::answered || probe.outcome == Outcome::lost) return false;
    seen->second = Outcome::answered;
  }
  const MonoTime oldest = seen_.rbegin()->first.first - kMemory;
  while (seen_.begin()->first.first < oldest) {
    floor_ = std::max(floor_, seen_.begin()->first.first);
    seen_.erase(seen_.begin());
  }
  return true;
}

bool DeadLinkDetector::is_of_past_outage(const ProbeRecord& probe) const {
  return probe.outcome == Outcome::lost && probe.sent <= returned_;
}

void DeadLinkDetector::note_silence(const ProbeRecord& probe) {
  if (probe.outcome == Outcome::answered) {
    newest_heard_ = std::max(newest_heard_, probe.sent);
    unheard_.erase(unheard_.begin(), unheard_.upper_bound(newest_heard_));
  } else if (probe.sent > newest_heard_ && !targets_.is_set_aside(probe.target)) {
    // Of many the first and the last matter, and which one is the first after an answer to a later one.
    if (unheard_.size() >= kMostEvidence) unheard_.erase(std::prev(unheard_.end()));
    unheard_.insert(probe.sent);
  }
}

bool DeadLinkDetector::correct(const ProbeRecord& probe) {
  const auto found = std::find_if(evidence_.rbegin(), evidence_.rend(), [&](const Evidence& item) {
    return item.sequence == probe.sequence && item.outcome == Outcome::lost;
  });
  if (found == evidence_.rend()) return false;
  found->outcome = Outcome::answered;
  return true;
}

void DeadLinkDetector::weigh_anew() {
  test_.reset();
  for (const auto& item : evidence_) test_.add(item.outcome);
}

void DeadLinkDetector::close_if_calm() {
  if (!test_.is_calm()) return;
  for (const auto& item : evidence_) {
    if (was_dead_ || item.kind != ProbeKind::regular) continue;
    learnt_.push_back(item.outcome);
    if (learnt_.size() > kBaselineProbes) learnt_.pop_front();
  }
  if (was_dead_) returned_ = newest_heard_;
  evidence_.clear();
  was_dead_ = false;
}

void DeadLinkDetector::restart_after(MonoTime time) {
  floor_ = std::max(floor_, time);
  seen_.erase(seen_.begin(), seen_.upper_bound({floor_, std::numeric_limits<std::uint64_t>::max()}));
  test_.reset();
  evidence_.clear();
  unheard_.clear();
  newest_heard_ = std::max(newest_heard_, time);
  was_dead_ = false;
}

double DeadLinkDetector::baseline() const {
  if (learnt_.empty()) return 0;
  const auto lost = std::count(learnt_.begin(), learnt_.end(), Outcome::lost);
  return static_cast<double>(lost) / static_cast<double>(learnt_.size());
}

void DeadLinkDetector::retain_targets(const std::vector<IpAddress>& targets) {
  targets_.retain(targets);
  std::erase_if(rtts_,
                [&](const auto& item) { return std::ranges::find(targets, item.first) == targets.end(); });
}

bool DeadLinkDetector::is_urgent() const {
  return std::ranges::any_of(evidence_, [](const Evidence& item) { return item.kind == ProbeKind::urgent; });
}

Duration DeadLinkDetector::patience() const {
  Duration timeout = RttEstimator::kMostTimeout;
  for (const auto& [target, rtt] : rtts_) {
    if (!targets_.is_set_aside(target)) timeout = std::min(timeout, rtt.timeout());
  }
  return std::clamp<Duration>(kTimeoutsOfPatience * timeout, kLeastPatience, kMostPatience);
}

Duration DeadLinkDetector::silence() const {
  return unheard_.empty() ? Duration{} : *unheard_.rbegin() - *unheard_.begin();
}

std::optional<MonoTime> DeadLinkDetector::surely_silent_since() const {
  if (unheard_.size() < 2) return std::nullopt;
  return *std::next(unheard_.begin());
}

std::optional<MonoTime> DeadLinkDetector::silent_since() const {
  if (unheard_.empty()) return std::nullopt;
  return *unheard_.begin();
}

}  // namespace multilink
