// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/probe_ledger.hpp"

#include <gtest/gtest.h>

#include <map>

#include "seeded.hpp"

namespace multilink {
namespace probe_ledger_test {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const IpAddress kTarget = *IpAddress::parse("198.51.100.7");
const IpAddress kOther = *IpAddress::parse("198.51.100.8");
constexpr std::uint64_t kFirst = 0xfffe;  // the low 16 bits soon wrap
const MonoTime kStart{seconds(1000)};

SentProbe probe_at(const ProbeLedger& ledger, MonoTime at, std::uint64_t nonce = 77) {
  return {
      {5, ledger.next_sequence(), nonce}, kTarget, ProbeKind::regular, {at, WallTime{}}, milliseconds(100)};
}

SentProbe add(ProbeLedger& ledger, MonoTime at, std::uint64_t nonce = 77) {
  auto probe = probe_at(ledger, at, nonce);
  ledger.add(probe);
  return probe;
}

Unreachable quote_of(const SentProbe& probe) {
  return {1,
          probe.target,
          probe.request.identifier,
          static_cast<std::uint16_t>(probe.request.sequence),
          echo_checksum(probe.request),
          std::nullopt};
}

TEST(ProbeLedger, AnAnswerSettlesAProbeOnce) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  EXPECT_EQ(ledger.pending(), 1U);
  const auto first = ledger.on_reply({probe.request}, kTarget, kStart + milliseconds(30));
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->outcome, Outcome::answered);
  EXPECT_EQ((*first)->rtt, milliseconds(30));
  EXPECT_FALSE((*first)->corrects);
  const auto duplicate = ledger.on_reply({probe.request}, kTarget, kStart + milliseconds(40));
  ASSERT_TRUE(duplicate);
  EXPECT_FALSE(*duplicate);
  EXPECT_TRUE(ledger.expire(kStart + seconds(1)).empty());
}

TEST(ProbeLedger, SilenceSettlesAtTheDeadlineAndALateAnswerCorrectsIt) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  EXPECT_EQ(ledger.next_deadline(), kStart + milliseconds(100));
  EXPECT_TRUE(ledger.expire(kStart + milliseconds(99)).empty());
  const auto expired = ledger.expire(kStart + milliseconds(100));
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].outcome, Outcome::lost);
  EXPECT_EQ(expired[0].record({}).settled(), kStart + milliseconds(100));
  EXPECT_FALSE(ledger.next_deadline());
  const auto late = ledger.on_reply({probe.request}, kTarget, kStart + seconds(59));
  ASSERT_TRUE(late && *late);
  EXPECT_TRUE((*late)->corrects);
  EXPECT_EQ((*late)->outcome, Outcome::answered);
  EXPECT_EQ((*late)->rtt, seconds(59));
  EXPECT_EQ((*late)->record({}).settled(), kStart + seconds(59));
  EXPECT_EQ((*late)->corrected_record({}), expired[0].record({})) << "what Redis holds must be found again";
}

TEST(ProbeLedger, ALateTimerIsNotPartOfTheWait) {
  ProbeLedger ledger(kFirst);
  add(ledger, kStart);
  EXPECT_EQ(ledger.expire(kStart + milliseconds(170)).at(0).waited, milliseconds(100));
}

TEST(ProbeLedger, WhatIsTooOldIsForgotten) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  ASSERT_EQ(ledger.expire(kStart + seconds(1)).size(), 1U);
  ledger.expire(kStart + ProbeLedger::kMemory);
  EXPECT_EQ(ledger.remembered(), 0U);
  const auto late = ledger.on_reply({probe.request}, kTarget, kStart + seconds(61));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "answers no probe that is remembered");
}

TEST(ProbeLedger, ForgedRepliesChangeNothing) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  const auto refusal = [&](EchoRequest echoed, const IpAddress& source) {
    const auto result = ledger.on_reply({echoed}, source, kStart + milliseconds(1));
    return result ? "accepted" : result.error().message;
  };
  auto forged = probe.request;
  forged.nonce ^= 1;
  EXPECT_EQ(refusal(forged, kTarget), "does not carry the probe's random payload");
  forged = probe.request;
  forged.identifier ^= 1;
  EXPECT_EQ(refusal(forged, kTarget), "does not carry the probe's random payload");
  forged = probe.request;
  forged.sequence += 1;
  EXPECT_EQ(refusal(forged, kTarget), "answers no probe that is remembered");
  forged.sequence = probe.request.sequence + 65536;
  EXPECT_EQ(refusal(forged, kTarget), "answers no probe that is remembered");
  EXPECT_EQ(refusal(probe.request, kOther), "does not come from the probe's target");
  EXPECT_EQ(ledger.pending(), 1U);
}

TEST(ProbeLedger, AnExactUnreachableIsOneLossAtOnce) {
  ProbeLedger ledger(kFirst);
  for (int i = 0; i < 5; ++i) add(ledger, kStart, 1000 + static_cast<std::uint64_t>(i));
  const auto probe = add(ledger, kStart, 2000);
  const auto lost = ledger.on_unreachable(quote_of(probe), kStart + milliseconds(7));
  ASSERT_TRUE(lost && *lost);
  EXPECT_EQ((*lost)->outcome, Outcome::lost);
  EXPECT_EQ((*lost)->probe.request, probe.request);
  EXPECT_EQ((*lost)->waited, milliseconds(7));
  const auto again = ledger.on_unreachable(quote_of(probe), kStart);
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
  EXPECT_EQ(ledger.pending(), 5U);
}

