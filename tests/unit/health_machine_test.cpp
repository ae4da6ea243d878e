// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/health_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/probe_series.hpp"

namespace multilink {
namespace health_machine_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

UplinkConfig uplink() {
  UplinkConfig config;
  config.targets = {IpAddress::from_v4({192, 0, 2, 1})};
  return config;
}

class HealthMachineTest : public testing::Test {
 protected:
  /// Probes at first, first + 1, … last, each shown when it is known, as pingd would tell of them.
  void answers(int first, int last) {
    for (int i = first; i <= last; ++i) tell(answered(i), at(i + 0.02));
  }
  void losses(int first, int last) {
    for (int i = first; i <= last; ++i) tell(lost(i), at(i + 0.06));
  }
  void tell(const ProbeRecord& probe, MonoTime now) {
    machine.observe(probe);
    machine.advance(now);
  }
  HealthState state() const { return machine.state(); }
  Transition only_transition() {
    const auto transitions = machine.take_transitions();
    EXPECT_EQ(transitions.size(), 1U);
    return transitions.empty() ? Transition{} : transitions.front();
  }

  /// Every `nth` probe of first … last is lost, so that the dead-link test stays calm.
  void lossy(int first, int last, int nth) {
    for (int i = first; i <= last; ++i) i % nth == 0 ? losses(i, i) : answers(i, i);
  }

