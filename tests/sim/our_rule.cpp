// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/our_rule.hpp"

#include <utility>

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
      uplink, [&](MonoTime at, const IpAddress&) { return carry(at - kStart); }, kStart + first);
  replay.run_until(kStart + end);
  Decisions decisions;
  for (auto& [transition, decided] : replay.take_changes()) {
    decisions.push_back({decided - kStart, judgement(transition.to), std::move(transition.reason)});
  }
  return decisions;
}

}  // namespace multilink::sim
