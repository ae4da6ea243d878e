// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/dead_link_detector.hpp"

#include <gtest/gtest.h>

#include <random>

namespace multilink {
namespace dead_link_detector_test {

using namespace std::chrono_literals;

const MonoTime kStart{std::chrono::hours(10)};
const std::vector<IpAddress> kTargets{*IpAddress::parse("1.1.1.1"), *IpAddress::parse("8.8.8.8"),
                                      *IpAddress::parse("9.9.9.9")};

/// Probes in turn over some targets; each test says what becomes of them.
class Prober {
 public:
  explicit Prober(std::size_t targets = 3) : targets_(targets) {}

  ProbeRecord next(Outcome outcome, Duration after = 1s, ProbeKind kind = ProbeKind::regular) {
    now_ += after;
    ProbeRecord probe;
    probe.boot = "0123abcd";
    probe.sequence = ++sequence_;
    probe.target = kTargets[sequence_ % targets_];
    probe.outcome = outcome;
    probe.rtt = outcome == Outcome::answered ? 20ms : 0ms;
    probe.kind = kind;
    probe.sent = now_;
    return probe;
  }
  IpAddress next_target() const { return kTargets[(sequence_ + 1) % targets_]; }
  MonoTime now() const { return now_; }

 private:
  std::size_t targets_;
  std::uint64_t sequence_ = 0;
  MonoTime now_ = kStart;
};

void feed(DeadLinkDetector& detector, Prober& prober, int probes, Outcome outcome,
          ProbeKind kind = ProbeKind::regular) {
  for (int i = 0; i < probes; ++i)
    detector.observe(prober.next(outcome, kind == ProbeKind::regular ? 1s : 10ms, kind));
}

TEST(DeadLinkDetector, FourLossesAreADeadLinkAndFourAnswersALivingOne) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  feed(detector, prober, 3, Outcome::lost, ProbeKind::urgent);
  EXPECT_FALSE(detector.says_dead());
  feed(detector, prober, 1, Outcome::lost, ProbeKind::urgent);
  EXPECT_TRUE(detector.says_dead());
  feed(detector, prober, 4, Outcome::answered, ProbeKind::urgent);
  EXPECT_TRUE(detector.is_calm());
}

TEST(DeadLinkDetector, WhereNobodyIsKnownToWaitTheSilenceMustLast) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  EXPECT_EQ(detector.patience(), DeadLinkDetector::kLeastPatience);
  feed(detector, prober, 20, Outcome::lost, ProbeKind::burst);
  EXPECT_FALSE(detector.says_dead()) << "190 ms of silence";
  EXPECT_EQ(detector.losses_to_dead(), 0U);
  feed(detector, prober, 1, Outcome::lost, ProbeKind::burst);
  EXPECT_TRUE(detector.says_dead());
}

TEST(DeadLinkDetector, OneUrgentProbeInTheEvidenceIsReasonEnough) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  feed(detector, prober, 4, Outcome::lost, ProbeKind::burst);
  EXPECT_FALSE(detector.says_dead());
  feed(detector, prober, 1, Outcome::lost, ProbeKind::urgent);
  EXPECT_TRUE(detector.says_dead());
}

TEST(DeadLinkDetector, ALinkWhoseAnswersTakeLongIsGivenMoreTime) {
  DeadLinkDetector detector;
  Prober prober;
  for (int i = 0; i < 60; ++i) {
    auto probe = prober.next(Outcome::answered, 1s);
    probe.rtt = i % 2 == 0 ? 100ms : 300ms;
    detector.observe(probe);
  }
  EXPECT_GT(detector.patience(), 500ms);
  EXPECT_LE(detector.patience(), DeadLinkDetector::kMostPatience);
}

