// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/our_rule.hpp"

#include "multilink/core/link_replay.hpp"

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1h};  // any

Judgement judgement(HealthState state) {
  switch (state) {
    case HealthState::unknown:
    case HealthState::up:
      return Judgement::usable;
    case HealthState::suspect:
      return Judgement::suspect;
    case HealthState::down:
      return Judgement::evicted;
  }
  return Judgement::usable;
}

}  // namespace

UplinkConfig default_uplink() {
  UplinkConfig uplink;
  uplink.device = uplink.name = "uplink";
  for (const char* target : {"192.0.2.1", "198.51.100.1", "203.0.113.1"}) {
    uplink.targets.push_back(*IpAddress::parse(target));
  }
  return uplink;
}

Decisions follow_multilink(const Carry& carry, Duration end, std::mt19937_64& random) {
  const auto uplink = default_uplink();
  const Duration first(
      std::uniform_int_distribution<Duration::rep>(0, uplink.probe_interval.count() - 1)(random));
  LinkReplay replay(
      uplink, [&](MonoTime at, const IpAddress&) { return carry(at - kStart); }, kStart + first, random());
  replay.run_until(kStart + end);
  // Both in order of time.
  Decisions decisions;
  Decision now;
  const auto changes = replay.take_changes();
  const auto answering = replay.take_answering();
  auto change = changes.begin();
  auto answer = answering.begin();
  while (change != changes.end() || answer != answering.end()) {
    const bool is_change =
        answer == answering.end() || (change != changes.end() && change->decided <= answer->first);
    if (is_change) {
      now = {change->decided - kStart, judgement(change->transition.to), change->transition.reason,
             now.answers};
      ++change;
    } else {
      now = {answer->first - kStart, now.judgement, "", answer->second};
      ++answer;
    }
    decisions.push_back(now);
  }
  return decisions;
}

}  // namespace multilink::sim
