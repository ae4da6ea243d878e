// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/loss_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "seeded.hpp"
#include "unit/probe_series.hpp"

namespace multilink {
namespace loss_window_test {

using namespace std::chrono_literals;

TEST(LossWindow, SaysNothingOfNoProbes) {
  const LossWindow window(60s);
  EXPECT_EQ(window.probes(), 0U);
  EXPECT_EQ(window.loss(), 0);
  EXPECT_EQ(window.rtt(), 0ns);
  EXPECT_EQ(window.jitter(), 0ns);
  EXPECT_FALSE(window.loss_is_significantly_above(0));
  EXPECT_FALSE(window.loss_is_below(1));
  EXPECT_FALSE(window.newest().has_value());
}

TEST(LossWindow, EndsWithTheNewestProbeAndLeavesOutOneOfItsOwnAge) {
  LossWindow window(10s);
  for (int i = 0; i <= 10; ++i) window.record(i == 0 ? lost(i) : answered(i));
  EXPECT_EQ(window.probes(), 10U) << "the one sent exactly 10 s before the newest is out";
  EXPECT_EQ(window.lost(), 0U);
  window.record(lost(0.5));
  EXPECT_EQ(window.probes(), 11U);
  window.record(lost(0));
  EXPECT_EQ(window.probes(), 11U) << "too old to come back";
}

TEST(LossWindow, ComparesExactly) {
  LossWindow window(60s);
  for (int i = 1; i <= 60; ++i) window.record(i <= 12 ? lost(i) : answered(i));
  EXPECT_DOUBLE_EQ(window.loss(), 0.2);
  EXPECT_FALSE(window.loss_is_below(0.20));
  EXPECT_TRUE(window.loss_is_below(0.200001));
}

TEST(LossWindow, NoLossIsBelowEveryRatio) {
  LossWindow window(60s);
  window.record(answered(1));
  EXPECT_TRUE(window.loss_is_below(0));
  EXPECT_FALSE(window.loss_is_significantly_above(0));
}

TEST(LossWindow, IsAboveARatioOnlyByMoreThanChance) {
  const auto significant = [](int losses, int probes) {
    LossWindow window(60s);
    for (int i = 1; i <= probes; ++i) window.record(i <= losses ? lost(i) : answered(i));
    return window.loss_is_significantly_above(0.20);
  };
  EXPECT_FALSE(significant(21, 60));
  EXPECT_TRUE(significant(22, 60));
  EXPECT_FALSE(significant(9, 20));
  EXPECT_TRUE(significant(10, 20));
}

TEST(LossWindow, ForgetsATargetAsIfItHadNeverBeenAsked) {
  auto random = seeded_random();
  const auto a = *IpAddress::parse("1.1.1.1");
  const auto b = *IpAddress::parse("8.8.8.8");
  LossWindow both(60s);
  LossWindow only(60s);
  for (int i = 1; i <= 60; ++i) {
    auto probe = random() % 3 == 0 ? lost(i) : answered(i, std::chrono::milliseconds(random() % 100));
    probe.target = random() % 2 == 0 ? a : b;
    both.record(probe);
    if (probe.target == b) only.record(probe);
  }
  both.forget_target(a);
  EXPECT_EQ(both.probes(), only.probes());
  EXPECT_EQ(both.lost(), only.lost());
  EXPECT_EQ(both.rtt(), only.rtt());
  EXPECT_EQ(both.jitter(), only.jitter());
}

TEST(LossWindow, ALateAnswerTakesTheLossBackAndNeverTheOtherWayRound) {
  LossWindow window(60s);
  window.record(lost(1));
  window.record(answered(2, 30ms));
  EXPECT_EQ(window.lost(), 1U);
  window.record(answered(1, 4s));
  EXPECT_EQ(window.lost(), 0U);
  EXPECT_EQ(window.rtt(), 2015ms);
  window.record(lost(1));
  window.record(answered(1, 9s));
  EXPECT_EQ(window.probes(), 2U);
  EXPECT_EQ(window.lost(), 0U);
  EXPECT_EQ(window.rtt(), 2015ms) << "the first answer stands";
}

TEST(LossWindow, LeavesBurstProbesOut) {
  LossWindow window(60s);
  auto burst = lost(1);
  burst.kind = ProbeKind::burst;
  window.record(burst);
  EXPECT_EQ(window.probes(), 0U);
}

TEST(LossWindow, BeginsAfreshAfterAPointInTime) {
  LossWindow window(5s);
  for (int i = 1; i <= 4; ++i) window.record(lost(i));
  EXPECT_FALSE(window.is_full()) << "never restarted";
  window.restart_after(at(3));
  EXPECT_EQ(window.probes(), 1U);
  window.record(lost(2.5));
  window.record(lost(3));
  EXPECT_EQ(window.probes(), 1U) << "what was sent before does not count, also when it comes later";
  window.record(answered(7.9));
  EXPECT_FALSE(window.is_full());
  window.record(answered(8));
  EXPECT_TRUE(window.is_full());
}

TEST(LossWindow, IsFullLaterAfterItWasMadeLonger) {
  LossWindow window(5s);
  window.restart_after(at(0));
  for (int i = 1; i <= 100; ++i) window.record(answered(i));
  window.set_length(20s);
  EXPECT_FALSE(window.is_full()) << "it has only 5 s behind it";
  for (int i = 101; i <= 114; ++i) window.record(answered(i));
  EXPECT_FALSE(window.is_full());
  window.record(answered(115));
  EXPECT_TRUE(window.is_full());
  EXPECT_EQ(window.probes(), 20U);
  window.set_length(3s);
  EXPECT_EQ(window.probes(), 3U);
}

TEST(LossWindow, MeasuresJitterAlongOnePathOnly) {
  LossWindow window(60s);
  for (int i = 0; i < 20; ++i) {
    auto probe = answered(i, i % 2 == 0 ? 10ms : 80ms);
    if (i % 2 == 1) probe.target = IpAddress::from_v4({198, 51, 100, 1});
    window.record(probe);
  }
  EXPECT_EQ(window.rtt(), 45ms);
  EXPECT_EQ(window.jitter(), 0ns) << "two targets at different distances, each steady";
  window.record(answered(20, 28ms));
  EXPECT_EQ(window.jitter(), Duration(18ms) / 19);
}

TEST(LossWindow, ForgetsTheOldestBeyondItsBound) {
  LossWindow window(std::chrono::hours(24));
  for (std::size_t i = 0; i < LossWindow::kMostProbes + 1000; ++i) {
    const double seconds = 0.001 * static_cast<double>(i);
    window.record(i < 1000 ? lost(seconds) : answered(seconds));
  }
  EXPECT_EQ(window.probes(), LossWindow::kMostProbes);
  EXPECT_EQ(window.lost(), 0U);
}

/// What the window should say, by going through all it was ever shown.
struct Plain {
  std::vector<ProbeRecord> seen;

