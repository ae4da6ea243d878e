// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_choice.hpp"

#include <algorithm>

namespace multilink {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

/// What one request costs.
double cost_of(const ParentCandidate& candidate) {
  const double rtt = std::max(1.0, Milliseconds(candidate.rtt).count());
  return rtt / std::max(1U, candidate.weight);
}

}  // namespace

void ParentChoice::keep_only(const std::vector<ParentCandidate>& candidates) {
  std::erase_if(counters_, [&](const auto& counter) {
    return std::none_of(candidates.begin(), candidates.end(),
                        [&](const ParentCandidate& each) { return each.name == counter.first; });
  });
  double lowest = 0;
  if (!counters_.empty()) {
    lowest = std::min_element(counters_.begin(), counters_.end(), [](const auto& a, const auto& b) {
               return a.second < b.second;
             })->second;
  }
  for (auto& [name, counter] : counters_) counter -= lowest;  // only differences count: they stay exact
}

std::optional<ChosenParents> ParentChoice::choose(const std::vector<ParentCandidate>& candidates) {
  keep_only(candidates);
  const ParentCandidate* best = nullptr;
  const ParentCandidate* second = nullptr;
  const auto counter_of = [&](const ParentCandidate& each) { return counters_[each.name]; };
  for (const auto& each : candidates) {
    if (best == nullptr || counter_of(each) < counter_of(*best)) {
      second = best;
      best = &each;
    } else if (second == nullptr || counter_of(each) < counter_of(*second)) {
      second = &each;
    }
  }
  if (best == nullptr) return std::nullopt;
  counters_[best->name] += cost_of(*best);
  ChosenParents out{best->name, {}};
  if (second != nullptr) out.alternative = second->name;
  return out;
}

std::vector<double> shares_of(const std::vector<ParentCandidate>& candidates) {
  std::vector<double> out;
  double sum = 0;
  for (const auto& each : candidates) {
    out.push_back(1 / cost_of(each));
    sum += out.back();
  }
  for (auto& share : out) share /= sum;
  return out;
}

}  // namespace multilink
