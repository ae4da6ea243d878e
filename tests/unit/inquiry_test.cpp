// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/inquiry.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace inquiry_test {

using namespace std::chrono_literals;

const MonoTime kStart{std::chrono::hours(10)};

void settle(Inquiry& inquiry, Outcome outcome, MonoTime sent, MonoTime now) {
  ProbeRecord probe;
  probe.kind = inquiry.kind();
  probe.sequence = static_cast<std::uint64_t>(sent.time_since_epoch().count());
  probe.target = *IpAddress::parse("192.0.2.1");
  probe.sent = sent;
  probe.outcome = outcome;
  inquiry.on_settled(probe, now);
}

/// Sends every probe that is due from `now` on and settles it `timeout` later; gives the time of the verdict.
class World {
 public:
  explicit World(Duration timeout) : timeout_(timeout) {}

  /// Runs until `end`; the link answers (after `timeout_`) if `alive`. Probes are sent only as the inquiry
  /// asks.
  void run(Inquiry& inquiry, MonoTime& now, MonoTime end, bool alive) {
    while (now < end) {
      for (; settled_ < sent_.size() && sent_[settled_] + timeout_ <= now; ++settled_) {
        settle(inquiry, alive ? Outcome::answered : Outcome::lost, sent_[settled_], now);
      }
      const auto next = inquiry.next_probe();
      if (next && *next <= now) {
        inquiry.on_burst_probe_sent(now);
        sent_.push_back(now);
      }
      now += 1ms;
    }
  }
  std::size_t sent() const { return sent_.size(); }

 private:
  Duration timeout_;
  std::vector<MonoTime> sent_;
  std::size_t settled_ = 0;
};

TEST(Inquiry, AsksNothingWhileAllIsAnswered) {
  Inquiry inquiry;
  for (int i = 0; i < 100; ++i) settle(inquiry, Outcome::answered, kStart + i * 1s, kStart + i * 1s + 20ms);
  EXPECT_FALSE(inquiry.is_open());
  EXPECT_FALSE(inquiry.next_probe());
}

TEST(Inquiry, AMissOnADeadLinkIsDecidedAFewSpacingsAndATimeoutLater) {
  Inquiry inquiry;
  settle(inquiry, Outcome::lost, kStart - 30ms, kStart);
  World world(30ms);
  MonoTime now = kStart;
  inquiry.on_silence(kStart);
  world.run(inquiry, now, kStart + 60ms, /*alive=*/false);
  EXPECT_TRUE(inquiry.detector().says_dead());
}

TEST(Inquiry, AMissAloneIsAskedAboutLessOftenAndForLonger) {
  Inquiry inquiry;
  for (int i = 0; i < 20; ++i)
    settle(inquiry, Outcome::answered, kStart - 30s + i * 1s, kStart - 29s + i * 1s);
  settle(inquiry, Outcome::lost, kStart - 30ms, kStart);
  World world(30ms);
  MonoTime now = kStart;
  world.run(inquiry, now, kStart + 150ms, /*alive=*/false);
  EXPECT_FALSE(inquiry.detector().says_dead());
  EXPECT_LE(world.sent(), 7U);
  world.run(inquiry, now, kStart + 2s, /*alive=*/false);
  EXPECT_TRUE(inquiry.detector().says_dead());
}

TEST(Inquiry, AMissOnALivingLinkIsSettledByOneAnswer) {
  Inquiry inquiry;
  settle(inquiry, Outcome::lost, kStart - 30ms, kStart);
  World world(20ms);
  MonoTime now = kStart;
  world.run(inquiry, now, kStart + 100ms, /*alive=*/true);
  EXPECT_FALSE(inquiry.is_open());
  EXPECT_LE(world.sent(), 4U);
}

TEST(Inquiry, ASilenceOfTrafficOnALivingLinkNeedsAnAnswerToAProbeSentSince) {
  Inquiry inquiry;
  inquiry.on_silence(kStart);
  settle(inquiry, Outcome::answered, kStart - 5ms, kStart + 1ms);
  EXPECT_TRUE(inquiry.is_open());
  inquiry.on_burst_probe_sent(kStart);
  settle(inquiry, Outcome::answered, kStart, kStart + 20ms);
  EXPECT_FALSE(inquiry.is_open());
}

TEST(Inquiry, ADeadLinkCostsLittleAndIsGivenUpOnAfterAWhile) {
  Inquiry inquiry;
  settle(inquiry, Outcome::lost, kStart - 30ms, kStart);
  World world(30ms);
  MonoTime now = kStart;
  world.run(inquiry, now, kStart + 60s, /*alive=*/false);
  EXPECT_LE(world.sent(), 150U);
  EXPECT_FALSE(inquiry.next_probe());
}