TEST(DeadLinkDetector, AnOutageOfTheLinkSetsNoTargetAside) {
  DeadLinkDetector detector;
  Prober prober(3);
  feed(detector, prober, 60, Outcome::answered);
  feed(detector, prober, 100, Outcome::lost, ProbeKind::urgent);
  // The first answers overtake what is still known as lost of one target.
  auto late = prober.next(Outcome::lost, 10ms, ProbeKind::urgent);
  feed(detector, prober, 2, Outcome::answered, ProbeKind::urgent);
  detector.observe(late);
  EXPECT_TRUE(detector.targets().set_aside().empty());
}

TEST(DeadLinkDetector, TheTenthOutageIsSeenAsFastAsTheFirst) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  for (int outage = 0; outage < 10; ++outage) {
    int losses = 0;
    for (; !detector.says_dead(); ++losses) detector.observe(prober.next(Outcome::lost));
    EXPECT_EQ(losses, 4) << "outage " << outage;
    feed(detector, prober, 300, Outcome::lost);
    feed(detector, prober, 20, Outcome::answered);
    EXPECT_EQ(detector.baseline(), 0);
  }
}

TEST(DeadLinkDetector, LearnsTheLossOfCalmTimes) {
  DeadLinkDetector detector;
  Prober prober;
  for (int i = 0; i < 600; ++i) feed(detector, prober, 1, i % 10 == 0 ? Outcome::lost : Outcome::answered);
  EXPECT_NEAR(detector.baseline(), 0.1, 0.02);
}

TEST(DeadLinkDetector, ALateAnswerTakesTheLossOutOfTheEvidence) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  std::vector<ProbeRecord> lost;
  for (int i = 0; i < 4; ++i) lost.push_back(prober.next(Outcome::lost, 10ms, ProbeKind::urgent));
  for (const auto& probe : lost) detector.observe(probe);
  ASSERT_TRUE(detector.says_dead());
  for (auto probe : lost) {
    probe.outcome = Outcome::answered;
    detector.observe(probe);
  }
  EXPECT_TRUE(detector.is_calm());
  EXPECT_FALSE(detector.silent_since());
}

TEST(DeadLinkDetector, AProbeOfAnOutageThatSettlesAfterTheReturnIsNoSignOfAnotherOne) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  std::vector<ProbeRecord> still_waiting;
  for (int i = 0; i < 6; ++i) {
    detector.observe(prober.next(Outcome::lost, 10ms, ProbeKind::urgent));
    still_waiting.push_back(prober.next(Outcome::lost, 10ms, ProbeKind::urgent));
  }
  ASSERT_TRUE(detector.says_dead());
  feed(detector, prober, 6, Outcome::answered, ProbeKind::urgent);
  ASSERT_TRUE(detector.is_calm());
  for (const auto& probe : still_waiting) detector.observe(probe);
  EXPECT_TRUE(detector.is_calm()) << detector.losses_to_dead();
  EXPECT_FALSE(detector.silent_since());

  feed(detector, prober, 4, Outcome::lost, ProbeKind::urgent);
  EXPECT_TRUE(detector.says_dead()) << "the next one is found as fast";
}

TEST(DeadLinkDetector, SilenceBeginsWithTheSendingOfTheFirstUnansweredProbe) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 5, Outcome::answered);
  EXPECT_FALSE(detector.silent_since());
  const auto first = prober.next(Outcome::lost);
  detector.observe(first);
  detector.observe(prober.next(Outcome::lost));
  EXPECT_EQ(detector.silent_since(), first.sent);
  detector.observe(prober.next(Outcome::answered));
  EXPECT_FALSE(detector.silent_since());
}

TEST(DeadLinkDetector, AnAnswerToAnEarlierProbeDoesNotEndASilence) {
  DeadLinkDetector detector;
  Prober prober;
  const auto early = prober.next(Outcome::answered);
  const auto first = prober.next(Outcome::lost);
  detector.observe(first);
  detector.observe(early);
  EXPECT_EQ(detector.silent_since(), first.sent);
}

