// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_choice.hpp"

#include <algorithm>

namespace multilink {
namespace {

bool can_carry(const Contender& contender) {
  return contender.enabled && contender.fact == LinkFact::ok;
}

/// Lower is better.
int class_of(const Contender& contender) {
  if (is_usable(contender)) return contender.drained ? 1 : 0;
  switch (contender.health) {
    case HealthState::up:
    case HealthState::unknown:
      return 2;
    case HealthState::suspect:
      return contender.answers ? 3 : 4;
    case HealthState::down:
      break;
  }
  return contender.answers ? 3 : 5;
}

template <class Value>
void keep_lowest(std::vector<std::size_t>& positions, Value value) {
  if (positions.empty()) return;
  const auto best = value(*std::min_element(
      positions.begin(), positions.end(), [&](std::size_t a, std::size_t b) { return value(a) < value(b); }));
  std::erase_if(positions, [&](std::size_t position) { return value(position) != best; });
}

}  // namespace

bool is_usable(const Contender& contender) {
  return can_carry(contender) && (contender.health == HealthState::up ||
                                  (contender.health == HealthState::unknown && contender.in_force));
}

bool gives_way(const Contender& contender, std::span<const Contender> carriers) {
  const bool is_left = contender.fact != LinkFact::ok || contender.health == HealthState::suspect ||
                       contender.health == HealthState::down || contender.lets_go ||
                       (contender.health == HealthState::unknown && contender.gave_way);
  return is_left && std::any_of(carriers.begin(), carriers.end(), is_usable);
}

std::vector<std::size_t> choose_uplinks(std::span<const Contender> contenders, bool default_in_force) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (can_carry(contenders[i])) chosen.push_back(i);
  }
  keep_lowest(chosen, [&](std::size_t i) { return class_of(contenders[i]); });
  if (chosen.empty()) return {};
  const auto is_any_in_force = [&](const std::vector<std::size_t>& positions) {
    return std::any_of(positions.begin(), positions.end(),
                       [&](std::size_t i) { return contenders[i].in_force; });
  };
  const Contender& best = contenders[chosen.front()];
  if (!is_usable(best)) {
    if (best.health == HealthState::unknown && !default_in_force) return {};
    if (is_any_in_force(chosen)) {
      std::erase_if(chosen, [&](std::size_t i) { return !contenders[i].in_force; });
      return chosen;
    }
  } else if (is_any_in_force(chosen)) {
    std::erase_if(chosen, [&](std::size_t i) { return contenders[i].waits && !contenders[i].in_force; });
  }
  keep_lowest(chosen, [&](std::size_t i) { return contenders[i].precedence; });
  return chosen;
}

std::optional<std::size_t> choose_for_policy(std::span<const Contender> list) {
  std::vector<Contender> ranked(list.begin(), list.end());
  unsigned rank = 0;
  for (auto& contender : ranked) {
    contender.precedence = ++rank;
    if (contender.health == HealthState::down && !contender.answers) contender.enabled = false;
  }
  const auto chosen = choose_uplinks(ranked, true);
  return chosen.empty() ? std::nullopt : std::optional(chosen.front());
}

}  // namespace multilink