TEST(ProbeLedger, ForgedUnreachablesChangeNothing) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  const auto refusal = [&](const Unreachable& forged) {
    const auto result = ledger.on_unreachable(forged, kStart);
    return result ? "accepted" : result.error().message;
  };
  auto forged = quote_of(probe);
  forged.checksum ^= 1;
  EXPECT_EQ(refusal(forged), "does not quote the probe exactly");
  forged = quote_of(probe);
  forged.identifier ^= 1;
  EXPECT_EQ(refusal(forged), "does not quote the probe exactly");
  forged = quote_of(probe);
  forged.target = kOther;
  EXPECT_EQ(refusal(forged), "does not quote the probe exactly");
  forged = quote_of(probe);
  forged.sequence += 1;
  EXPECT_EQ(refusal(forged), "quotes no probe that is remembered");
  EXPECT_EQ(ledger.pending(), 1U);
}

TEST(ProbeLedger, AnAnsweredProbeIsNotLostToAnUnreachable) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  ASSERT_TRUE(ledger.on_reply({probe.request}, kTarget, kStart));
  const auto after = ledger.on_unreachable(quote_of(probe), kStart);
  ASSERT_TRUE(after);
  EXPECT_FALSE(*after);
}

TEST(ProbeLedger, AnAnswerNeverTakesNoTime) {
  ProbeLedger ledger(kFirst);
  const auto probe = add(ledger, kStart);
  EXPECT_EQ((*ledger.on_reply({probe.request}, kTarget, kStart - microseconds(3)))->rtt, microseconds(1));
}

TEST(ProbeLedger, SettledProbesBecomeRecords) {
  ProbeLedger ledger(kFirst);
  auto probe = probe_at(ledger, kStart);
  probe.sent.wall = WallTime{milliseconds(1'700'000'000'123)};
  probe.kind = ProbeKind::burst;
  ledger.add(probe);
  const auto settled = *ledger.on_reply({probe.request}, kTarget, kStart + milliseconds(20));
  EXPECT_EQ(settled->record("0123abcd"), (ProbeRecord{"0123abcd",
                                                      kFirst,
                                                      Outcome::answered,
                                                      milliseconds(20),
                                                      {},
                                                      ProbeKind::burst,
                                                      kStart,
                                                      probe.sent.wall,
                                                      kTarget}));
}

TEST(ProbeLedger, RemembersABoundedNumber) {
  ProbeLedger ledger(kFirst);
  const auto oldest = add(ledger, kStart);
  for (std::size_t i = 0; i < ProbeLedger::kMostRemembered; ++i) add(ledger, kStart);
  EXPECT_EQ(ledger.remembered(), ProbeLedger::kMostRemembered);
  EXPECT_EQ(ledger.pending(), ProbeLedger::kMostRemembered);
  EXPECT_FALSE(ledger.on_reply({oldest.request}, kTarget, kStart));
}

/// Whatever the order of sending, answers, unreachables and time: each probe is settled exactly once, and
/// corrected at most once, from lost to answered.
TEST(ProbeLedger, EachProbeIsSettledOnceAndCorrectedAtMostOnce) {
  auto random = seeded_random();
  for (int run = 0; run < 50; ++run) {
    ProbeLedger ledger(random());
    MonoTime now = kStart;
    std::vector<SentProbe> sent;
    std::map<std::uint64_t, std::vector<SettledProbe>> given_out;
    const auto note = [&](const std::optional<SettledProbe>& settled) {
      if (settled) given_out[settled->probe.request.sequence].push_back(*settled);
    };
    for (int step = 0; step < 400; ++step) {
      now += microseconds(random() % 60'000);
      for (const auto& settled : ledger.expire(now)) {
        ASSERT_LE(settled.probe.deadline(), now);
        note(settled);
      }
      const auto action = random() % 4;
      if (action == 0 || sent.empty()) {
        sent.push_back(add(ledger, now, random()));
        continue;
      }
      const auto& probe = sent[random() % sent.size()];
      if (action == 1) {
        const auto result = ledger.on_unreachable(quote_of(probe), now);
        ASSERT_TRUE(result) << result.error().message;
        note(*result);
      } else {
        const auto result = ledger.on_reply({probe.request}, kTarget, now);
        ASSERT_TRUE(result) << result.error().message;
        note(*result);
      }
    }
    for (const auto& settled : ledger.expire(now + seconds(3))) note(settled);
    ASSERT_EQ(ledger.pending(), 0U);
    ASSERT_EQ(given_out.size(), sent.size());
    for (const auto& [sequence, all] : given_out) {
      ASSERT_LE(all.size(), 2U);
      ASSERT_FALSE(all.front().corrects);
      if (all.size() < 2) continue;
      ASSERT_EQ(all.front().outcome, Outcome::lost);
      ASSERT_EQ(all.back().outcome, Outcome::answered);
      ASSERT_TRUE(all.back().corrects);
      ASSERT_EQ(all.back().corrected_record({}), all.front().record({}));
    }
  }
}

}  // namespace probe_ledger_test
}  // namespace multilink