  HealthMachine machine{uplink(), Family::v4};
};

TEST_F(HealthMachineTest, BeginsUnknown) {
  machine.advance(at(1000));
  EXPECT_EQ(state(), HealthState::unknown);
  EXPECT_EQ(machine.reason(), "no probe has settled yet");
  EXPECT_TRUE(machine.take_transitions().empty());
}

TEST_F(HealthMachineTest, AFamilyWithoutTargetsSaysSo) {
  const HealthMachine v6(uplink(), Family::v6);
  EXPECT_EQ(v6.reason(), "no IPv6 target is configured");
}

TEST_F(HealthMachineTest, UnknownToUpAtTheFirstAnswer) {
  losses(0, 1);
  EXPECT_EQ(state(), HealthState::unknown);
  answers(2, 2);
  EXPECT_EQ(only_transition(), (Transition{HealthState::unknown, HealthState::up, at(2), at(2),
                                           "first answer: 192.0.2.1 in 20 ms", at(2) + 20ms}));
  EXPECT_EQ(machine.window().lost(), 0U) << "the losses before the answer are not held against it";
}

TEST_F(HealthMachineTest, ABurstProbesAnswerIsAnAnswerToo) {
  auto burst = answered(1);
  burst.kind = ProbeKind::burst;
  machine.observe(burst);
  EXPECT_EQ(state(), HealthState::up);
}

TEST_F(HealthMachineTest, UnknownToDownWithoutAnswerForEvictAfter) {
  losses(0, 1);
  machine.advance(at(2.99));
  EXPECT_EQ(state(), HealthState::unknown);
  machine.advance(at(3.4));
  EXPECT_EQ(
      only_transition(),
      (Transition{
          HealthState::unknown, HealthState::down, at(3), at(0), "no answer from any target for 3 s", {}}));
}

TEST_F(HealthMachineTest, AFactTakesAnyStateDownAtOnce) {
  machine.report_fact(LinkFact::no_carrier, at(5));
  EXPECT_EQ(only_transition(),
            (Transition{HealthState::unknown, HealthState::down, at(5), at(5), "no carrier", {}}));

  HealthMachine other(uplink(), Family::v4);
  other.observe(answered(1));
  other.report_fact(LinkFact::no_gateway, at(2));
  EXPECT_EQ(other.state(), HealthState::down);
  EXPECT_EQ(other.reason(), "no IPv4 gateway");
}

TEST_F(HealthMachineTest, UpToDownWhenTheLossExceedsLossDownByMoreThanChance) {
  answers(0, 59);
  lossy(60, 101, 2);
  EXPECT_EQ(state(), HealthState::up) << "21 of 60 may be chance";
  machine.take_transitions();
  answers(102, 103);
  losses(104, 104);
  const auto transition = only_transition();
  EXPECT_EQ(transition.to, HealthState::down);
  EXPECT_EQ(transition.at, at(104));
  EXPECT_EQ(transition.reason,
            "loss 36.7 % (22 of 60 probes) over 60 s exceeds loss_down 20 % by more than chance");
  EXPECT_EQ(machine.window().probes(), 0U) << "a fresh window begins";
}

TEST_F(HealthMachineTest, TheWindowRuleIsSilentBelowTwentyProbes) {
  answers(0, 0);
  lossy(1, 18, 2);
  EXPECT_EQ(state(), HealthState::up) << "9 of 19";
  answers(19, 19);
  losses(20, 20);
  EXPECT_EQ(state(), HealthState::down) << "10 of 21";
}

TEST_F(HealthMachineTest, BurstProbesDoNotEnterTheWindow) {
  answers(0, 59);
  for (int i = 0; i < 100; ++i) {
    auto burst = i % 2 == 0 ? lost(59.1 + 0.01 * i) : answered(59.1 + 0.01 * i);
    burst.kind = ProbeKind::burst;
    tell(burst, at(60));
  }
  EXPECT_EQ(state(), HealthState::up);
}

TEST_F(HealthMachineTest, ALateAnswerTakesItsLossBack) {
  answers(0, 59);
  lossy(60, 101, 2);
  machine.observe(answered(70, 7100ms));
  losses(102, 102);
  EXPECT_EQ(state(), HealthState::up) << "21 of 60";
  answers(103, 103);
  losses(104, 104);
  EXPECT_EQ(state(), HealthState::down);
}

TEST_F(HealthMachineTest, SuspectWhenTheTestSaysDeadDownWhenTheSilenceHasLastedEvictAfter) {
  answers(0, 59);
  machine.take_transitions();
  auto burst = lost(60);
  tell(burst, at(60.05));
  for (int i = 1; i < 4; ++i) {
    burst = lost(60.05 + 0.01 * i);
    burst.kind = ProbeKind::urgent;
    burst.waited = 50ms;
    tell(burst, at(60.1 + 0.01 * i));
  }
  EXPECT_EQ(only_transition(),
            (Transition{HealthState::up, HealthState::suspect, at(60.12), at(60),
                        "probes go unanswered where 0 % are lost in calm times", burst.sent + 50ms}));
  machine.advance(at(62.99));
  EXPECT_EQ(state(), HealthState::suspect);
  machine.advance(at(63.2));
  EXPECT_EQ(state(), HealthState::suspect) << "four lost probes do not make a silence of 3 s";
  for (int i = 0; i < 6; ++i) {
    burst = lost(63.1 + 0.01 * i);
    burst.kind = ProbeKind::burst;
    tell(burst, at(63.2));
  }
  EXPECT_EQ(only_transition(), (Transition{HealthState::suspect,
                                           HealthState::down,
                                           lost(60.05 + 0.01).sent + 3s,
                                           at(60),
                                           "no answer from any target for 3 s",
                                           {}}));
}

TEST_F(HealthMachineTest, ASuspectThatAnswersIsUpAgainAndWasNeverDown) {
  answers(0, 59);
  losses(60, 60);
  for (int i = 1; i < 8; ++i) tell(lost(60 + 0.25 * i), at(60.05 + 0.25 * i));
  ASSERT_EQ(state(), HealthState::suspect);
  machine.take_transitions();
  for (int i = 0; i < 4; ++i) tell(answered(62.0 + 0.1 * i), at(62.02 + 0.1 * i));
  EXPECT_EQ(only_transition().to, HealthState::up);
}

TEST_F(HealthMachineTest, ALinkThatStuttersIsGivenBackLaterAndLater) {
  answers(0, 59);
  int begin = 60;
  std::vector<int> waits;
  for (int stutter = 0; stutter < 8; ++stutter) {
    losses(begin, begin + 0);
    for (int i = 1; i < 4; ++i) tell(lost(begin + 0.1 * i), at(begin + 0.1 * i + 0.06));
    ASSERT_EQ(state(), HealthState::suspect) << "stutter " << stutter;
    int answered_from = begin + 1;
    int i = answered_from;
    for (; state() == HealthState::suspect && i < answered_from + 400; ++i) answers(i, i);
    waits.push_back(i - answered_from);
    begin = i + 1;
  }
  EXPECT_LE(waits.front(), 5);
  EXPECT_GE(waits.back(), 20);
  EXPECT_TRUE(std::is_sorted(waits.begin(), waits.end())) << testing::PrintToString(waits);
}

TEST_F(HealthMachineTest, LatencyAndJitterHaveThresholdsWithHysteresis) {
  auto config = uplink();
  config.latency_down = 100ms;
  HealthMachine slow(config, Family::v4);
  int i = 0;
  for (; i < 60; ++i) slow.observe(answered(i, 20ms));
  EXPECT_EQ(slow.state(), HealthState::up);
  for (; i < 120; ++i) slow.observe(answered(i, 150ms));
  EXPECT_EQ(slow.state(), HealthState::down);
  EXPECT_THAT(slow.reason(), HasSubstr("latency_down 100 ms"));
  for (; i < 180; ++i) slow.observe(answered(i, 90ms));
  EXPECT_EQ(slow.state(), HealthState::down) << "a fifth below the threshold is asked for";
  for (; i < 200; ++i) slow.observe(answered(i, 70ms));
  EXPECT_EQ(slow.state(), HealthState::up);
}

TEST_F(HealthMachineTest, DownToUpAfterUpAfterOfCleanProbing) {
  answers(0, 59);
  losses(60, 199);
  EXPECT_EQ(state(), HealthState::down);
  answers(200, 208);
  EXPECT_EQ(state(), HealthState::down);
  machine.take_transitions();
  answers(209, 209);
  EXPECT_EQ(only_transition(),
            (Transition{HealthState::down, HealthState::up, at(209), at(209),
                        "loss 0 % (0 of 10 probes) over 10 s is below loss_up 5 %", at(209) + 20ms}));
  answers(210, 230);
  EXPECT_EQ(state(), HealthState::up) << "what was lost before the clean time does not count any more";
}

TEST_F(HealthMachineTest, ALossDuringRecoveryAsksForUpAfterAnew) {
  answers(0, 59);
  losses(60, 80);
  ASSERT_EQ(state(), HealthState::down);
  answers(81, 88);
  losses(89, 89);
  answers(90, 98);
  EXPECT_EQ(state(), HealthState::down);
  answers(99, 99);
  EXPECT_EQ(state(), HealthState::up);
}

TEST_F(HealthMachineTest, UpAfterIsCountedFromTheFactsEnd) {
  answers(0, 30);
  machine.report_fact(LinkFact::no_carrier, at(30.5));
  machine.report_fact(LinkFact::ok, at(32.5));
  EXPECT_EQ(state(), HealthState::down);
  EXPECT_EQ(machine.reason(), "the carrier is back; up after 10 s of probes with loss below 5 %");
  machine.take_transitions();
  answers(33, 42);
  EXPECT_EQ(state(), HealthState::down);
  answers(43, 43);
  EXPECT_EQ(only_transition().to, HealthState::up);
}

TEST_F(HealthMachineTest, NoProbeSpeaksAgainstAFact) {
  machine.report_fact(LinkFact::no_gateway, at(0));
  for (int i = 1; i <= 100; ++i) {
    machine.report_fact(LinkFact::no_gateway, at(i));
    answers(i, i);
    ASSERT_EQ(state(), HealthState::down);
  }
}

TEST_F(HealthMachineTest, TheReasonFollowsTheFactsWhileDown) {
  answers(0, 59);
  losses(60, 80);
  machine.take_transitions();
  machine.report_fact(LinkFact::no_carrier, at(81));
  EXPECT_EQ(machine.reason(), "no carrier");
  machine.report_fact(LinkFact::no_device, at(82));
  EXPECT_EQ(machine.reason(), "no such device");
  machine.report_fact(LinkFact::ok, at(83));
  EXPECT_THAT(machine.reason(), HasSubstr("the device is back"));
  EXPECT_TRUE(machine.take_transitions().empty()) << "the state was down all the time";
}

TEST_F(HealthMachineTest, UnknownWhenReportsStop) {
  answers(0, 30);
  machine.take_transitions();
  machine.advance(at(36));
  EXPECT_EQ(state(), HealthState::up);
  machine.advance(at(36.5));
  EXPECT_EQ(only_transition(), (Transition{HealthState::up,
                                           HealthState::unknown,
                                           at(36),
                                           at(30),
                                           "pingd's reports stopped: no probe settled for 6 s",
                                           {}}));
  machine.advance(at(5000));
  EXPECT_EQ(state(), HealthState::unknown) << "silence of pingd is not silence of the link";
  answers(5001, 5001);
  EXPECT_EQ(state(), HealthState::up);
}

TEST_F(HealthMachineTest, WithoutTargetsTheReasonSaysSoAlsoAfterAReload) {
  answers(0, 9);
  auto without = uplink();
  without.targets.clear();
  machine.configure(without, at(10));
  machine.advance(at(60));
  EXPECT_EQ(state(), HealthState::unknown);
  EXPECT_EQ(machine.reason(), "no IPv4 target is configured");
  EXPECT_EQ(machine.take_transitions().back().reason, "no IPv4 target is configured");
  machine.configure(uplink(), at(61));
  EXPECT_EQ(machine.reason(), "no probe has settled yet");
  machine.configure(without, at(62));
  EXPECT_EQ(machine.reason(), "no IPv4 target is configured");
}

TEST_F(HealthMachineTest, LossesAreReportsToo) {
  losses(0, 200);
  EXPECT_EQ(state(), HealthState::down);
  machine.advance(at(206.9));
  EXPECT_EQ(state(), HealthState::unknown);
}

TEST_F(HealthMachineTest, AStandingFactIsAReport) {
  for (int i = 0; i < 100; ++i) {
    machine.report_fact(LinkFact::no_carrier, at(i));
    machine.advance(at(i));
    ASSERT_EQ(state(), HealthState::down) << i;
  }
  machine.advance(at(105.5));
  EXPECT_EQ(state(), HealthState::unknown);
  machine.report_fact(LinkFact::no_carrier, at(106));
  EXPECT_EQ(state(), HealthState::down);
}

TEST_F(HealthMachineTest, AnOkFactIsNoReport) {
  answers(0, 10);
  for (int i = 11; i < 20; ++i) {
    machine.report_fact(LinkFact::ok, at(i));
    machine.advance(at(i));
  }
  EXPECT_EQ(state(), HealthState::unknown);
}

TEST_F(HealthMachineTest, TheListenersOwnAbsenceIsNotHeldAgainstPingd) {
  answers(0, 30);
  machine.excuse_silence(at(1000));
  machine.advance(at(1000));
  EXPECT_EQ(state(), HealthState::up);
  machine.advance(at(1006.5));
  EXPECT_EQ(state(), HealthState::unknown);
}

TEST_F(HealthMachineTest, DisabledIsDownWhateverIsHeard) {
  auto off = uplink();
  off.enabled = false;
  answers(0, 10);
  machine.take_transitions();
  machine.configure(off, at(11));
  EXPECT_EQ(
      only_transition(),
      (Transition{HealthState::up, HealthState::down, at(11), at(11), "disabled in interfaces.conf", {}}));
  answers(12, 100);
  machine.advance(at(5000));
  EXPECT_EQ(state(), HealthState::down);
  EXPECT_EQ(machine.reason(), "disabled in interfaces.conf");
  machine.configure(uplink(), at(5000));
  EXPECT_THAT(machine.reason(), HasSubstr("enabled again"));
  answers(5001, 5009);
  EXPECT_EQ(state(), HealthState::down);
  answers(5010, 5010);
  EXPECT_EQ(state(), HealthState::up);
}

TEST_F(HealthMachineTest, ANewThresholdJudgesTheWindowAsItStands) {
  for (int i = 0; i < 60; ++i) tell(i % 5 == 1 ? lost(i) : answered(i), at(i + 0.1));
  EXPECT_EQ(state(), HealthState::up);
  auto strict = uplink();
  strict.loss_down = 0.05;
  strict.loss_up = 0.01;
  machine.configure(strict, at(60));
  EXPECT_EQ(state(), HealthState::down);
}

TEST_F(HealthMachineTest, NothingChangesWhenTheSameIsToldAgain) {
  losses(0, 0);
  answers(1, 40);
  losses(41, 45);
  machine.take_transitions();
  const auto reason = machine.reason();
  const auto lost_before = machine.window().lost();
  for (int again = 0; again < 3; ++again) {
    for (int i = 0; i <= 45; ++i) machine.observe(i == 0 || i > 40 ? lost(i) : answered(i));
  }
  EXPECT_TRUE(machine.take_transitions().empty());
  EXPECT_EQ(machine.reason(), reason);
  EXPECT_EQ(machine.window().lost(), lost_before);
}

TEST_F(HealthMachineTest, AnAnswerOfLongAgoIsNoFirstAnswer) {
  losses(100, 101);
  machine.observe(answered(20));
  EXPECT_EQ(state(), HealthState::unknown);
}

TEST_F(HealthMachineTest, OldProbesToldAgainDoNotEndUnknown) {
  answers(0, 30);
  machine.advance(at(40));
  ASSERT_EQ(state(), HealthState::unknown);
  answers(20, 30);
  EXPECT_EQ(state(), HealthState::unknown);
}

TEST_F(HealthMachineTest, OldProbesToldAgainDoNotSpeakInTheFreshWindow) {
  answers(0, 59);
  losses(60, 70);
  ASSERT_EQ(state(), HealthState::down);
  const auto probes = machine.window().probes();
  answers(0, 59);
  EXPECT_EQ(machine.window().probes(), probes);
  EXPECT_EQ(state(), HealthState::down);
}

/// A gap in what is stored is lived through in its order: silence, then no reports, then an answer of a link that was out.
TEST_F(HealthMachineTest, LivesThroughAGapBetweenTwoProbes) {
  machine.observe(lost(0));
  machine.observe(answered(3600));
  const auto transitions = machine.take_transitions();
  ASSERT_EQ(transitions.size(), 3U);
  EXPECT_EQ(transitions[0].to, HealthState::down);
  EXPECT_EQ(transitions[0].at, at(3));
  EXPECT_EQ(transitions[1].to, HealthState::unknown);
  EXPECT_EQ(transitions[1].at, at(6));
  EXPECT_EQ(transitions[2].to, HealthState::down);
}

}  // namespace health_machine_test
}  // namespace multilink