TEST(Inquiry, TheFirstAnswerOfADeadLinkOpensTheQuestionAgainAndItIsSettledFast) {
  Inquiry inquiry;
  settle(inquiry, Outcome::lost, kStart - 30ms, kStart);
  World world(20ms);
  MonoTime now = kStart;
  world.run(inquiry, now, kStart + 60s, /*alive=*/false);
  settle(inquiry, Outcome::answered, now - 20ms, now);
  const MonoTime end = now + 100ms;
  world.run(inquiry, now, end, /*alive=*/true);
  EXPECT_TRUE(inquiry.detector().is_calm());
  EXPECT_FALSE(inquiry.is_open());
}

/// A path that lets one probe a second pass: it was dead for a moment, and answers now and then. Until asking was given up.
Inquiry asked_in_vain(MonoTime& now) {
  Inquiry inquiry;
  settle(inquiry, Outcome::lost, now - 30ms, now);
  World world(30ms);
  world.run(inquiry, now, now + 2s, /*alive=*/false);
  for (int second = 0; second <= Inquiry::kDeadFor / 1s; ++second) {
    EXPECT_TRUE(inquiry.next_probe()) << second;
    settle(inquiry, Outcome::answered, now - 1ms, now);
    world.run(inquiry, now, now + 1s, /*alive=*/false);
  }
  return inquiry;
}

void settle_regular(Inquiry& inquiry, Outcome outcome, int probes, MonoTime& now) {
  for (int i = 0; i < probes; ++i) {
    settle(inquiry, outcome, now - 30ms, now);
    now += 1s;
  }
}

TEST(Inquiry, ADeadLinkThatAnswersNowAndThenIsAskedNoLongerThanOneThatDoesNot) {
  MonoTime now = kStart;
  auto inquiry = asked_in_vain(now);
  EXPECT_FALSE(inquiry.next_probe());
  inquiry.on_silence(now);
  EXPECT_FALSE(inquiry.next_probe());
  settle_regular(inquiry, Outcome::answered, 1, now);
  EXPECT_FALSE(inquiry.next_probe());
}

TEST(Inquiry, WhereRegularProbesAloneMadeALinkCalmTheyAloneAreSentForAWhile) {
  MonoTime now = kStart;
  auto inquiry = asked_in_vain(now);
  for (Duration hold = Inquiry::kLeastHold; hold <= 2 * Inquiry::kLeastHold; hold *= 2) {
    for (int i = 0; i < 4 && inquiry.is_open(); ++i) settle_regular(inquiry, Outcome::answered, 1, now);
    ASSERT_FALSE(inquiry.is_open());
    const MonoTime calm = now - 1s;
    now = calm + hold - 2s;
    settle_regular(inquiry, Outcome::answered, 1, now);
    settle_regular(inquiry, Outcome::lost, 1, now);
    inquiry.on_silence(now - 1ms);
    EXPECT_FALSE(inquiry.is_open());
    settle_regular(inquiry, Outcome::lost, 1, now);
    EXPECT_TRUE(inquiry.is_open());
    World world(30ms);
    world.run(inquiry, now, now + 1s, /*alive=*/false);
    ASSERT_TRUE(inquiry.detector().says_dead());
    for (int second = 0; second <= Inquiry::kDeadFor / 1s; ++second) {
      settle(inquiry, Outcome::answered, now - 1ms, now);
      world.run(inquiry, now, now + 1s, /*alive=*/false);
    }
  }
}

TEST(Inquiry, ASilenceOfRegularProbesThatNoPolicerMakesIsAskedAbout) {
  MonoTime now = kStart;
  auto inquiry = asked_in_vain(now);
  settle_regular(inquiry, Outcome::answered, 4, now);
  settle_regular(inquiry, Outcome::lost, Inquiry::kStandstill / 1s - 1, now);
  EXPECT_FALSE(inquiry.next_probe());
  settle_regular(inquiry, Outcome::lost, 1, now);
  EXPECT_TRUE(inquiry.next_probe());
}

TEST(Inquiry, ALinkThatWasAskedInVainAndStandsStillIsDeadAnew) {
  MonoTime now = kStart;
  auto inquiry = asked_in_vain(now);
  settle_regular(inquiry, Outcome::answered, 1, now);
  settle_regular(inquiry, Outcome::lost, Inquiry::kStandstill / 1s - 1, now);
  EXPECT_FALSE(inquiry.next_probe());
  settle_regular(inquiry, Outcome::lost, 1, now);
  EXPECT_TRUE(inquiry.next_probe());
  settle_regular(inquiry, Outcome::answered, 1, now);
  ASSERT_TRUE(inquiry.next_probe());
  EXPECT_LE(*inquiry.next_probe(), now) << "at full speed";
}

}  // namespace inquiry_test
}  // namespace multilink
