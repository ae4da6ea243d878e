// SPDX-License-Identifier: GPL-2.0-or-later
// What raises the flap penalty: the clean time asked for after the failure of seconds 100 … 103 tells.
#include <gtest/gtest.h>

#include "multilink/core/health_machine.hpp"
#include "unit/probe_series.hpp"

namespace multilink {
namespace health_machine_flap_test {

UplinkConfig uplink() {
  UplinkConfig config;
  config.targets = {IpAddress::from_v4({192, 0, 2, 1})};
  return config;
}

class HealthMachineFlap : public testing::Test {
 protected:
  void answer(int first, int last) {
    for (int i = first; i <= last; ++i) {
      machine.observe(answered(i));
      machine.advance(at(i + 0.02));
    }
  }
  void lose(int first, int last) {
    for (int i = first; i <= last; ++i) {
      machine.observe(lost(i));
      machine.advance(at(i + 0.06));
    }
  }
  /// A failure of the link; the seconds of answers until it is up again.
  int seconds_to_return() {
    answer(60, 99);
    lose(100, 110);
    machine.advance(at(110.9));
    EXPECT_EQ(machine.state(), HealthState::down);
    int second = 111;
    while (machine.state() != HealthState::up && second < 500) answer(second, second), ++second;
    return second - 111;
  }
  void fact(LinkFact what, double begin, double end) {
    machine.report_fact(what, at(begin));
    EXPECT_EQ(machine.state(), HealthState::down);
    machine.report_fact(LinkFact::ok, at(end));
  }

  HealthMachine machine{uplink(), Family::v4};
  static constexpr int kUsual = 11;  // up_after of 10 s, and the answer that ends it
};

TEST_F(HealthMachineFlap, OneFailureCostsNothing) {
  answer(0, 59);
  EXPECT_LE(seconds_to_return(), kUsual);
}

TEST_F(HealthMachineFlap, WhatSomebodyDoesToTheLinkCountsNothing) {
  answer(0, 19);
  int second = 20;
  for (const auto what :
       {LinkFact::no_device, LinkFact::admin_down, LinkFact::no_address, LinkFact::no_gateway}) {
    fact(what, second, second + 0.5);
    second += 2;
  }
  auto disabled = uplink();
  disabled.enabled = false;
  machine.configure(disabled, at(40));
  EXPECT_EQ(machine.state(), HealthState::down);
  machine.configure(uplink(), at(41));
  answer(42, 59);
  EXPECT_LE(seconds_to_return(), kUsual);
}

TEST_F(HealthMachineFlap, EachOfThemAloneFromUpCountsNothing) {
  answer(0, 9);
  fact(LinkFact::no_address, 10, 10.5);
  answer(11, 25);
  ASSERT_EQ(machine.state(), HealthState::up);
  fact(LinkFact::admin_down, 26, 26.5);
  answer(27, 59);
  EXPECT_LE(seconds_to_return(), kUsual);
}

TEST_F(HealthMachineFlap, ACableThatIsNotInYetCountsNothing) {
  fact(LinkFact::no_carrier, 0, 20);
  answer(21, 59);
  EXPECT_LE(seconds_to_return(), kUsual);
}

TEST_F(HealthMachineFlap, LosingTheCarrierCounts) {
  answer(0, 19);
  ASSERT_EQ(machine.state(), HealthState::up);
  fact(LinkFact::no_carrier, 20, 21);
  answer(22, 59);
  ASSERT_EQ(machine.state(), HealthState::up);
  EXPECT_GE(seconds_to_return(), kUsual + 2);
}

TEST_F(HealthMachineFlap, SilenceCounts) {
  answer(0, 19);
  lose(20, 30);
  machine.advance(at(30.9));
  ASSERT_EQ(machine.state(), HealthState::down);
  answer(31, 59);
  ASSERT_EQ(machine.state(), HealthState::up);
  EXPECT_GE(seconds_to_return(), kUsual + 2);
}

TEST_F(HealthMachineFlap, TellsWhatItAsksForWhileItIsOut) {
  answer(0, 19);
  lose(20, 30);
  ASSERT_EQ(machine.state(), HealthState::down);
  EXPECT_EQ(machine.damping(), Duration{}) << "once is no flapping";
  answer(31, 50);
  ASSERT_EQ(machine.state(), HealthState::up);
  lose(51, 61);
  ASSERT_EQ(machine.state(), HealthState::down);
  EXPECT_GT(machine.damping(), std::chrono::seconds(2));
  answer(62, 300);
  ASSERT_EQ(machine.state(), HealthState::up);
  EXPECT_EQ(machine.damping(), Duration{});
}

TEST(FlapPenalty, IsToldByTheTimeWhenItIsForgiven) {
  FlapPenalty first;
  EXPECT_EQ(first.forgiven_at(), std::nullopt);
  first.on_down(false, at(1));
  EXPECT_EQ(first.forgiven_at(), at(1));
  first.on_down(false, at(60));
  first.on_suspect(at(90));
  FlapPenalty second;
  second.restore(first.forgiven_at(), at(200));
  for (const double when : {200.0, 1000.0, 5000.0}) {
    EXPECT_NEAR(second.at(at(when)), first.at(at(when)), 1e-6) << when;
  }
  second.restore(at(1e9), at(200));
  EXPECT_LE(second.at(at(200)), 16 * FlapPenalty::kFree);
  second.restore(std::nullopt, at(200));
  EXPECT_EQ(second.at(at(200)), 0);
}

}  // namespace health_machine_flap_test
}  // namespace multilink