  std::vector<ProbeRecord> inside(Duration length, MonoTime after) const {
    std::vector<ProbeRecord> out;
    if (seen.empty()) return out;
    const MonoTime newest = std::ranges::max(seen, {}, &ProbeRecord::sent).sent;
    for (const auto& probe : seen) {
      if (probe.sent > newest - length && probe.sent > after) out.push_back(probe);
    }
    std::ranges::sort(out, {}, &ProbeRecord::sent);
    return out;
  }
};

void expect_same(const LossWindow& window, const std::vector<ProbeRecord>& probes) {
  std::size_t lost = 0;
  Duration sum{};
  Duration steps{};
  std::int64_t pairs = 0;
  std::map<IpAddress, Duration> previous;
  for (const auto& probe : probes) {
    if (probe.outcome == Outcome::lost) {
      ++lost;
      continue;
    }
    sum += probe.rtt;
    const auto before = previous.find(probe.target);
    if (before != previous.end()) {
      steps += std::chrono::abs(probe.rtt - before->second);
      ++pairs;
    }
    previous[probe.target] = probe.rtt;
  }
  const auto answers = static_cast<std::int64_t>(probes.size() - lost);
  ASSERT_EQ(window.probes(), probes.size());
  ASSERT_EQ(window.lost(), lost);
  ASSERT_EQ(window.rtt(), answers == 0 ? 0ns : sum / answers);
  ASSERT_EQ(window.jitter(), pairs == 0 ? 0ns : steps / pairs);
}

/// Probes are settled up to 5 s after their sending and thus in any order, losses are taken back later, and
/// the window begins afresh now and then: after each step it says what counting everything again says.
TEST(LossWindow, AgreesWithCountingEverythingAgain) {
  auto random = seeded_random();
  const auto chance = [&](double p) { return std::bernoulli_distribution(p)(random); };
  for (int run = 0; run < 20; ++run) {
    LossWindow window(30s);
    Plain plain;
    MonoTime after = MonoTime::min();
    for (int i = 0; i < 400; ++i) {
      const double sent = i + std::uniform_real_distribution(-5.0, 0.0)(random);
      auto probe = chance(0.3) ? lost(sent) : answered(sent, std::chrono::milliseconds(random() % 300));
      probe.sequence = static_cast<std::uint64_t>(i);
      probe.target = IpAddress::from_v4({192, 0, 2, static_cast<std::uint8_t>(random() % 3)});
      plain.seen.push_back(probe);
      window.record(probe);
      auto& earlier = plain.seen[random() % plain.seen.size()];
      if (earlier.outcome == Outcome::lost && chance(0.3)) {
        earlier.outcome = Outcome::answered;
        earlier.rtt = 4s;
        window.record(earlier);
      }
      if (chance(0.02)) {
        after = std::max(after, at(i - 10));
        window.restart_after(at(i - 10));
      }
      expect_same(window, plain.inside(30s, after));
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace loss_window_test
}  // namespace multilink
