// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_replay.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace link_replay_test {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1h};

UplinkConfig uplink() {
  UplinkConfig out;
  out.device = out.name = "eth0";
  for (const char* target : {"203.0.113.1", "203.0.113.2", "203.0.113.3"}) {
    out.targets.push_back(*IpAddress::parse(target));
  }
  return out;
}

LinkReplay::Link silent_between(Duration from, Duration to) {
  return [=](MonoTime at, const IpAddress&) -> std::optional<Duration> {
    if (at >= kStart + from && at < kStart + to) return std::nullopt;
    return 20ms;
  };
}

TEST(LinkReplayTest, ACalmLinkComesUpWithItsFirstAnswerAndIsProbedOnceASecond) {
  LinkReplay replay(uplink(), silent_between(0s, 0s), kStart);
  replay.run_until(kStart + 10min);
  const auto changes = replay.take_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].transition.to, HealthState::up);
  EXPECT_EQ(changes[0].decided, kStart + 20ms);
  EXPECT_NEAR(static_cast<double>(replay.regular_probes()), 601, 10);
  EXPECT_EQ(replay.burst_probes(), 0U);
}

TEST(LinkReplayTest, ASilentLinkIsSuspectThenDownThenUpAgain) {
  LinkReplay replay(uplink(), silent_between(60500ms, 90s), kStart);
  replay.run_until(kStart + 3min);
  const auto changes = replay.take_changes();
  ASSERT_EQ(changes.size(), 4U);
  EXPECT_EQ(changes[1].transition.to, HealthState::suspect);
  EXPECT_LT(changes[1].decided, kStart + 60500ms + 1080ms + 250ms);
  EXPECT_EQ(changes[2].transition.to, HealthState::down);
  EXPECT_GE(changes[2].decided, kStart + 63500ms);
  EXPECT_LT(changes[2].decided, kStart + 63500ms + 1080ms + 60ms);
  EXPECT_EQ(changes[3].transition.to, HealthState::up);
  EXPECT_LT(changes[3].decided, kStart + 90s + 12s);
}

TEST(LinkReplayTest, RunningInPiecesChangesNothing) {
  LinkReplay whole(uplink(), silent_between(20s, 24s), kStart);
  whole.run_until(kStart + 2min);
  LinkReplay pieces(uplink(), silent_between(20s, 24s), kStart);
  for (auto at = kStart; at <= kStart + 2min; at += 77ms) pieces.run_until(at);
  pieces.run_until(kStart + 2min);
  EXPECT_EQ(whole.take_changes(), pieces.take_changes());
  EXPECT_EQ(whole.burst_probes(), pieces.burst_probes());
}

}  // namespace link_replay_test
}  // namespace multilink
