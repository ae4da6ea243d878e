// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/target_watch.hpp"

#include <algorithm>
#include <cmath>

namespace multilink {
namespace {

constexpr double kDeviations = 3;
constexpr std::size_t kLeastOfOthers = 2;

double share(std::size_t lost, std::size_t probes) {
  return probes == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(probes);
}

}  // namespace

const double TargetWatch::kDecision = std::log(1e4);

std::size_t TargetWatch::Target::lost() const {
  return static_cast<std::size_t>(std::count(recent.begin(), recent.end(), Outcome::lost));
}

TargetWatch::Share TargetWatch::others_of(const IpAddress& target) const {
  Share others;
  for (const auto& [address, other] : targets_) {
    if (address == target || other.aside) continue;
    others.probes += other.recent.size();
    others.lost += other.lost();
  }
  return others;
}

bool TargetWatch::loses_more(const Target& target, const Share& others) const {
  const auto probes = static_cast<double>(target.recent.size());
  const std::size_t lost = target.lost();
  if (lost < kLeastLost || others.probes < target.recent.size()) return false;
  const double all = share(lost + others.lost, target.recent.size() + others.probes);
  const double deviation = std::sqrt(all * (1 - all) * (1 / probes + 1 / static_cast<double>(others.probes)));
  return share(lost, target.recent.size()) - share(others.lost, others.probes) > kDeviations * deviation;
}

void TargetWatch::count(Target& target, Outcome outcome) {
  const bool begins_a_streak = target.recent.empty() || target.recent.back() == Outcome::answered;
  if (outcome == Outcome::lost && begins_a_streak) target.others_answered = 0;
  target.answers_in_a_row = outcome == Outcome::answered ? target.answers_in_a_row + 1 : 0;
  target.recent.push_back(outcome);
  if (target.recent.size() > kWindow) target.recent.pop_front();
  target.test.add(outcome);
}

void TargetWatch::observe(const ProbeRecord& probe) {
  auto& target = targets_[probe.target];
  const Share others = others_of(probe.target);
  target.test.set_baseline(share(others.lost, others.probes));
  count(target, probe.outcome);
  if (probe.outcome == Outcome::answered) {
    for (auto& [address, other] : targets_) {
      if (address != probe.target) ++other.others_answered;
    }
  }
  if (target.aside) {
    if (target.answers_in_a_row >= kBackAfter) target = Target{};
    return;
  }
  const bool is_dead = target.test.score() >= kDecision && target.others_answered >= kLeastOfOthers;
  target.aside = is_dead || loses_more(target, others);
}

void TargetWatch::excuse_losses() {
  for (auto& [address, target] : targets_) {
    if (target.aside) continue;
    target.test.reset();
    std::erase(target.recent, Outcome::lost);
  }
}

bool TargetWatch::is_set_aside(const IpAddress& target) const {
  const auto found = targets_.find(target);
  return found != targets_.end() && found->second.aside;
}

std::vector<IpAddress> TargetWatch::set_aside() const {
  std::vector<IpAddress> out;
  for (const auto& [address, target] : targets_) {
    if (target.aside) out.push_back(address);
  }
  return out;
}

void TargetWatch::retain(const std::vector<IpAddress>& targets) {
  std::erase_if(targets_, [&](const auto& item) {
    return std::find(targets.begin(), targets.end(), item.first) == targets.end();
  });
}

}  // namespace multilink
