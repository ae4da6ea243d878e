// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <vector>

#include "multilink/core/health_machine.hpp"
#include "seeded.hpp"
#include "unit/probe_series.hpp"

namespace multilink {
namespace health_machine_property_test {

using namespace std::chrono_literals;
using Random = std::mt19937_64;

UplinkConfig uplink() {
  UplinkConfig config;
  config.targets = {IpAddress::from_v4({192, 0, 2, 1})};
  return config;
}

bool chance(Random& random, double p) {
  return std::bernoulli_distribution(p)(random);
}
double between(Random& random, double low, double high) {
  return std::uniform_real_distribution(low, high)(random);
}

/// Some hours of one link: phases without, with little and with total loss, long enough to leave no doubt and far enough
/// apart for the flap damping to forget, and some in which pingd is dead; at the end it is quiet for longer than the flap damping lasts.
std::vector<ProbeRecord> history(Random& random) {
  std::vector<ProbeRecord> probes;
  double time = 0;
  const auto phase = [&](double loss, double length) {
    for (const double end = time + length; time < end; time += between(random, 0.99, 1.01)) {
      const auto rtt = std::chrono::microseconds(random() % 400'000);
      probes.push_back(chance(random, loss) ? lost(time) : answered(time, rtt));
    }
  };
  for (int i = 0; i < 12; ++i) {
    if (chance(random, 0.2)) time += between(random, 8, 100);
    constexpr std::array kLosses{0.0, 0.01, 1.0};
    phase(kLosses[random() % kLosses.size()], between(random, 120, 300));
    phase(0, 3600);
  }
  phase(0, 400);
  return probes;
}

/// The machine lives through it: losses become known 1.5 s after their sending, records are read a while
/// after they were written, and time is told about each second.
std::vector<Transition> live(HealthMachine& machine, const std::vector<ProbeRecord>& probes, Random& random) {
  std::multimap<MonoTime, ProbeRecord> arrivals;
  for (const auto& probe : probes) {
    const auto settled = probe.sent + (probe.outcome == Outcome::lost ? Duration(1500ms) : probe.rtt);
    arrivals.emplace(settled + std::chrono::milliseconds(random() % 500), probe);
  }
  MonoTime tick = arrivals.begin()->first;
  for (const auto& [now, probe] : arrivals) {
    for (; tick < now; tick += 1s) machine.advance(tick);
    machine.observe(probe);
    machine.advance(now);
  }
  return machine.take_transitions();
}

std::vector<Transition> replay(HealthMachine& machine, const std::vector<ProbeRecord>& probes) {
  machine.observe_all(probes);
  return machine.take_transitions();
}

/// But for suspects that came to nothing.
std::vector<Transition> lasting(const std::vector<Transition>& transitions) {
  std::vector<Transition> out;
  for (const auto& transition : transitions) {
    if (!out.empty() && out.back().to == HealthState::suspect && transition.to == out.back().from) {
      out.pop_back();
    } else {
      out.push_back(transition);
    }
  }
  return out;
}

/// A replay sees a loss at its sending, life up to 2 s later, by when younger answers may have ended an
/// outage: there the two may differ by a clean time, or a few when a loss disturbs those.
TEST(HealthMachineProperties, AReplayComesToTheStateOfOneWhoLivedThroughIt) {
  auto random = seeded_random();
  for (int run = 0; run < 4; ++run) {
    const auto probes = history(random);
    HealthMachine living(uplink(), Family::v4);
    HealthMachine replaying(uplink(), Family::v4);
    const auto lived = lasting(live(living, probes, random));
    const auto replayed = lasting(replay(replaying, probes));
    ASSERT_EQ(living.state(), replaying.state());
    ASSERT_EQ(living.window().lost(), replaying.window().lost());
    ASSERT_EQ(lived.size(), replayed.size());
    for (std::size_t i = 0; i < lived.size(); ++i) {
      ASSERT_EQ(lived[i].to, replayed[i].to) << i;
      ASSERT_LE(std::chrono::abs(lived[i].at - replayed[i].at), 6 * uplink().up_after) << i;
    }
  }
}

TEST(HealthMachineProperties, TheOrderOfArrivalWithinAFewSecondsDoesNotMatter) {
  auto random = seeded_random();
  for (int run = 0; run < 4; ++run) {
    const auto probes = history(random);
    auto shuffled = probes;
    for (std::size_t i = 0; i + 4 <= shuffled.size(); i += 4) {
      const auto first = shuffled.begin() + static_cast<std::ptrdiff_t>(i);
      std::shuffle(first, first + 4, random);
    }
    HealthMachine in_order(uplink(), Family::v4);
    HealthMachine out_of_order(uplink(), Family::v4);
    for (const auto& probe : probes) in_order.observe(probe);
    for (const auto& probe : shuffled) out_of_order.observe(probe);
    ASSERT_EQ(in_order.state(), HealthState::up);
    ASSERT_EQ(out_of_order.state(), HealthState::up);
    ASSERT_EQ(in_order.window().lost(), out_of_order.window().lost());
    ASSERT_EQ(in_order.window().newest(), out_of_order.window().newest());
  }
}

TEST(HealthMachineProperties, TheWallClockDecidesNothing) {
  auto random = seeded_random();
  for (int run = 0; run < 4; ++run) {
    auto probes = history(random);
    HealthMachine steady(uplink(), Family::v4);
    HealthMachine stepped(uplink(), Family::v4);
    const auto expected = replay(steady, probes);
    for (auto& probe : probes) {
      probe.sent_wall +=
          std::chrono::milliseconds(static_cast<std::int64_t>(random() % 7'200'000) - 3'600'000);
    }
    ASSERT_EQ(replay(stepped, probes), expected);
  }
}

TEST(HealthMachineProperties, ADeadLinkIsDownWithinFifteenSecondsAndARepairedOneUpWithinTwelve) {
  auto random = seeded_random();
  for (int run = 0; run < 40; ++run) {
    HealthMachine machine(uplink(), Family::v4);
    const double fault = between(random, 61, 600);
    const double repair = fault + between(random, 20, 5000);
    MonoTime died = MonoTime::max();
    MonoTime recovered = MonoTime::max();
    for (double time = between(random, 0, 1); recovered == MonoTime::max();
         time += between(random, 0.99, 1.01)) {
      const bool dead = time >= fault && time < repair;
      machine.observe(dead ? lost(time) : answered(time));
      for (const auto& transition : machine.take_transitions()) {
        if (transition.to == HealthState::down) died = transition.at;
        if (transition.to == HealthState::up && time > fault) recovered = transition.at;
      }
      ASSERT_LT(time, repair + 60);
    }
    ASSERT_LE(died - at(fault), 15s);
    ASSERT_LE(recovered - at(repair), 12s);
  }
}

/// By the binomial distribution 5 of the first 20, or 13 of any 60, are lost in some 0.6 % of such runs.
TEST(HealthMachineProperties, FiveMinutesOfFivePercentRandomLossHardlyEverAreDown) {
  auto random = seeded_random();
  constexpr int kRuns = 500;
  int downs = 0;
  for (int run = 0; run < kRuns; ++run) {
    HealthMachine machine(uplink(), Family::v4);
    for (int i = 0; i < 300; ++i) machine.observe(i > 0 && chance(random, 0.05) ? lost(i) : answered(i));
    const auto transitions = machine.take_transitions();
    downs += std::ranges::any_of(
                 transitions, [](const Transition& transition) { return transition.to == HealthState::down; })
                 ? 1
                 : 0;
  }
  EXPECT_LE(downs, kRuns * 3 / 100);
}

/// Whatever is thrown at it, each change begins where the last one ended, and ends elsewhere.
TEST(HealthMachineProperties, TransitionsFormAChain) {
  auto random = seeded_random();
  constexpr std::array kFacts{LinkFact::ok,         LinkFact::ok,         LinkFact::no_device,
                              LinkFact::admin_down, LinkFact::no_carrier, LinkFact::no_address};
  for (int run = 0; run < 10; ++run) {
    HealthMachine machine(uplink(), Family::v4);
    HealthState state = machine.state();
    for (double now = 0; now < 2000; now += between(random, 0, 3)) {
      auto config = uplink();
      config.enabled = !chance(random, 0.1);
      config.up_after = std::chrono::seconds(1 + random() % 30);
      config.loss_window = std::chrono::seconds(20 + random() % 60);
      switch (random() % 40) {
        case 0:
          machine.configure(config, at(now));
          break;
        case 1:
          machine.report_fact(kFacts[random() % kFacts.size()], at(now));
          break;
        case 2:
          machine.advance(at(now));
          break;
        case 3:
          machine.excuse_silence(at(now));
          break;
        default:
          machine.observe(probe_at(now - between(random, 0, 4), Outcome{random() % 3 != 0}));
          break;
      }
      for (const auto& transition : machine.take_transitions()) {
        ASSERT_EQ(transition.from, state);
        ASSERT_NE(transition.to, state);
        ASSERT_LE(transition.cause, at(now));
        ASSERT_FALSE(transition.reason.empty());
        state = transition.to;
      }
      ASSERT_EQ(machine.state(), state);
    }
  }
}

}  // namespace health_machine_property_test
}  // namespace multilink