/// Outcomes as the link gives them while some of the targets are dead.
void feed_with_dead(DeadLinkDetector& detector, Prober& prober, int probes, std::size_t dead, Duration after,
                    ProbeKind kind, bool& ever_dead) {
  for (int i = 0; i < probes; ++i) {
    bool is_dead = false;
    for (std::size_t t = 0; t < dead; ++t) is_dead = is_dead || prober.next_target() == kTargets[t];
    detector.observe(prober.next(is_dead ? Outcome::lost : Outcome::answered, after, kind));
    ever_dead = ever_dead || detector.says_dead();
  }
}

TEST(DeadLinkDetector, OneOrTwoDeadTargetsOfThreeAreSetAsideAndAreNoDeadLink) {
  for (const std::size_t dead : {1U, 2U}) {
    for (const auto kind : {ProbeKind::regular, ProbeKind::burst}) {
      DeadLinkDetector detector;
      Prober prober;
      feed(detector, prober, 60, Outcome::answered);
      bool ever_dead = false;
      feed_with_dead(detector, prober, 300, dead, kind == ProbeKind::burst ? 10ms : 1s, kind, ever_dead);
      EXPECT_FALSE(ever_dead) << dead << " dead";
      EXPECT_EQ(detector.targets().set_aside().size(), dead);
      EXPECT_FALSE(detector.silent_since());
      feed(detector, prober, 60, Outcome::answered);
      EXPECT_TRUE(detector.targets().set_aside().empty()) << "they live again";
    }
  }
}

TEST(DeadLinkDetector, ADeadLinkSetsNoTargetAside) {
  DeadLinkDetector detector;
  Prober prober;
  feed(detector, prober, 60, Outcome::answered);
  feed(detector, prober, 500, Outcome::lost);
  EXPECT_TRUE(detector.says_dead());
  EXPECT_TRUE(detector.targets().set_aside().empty());
}

TEST(DeadLinkDetector, ASingleTargetDecidesAlone) {
  DeadLinkDetector detector;
  Prober prober(1);
  feed(detector, prober, 60, Outcome::answered);
  feed(detector, prober, 4, Outcome::lost);
  EXPECT_TRUE(detector.says_dead());
  EXPECT_TRUE(detector.targets().set_aside().empty());
}

TEST(DeadLinkDetector, ATargetThatAnswersEverySecondProbeOnlyIsSetAside) {
  DeadLinkDetector detector;
  Prober prober;
  bool ever_dead = false;
  int asked = 0;
  for (int i = 0; i < 600; ++i) {
    const bool refused = prober.next_target() == kTargets[0] && ++asked % 2 == 0;
    detector.observe(prober.next(refused ? Outcome::lost : Outcome::answered));
    ever_dead = ever_dead || detector.says_dead();
  }
  EXPECT_FALSE(ever_dead);
  EXPECT_EQ(detector.targets().set_aside(), std::vector{kTargets[0]});
}

TEST(DeadLinkDetector, RandomLossIsHardlyEverADeadLinkAndSetsHardlyATargetAside) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  for (const double loss : {0.0, 0.05, 0.10, 0.20, 0.30}) {
    std::bernoulli_distribution is_lost(loss);
    DeadLinkDetector detector;
    Prober prober;
    feed(detector, prober, 60, Outcome::answered);
    for (int i = 0; i < 600; ++i)
      detector.observe(prober.next(is_lost(random) ? Outcome::lost : Outcome::answered));
    int verdicts = 0;
    int aside = 0;
    constexpr int kProbes = 86'400;
    for (int i = 0; i < kProbes; ++i) {
      const bool before = detector.says_dead();
      detector.observe(prober.next(is_lost(random) ? Outcome::lost : Outcome::answered));
      if (!before && detector.says_dead()) ++verdicts;
      if (!detector.targets().set_aside().empty()) ++aside;
    }
    EXPECT_LE(verdicts, 3) << "a day at loss " << loss << ", seed " << seed;
    EXPECT_LE(aside, kProbes / 20) << "a day at loss " << loss << ", seed " << seed;
  }
}

}  // namespace dead_link_detector_test
}  // namespace multilink
