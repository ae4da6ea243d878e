// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/loss_window.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>

namespace multilink {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

std::uint64_t millionths(double ratio) {
  return static_cast<std::uint64_t>(std::llround(std::clamp(ratio, 0.0, 1.0) * kMillion));
}

}  // namespace

LossWindow::LossWindow(Duration length) : length_(length) {
  assert(length > Duration::zero());
}

void LossWindow::record(const ProbeRecord& probe) {
  if (probe.kind != ProbeKind::regular || probe.sent <= floor_) return;
  const Key key{probe.sent, probe.sequence};
  auto at = entries_.end();
  if (!entries_.empty() && key <= entries_.back().key) {
    at = std::ranges::lower_bound(entries_, key, {}, &Entry::key);
  }
  if (at == entries_.end() || at->key != key) {
    at = entries_.insert(at, Entry{key, probe.target, paths_.end()});
    ++lost_;
  }
  if (probe.outcome == Outcome::answered && at->path == paths_.end()) mark_answered(*at, probe);
  forget_until(entries_.back().key.sent - length_);
  if (entries_.size() > kMostProbes) forget_until(entries_.front().key.sent);
}

void LossWindow::mark_answered(Entry& entry, const ProbeRecord& probe) {
  const auto distance = [](const Sample& a, const Sample& b) { return std::chrono::abs(a.rtt - b.rtt); };
  entry.path = paths_.try_emplace(probe.target).first;
  Path& path = entry.path->second;
  const auto next = std::ranges::upper_bound(path, entry.key, {}, &Sample::key);
  const Sample sample{entry.key, probe.rtt};
  const bool has_next = next != path.end();
  const bool has_previous = next != path.begin();
  if (has_next) step_sum_ += distance(sample, *next);
  if (has_previous) step_sum_ += distance(*std::prev(next), sample);
  if (has_next && has_previous) step_sum_ -= distance(*std::prev(next), *next);
  if (has_next || has_previous) ++steps_;
  path.insert(next, sample);
  rtt_sum_ += probe.rtt;
  --lost_;
}

void LossWindow::restart_after(MonoTime time) {
  restarted_ = time;
  forget_until(time);
}

void LossWindow::forget_target(const IpAddress& target) {
  for (const auto& entry : entries_) {
    if (entry.target == target && entry.path == paths_.end()) --lost_;
  }
  if (const auto path = paths_.find(target); path != paths_.end()) {
    const Path& samples = path->second;
    for (const auto& sample : samples) rtt_sum_ -= sample.rtt;
    for (std::size_t i = 1; i < samples.size(); ++i) {
      step_sum_ -= std::chrono::abs(samples[i].rtt - samples[i - 1].rtt);
    }
    steps_ -= static_cast<std::int64_t>(samples.size()) - 1;
    paths_.erase(path);
  }
  std::erase_if(entries_, [&](const Entry& entry) { return entry.target == target; });
}

void LossWindow::set_length(Duration length) {
  assert(length > Duration::zero());
  // What a longer window would hold of earlier probes has been forgotten: it is full later.
  if (restarted_ && length > length_) restarted_ = std::max(*restarted_, floor_);
  length_ = length;
  if (!entries_.empty()) forget_until(entries_.back().key.sent - length_);
}

void LossWindow::forget_until(MonoTime time) {
  floor_ = std::max(floor_, time);
  while (!entries_.empty() && entries_.front().key.sent <= floor_) forget_oldest();
}

void LossWindow::forget_oldest() {
  const auto path = entries_.front().path;
  entries_.pop_front();
  if (path == paths_.end()) {
    --lost_;
    return;
  }
  Path& samples = path->second;
  rtt_sum_ -= samples.front().rtt;
  if (samples.size() > 1) {
    step_sum_ -= std::chrono::abs(samples[1].rtt - samples[0].rtt);
    --steps_;
  }
  samples.pop_front();
  if (samples.empty()) paths_.erase(path);
}

double LossWindow::loss() const {
  return entries_.empty() ? 0 : static_cast<double>(lost_) / static_cast<double>(entries_.size());
}

bool LossWindow::loss_is_significantly_above(double ratio) const {
  constexpr double kDeviations = 3;
  const auto n = static_cast<double>(entries_.size());
  const double excess = static_cast<double>(lost_) - n * ratio;
  return excess > 0 && excess > kDeviations * std::sqrt(n * ratio * (1 - ratio));
}

bool LossWindow::loss_is_below(double ratio) const {
  if (lost_ == 0) return !entries_.empty();
  return lost_ * kMillion < millionths(ratio) * entries_.size();
}

bool LossWindow::is_full() const {
  return restarted_ && !entries_.empty() && entries_.back().key.sent - *restarted_ >= length_;
}

std::optional<MonoTime> LossWindow::newest() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.back().key.sent;
}

Duration LossWindow::rtt() const {
  const auto answered = static_cast<std::int64_t>(entries_.size() - lost_);
  return answered == 0 ? Duration::zero() : rtt_sum_ / answered;
}

Duration LossWindow::jitter() const {
  return steps_ == 0 ? Duration::zero() : step_sum_ / steps_;
}

}  // namespace multilink
