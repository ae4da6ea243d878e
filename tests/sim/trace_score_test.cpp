// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_score.hpp"

#include <gtest/gtest.h>

namespace multilink::sim {
namespace trace_score_test {

using namespace std::chrono_literals;

/// A probe each 100 ms with an RTT of 20 ms, but for those sent in [from, to): lost.
LinkTrace silent_between(Duration from, Duration to, Duration length = 60s) {
  LinkTrace trace;
  for (Duration at{}; at <= length; at += 100ms) {
    const bool lost = at >= from && at < to;
    trace.push_back({at, lost ? std::nullopt : std::optional<Duration>(20ms)});
  }
  return trace;
}

TEST(TraceScoreTest, ASilenceLastsUntilSomethingArrives) {
  const auto silences = find_silences(silent_between(10s, 12s), 300ms);
  EXPECT_EQ(silences, (Silences{{10s, 12s + 20ms}}));
  EXPECT_TRUE(find_silences(silent_between(10s, 10s + 200ms), 300ms).empty());
}

TEST(TraceScoreTest, ALateAnswerEndsNoSilenceBeforeItArrives) {
  // Nothing is lost, but the link stalls: what is sent between 10 s and 14 s arrives at 14 s.
  auto trace = silent_between(0s, 0s);
  for (auto& sample : trace) {
    if (sample.at >= 10s && sample.at < 14s) sample.rtt = 14s - sample.at;
  }
  EXPECT_EQ(find_silences(trace, 3s), (Silences{{10s, 14s}}));
}

TEST(TraceScoreTest, ALaterProbesAnswerEndsTheSilenceOfTheEarlierOnes) {
  auto trace = silent_between(0s, 0s);
  trace[100].rtt = 8s;  // sent at 10 s; the next one is answered at once
  EXPECT_TRUE(find_silences(trace, 300ms).empty());
}

TEST(TraceScoreTest, ASilenceThatDoesNotEndCountsAsFarAsTheRecordGoes) {
  EXPECT_EQ(find_silences(silent_between(50s, 61s), 3s), (Silences{{50s, 60s}}));
}

TEST(TraceScoreTest, DeadIntervalsDoNotOverlap) {
  LinkTrace slow;
  for (Duration at{}; at <= 10s; at += 100ms) slow.push_back({at, at < 2s || at > 4s ? 20ms : 400ms});
  const LinkTruth truth(slow);
  ASSERT_EQ(truth.dead().size(), 1U);
  EXPECT_EQ(truth.dead()[0].from, 2s);
  EXPECT_EQ(truth.dead()[0].to, 4s + 120ms);  // the next one's answer comes first
}

struct Gateway {
  LinkTruth first;
  LinkTruth second;
  Decisions of_first;
  Decisions of_second;

  GatewayScore score() const { return score_gateway({{first, of_first}, {second, of_second}}, {0, 1}, 60s); }
};

Gateway gateway(Decisions of_first, Decisions of_second = {}) {
  return {LinkTruth(silent_between(10s, 20s)), LinkTruth(silent_between(40s, 41s)), std::move(of_first),
          std::move(of_second)};
}

TEST(TraceScoreTest, WhoNeverSwitchesSpendsTheWholeSilenceOnADeadLink) {
  const auto score = gateway({}).score();
  EXPECT_EQ(score.avoidable, 10s + 20ms);
  EXPECT_EQ(score.switches, 0);
  EXPECT_EQ(score.dead_links, (std::vector<Duration>{10s + 20ms, 1s + 20ms}));
  EXPECT_DOUBLE_EQ(score.best_link_availability(), 1 - 1.02 / 60);
}

TEST(TraceScoreTest, ASwitchEndsTheTimeOnADeadLink) {
  const auto score =
      gateway(
          {{10500ms, Judgement::suspect, ""}, {13s, Judgement::evicted, ""}, {30s, Judgement::usable, ""}})
          .score();
  EXPECT_EQ(score.avoidable, 500ms);
  EXPECT_EQ(score.dead, 500ms);
  EXPECT_EQ(score.switches, 2);
  EXPECT_EQ(score.evictions, 1);
  EXPECT_EQ(score.sparable, 0);  // it answered 7 s later
}

TEST(TraceScoreTest, AnEvictionWasSparableWhenTheLinkAnswersSoon) {
  EXPECT_EQ(gateway({{16s, Judgement::evicted, ""}}).score().sparable, 1);
  EXPECT_EQ(gateway({{14s, Judgement::evicted, ""}}).score().sparable, 0);
  EXPECT_EQ(gateway({{30s, Judgement::evicted, ""}}).score().sparable, 1);  // it was not even silent
}

TEST(TraceScoreTest, WhereNoOtherUplinkIsUsableNothingIsEvictedAndTheTrafficStays) {
  const auto score = gateway({{16s, Judgement::evicted, ""}}, {{5s, Judgement::suspect, ""}}).score();
  EXPECT_EQ(score.evictions, 0);
  EXPECT_EQ(score.switches, 0);
  EXPECT_EQ(score.dead, 10s + 20ms);
}

TEST(TraceScoreTest, TheMeanOfAllOrdersOfPrecedenceFavoursNoLink) {
  const auto one = gateway({});
  const auto score = score_gateway({{one.first, one.of_first}, {one.second, one.of_second}}, 60s);
  EXPECT_EQ(score.time, 60s);
  EXPECT_EQ(score.dead, (10s + 20ms + 1s + 20ms) / 2);
}

}  // namespace trace_score_test
}  // namespace multilink::sim
