// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "sim/gateway.hpp"
#include "sim/long_runs.hpp"
#include "sim/measure.hpp"
#include "sim/our_rule.hpp"
#include "sim/trace_score.hpp"

namespace multilink::sim {
namespace detection_test {

using namespace std::chrono_literals;

/// Hours of the cores: a thousand with MULTILINK_LONG=1.
double span() {
  return is_long() ? 1000 : 50;
}

UplinkConfig losing(double loss_down) {
  UplinkConfig out;
  out.loss_down = loss_down;
  return out;
}

class RandomLoss : public testing::TestWithParam<int> {
 protected:
  double loss() const { return GetParam() / 100.0; }
  Calm measure(double loss_down) const {
    const auto one = seed();
    const auto calm = measure_calm({losing(loss_down), random_loss(loss(), one)}, span(), one, Depth::cores);
    std::cout << calm.suspects << " suspects and " << calm.downs << " downs in " << calm.hours << " h, "
              << calm.probes_per_second << " probes/s\n";
    return calm;
  }
};

TEST_P(RandomLoss, NeverTakesALinkDownWhereHalfMayBeLost) {
  const auto calm = measure(0.5);
  // 42 of 60 probes lost where 30 % are: of all windows of 50 h one, with a probability below 5e-5.
  EXPECT_LE(calm.downs, is_long() ? 0U : 1U);
  const double one_a_day = calm.hours / 24;
  EXPECT_LT(calm.suspects, is_long() ? one_a_day : most_by_chance(one_a_day));
  if (loss() <= 0.10) {
    EXPECT_LE(calm.probes_per_second, 2.0);
  }
}
INSTANTIATE_TEST_SUITE_P(Percent, RandomLoss, testing::Values(0, 5, 10, 20, 30),
                         testing::PrintToStringParamName());

class SmallRandomLoss : public RandomLoss {};

TEST_P(SmallRandomLoss, TakesALinkDownAtMostOnceByDefault) {
  // 22 of 60 probes lost where 10 % are: of all windows of 50 h one, with a probability below 2e-3.
  EXPECT_LE(measure(UplinkConfig{}.loss_down).downs, is_long() ? 1U : 2U);
}
INSTANTIATE_TEST_SUITE_P(Percent, SmallRandomLoss, testing::Values(0, 5, 10),
                         testing::PrintToStringParamName());

TEST(Detection, FortyPercentOfLossIsDownWithinTwoWindows) {
  const unsigned runs = is_long() ? 20'000 : 4000;
  const auto first = seed();
  unsigned in_time = 0;
  for (unsigned run = 0; run < runs; ++run) {
    const auto link = [good = random_loss(0, first + run), bad = random_loss(0.4, first + run)](
                          Duration at, std::size_t target) mutable {
      return at < 5min ? good(at, target) : bad(at, target);
    };
    const auto simulation = simulate({.link = link}, first + run, Depth::cores);
    simulation->run_until(5min + 2 * UplinkConfig{}.loss_window);
    for (const auto& change : simulation->changes()) {
      if (change.to != HealthState::down) continue;
      ++in_time;
      break;
    }
  }
  std::cout << in_time << " of " << runs << " in time\n";
  EXPECT_GE(in_time, runs * 95 / 100);  // of 4000 97 % are in time, with a standard deviation of 11
}

/// At a fixed interval each window would see all of it or nothing.
TEST(Detection, ALossInStepWithTheProbesIsReadAsItsTrueShare) {
  std::size_t changes = 0;
  for (const auto& [period, lost] : {std::pair<Duration, Duration>{1s, 100ms}, {500ms, 50ms}, {2s, 200ms}}) {
    const auto simulation = simulate({.link = periodic_loss(period, lost, 1)}, seed(), Depth::cores);
    double sum = 0;
    double squares = 0;
    constexpr int kMinutes = 180;
    for (int minute = 1; minute <= kMinutes; ++minute) {
      simulation->run_until(minute * 1min);
      sum += simulation->loss(0);
      squares += std::pow(simulation->loss(0) - 0.10, 2);
    }
    EXPECT_NEAR(sum / kMinutes, 0.10, 0.03) << period / 1ms << " ms";  // 9 standard deviations
    EXPECT_LE(std::sqrt(squares / kMinutes), 0.10) << period / 1ms << " ms";
    for (const auto& change : simulation->changes()) changes += change.to == HealthState::up ? 0 : 1;
  }
  EXPECT_LE(changes, 3U);  // 8 in 300 runs: four in one with a probability of 2e-8
}

TEST(Detection, SilenceShorterThanEvictAfterNeverEndsInDown) {
  // Until something arrives: a round trip and the pause between two probes of a link found dead belong to it.
  const Duration most = UplinkConfig{}.evict_after - 22ms - 50ms;
  const auto outages = random_outages(hours(span()), 3min, 50ms, most, seed());
  const auto simulation = simulate({.link = random_loss(0, 1), .outages = outages}, 3, Depth::cores);
  simulation->run_until(hours(span()));
  unsigned suspects = 0;
  for (const auto& change : simulation->changes()) {
    EXPECT_NE(change.to, HealthState::down) << std::chrono::duration<double>(change.when).count();
    suspects += change.to == HealthState::suspect ? 1 : 0;
  }
  EXPECT_GT(suspects, outages.size() / 3) << "the silences are there";
}

/// Suspects of a link that is troubled at each multiple of `every` for `lasts`: none is left half a second later.
void expect_no_suspect_outlives(const SimulatedLink& link, Duration every, Duration lasts) {
  const auto simulation = simulate({.link = link}, seed(), Depth::cores);
  for (Duration at = every; at < hours(span()); at += every) {
    simulation->run_until(at + lasts + 500ms);
    EXPECT_EQ(simulation->state(0), HealthState::up) << std::chrono::duration<double>(at).count();
  }
  for (const auto& change : simulation->changes()) EXPECT_NE(change.to, HealthState::down);
}

TEST(Detection, ARoundTripTimeThatClimbsLeavesNoSuspect) {
  const Duration every = 20min + 311ms;
  expect_no_suspect_outlives(drifting_rtt(every, seed()), every, 10s);
}

TEST(Detection, ABufferbloatSpikeLeavesNoSuspect) {
  const Duration every = 20min + 311ms;
  expect_no_suspect_outlives(bufferbloat_spikes(every, seed()), every, kSpikeLasts);
}

TEST(Detection, OneDeadTargetOfThreeChangesNoState) {
  const auto calm = measure_calm({.link = dead_target(random_loss(0.01, seed()))}, span(), 4, Depth::cores);
  EXPECT_EQ(calm.suspects + calm.downs, 0U);
}

TEST(Detection, OneRateLimitedTargetOfThreeChangesNoState) {
  for (const auto pause : {2s, 5s, 30s}) {
    const auto link = rate_limited_target(random_loss(0.01, seed()), pause);
    const auto calm = measure_calm({.link = link}, span(), 5, Depth::cores);
    EXPECT_EQ(calm.suspects + calm.downs, 0U) << pause.count();
  }
}

/// The last lost probe is of the outage; the first one sent `up_after` later or more is at most a pause after that, and is
/// answered.
TEST(Detection, ACleanLinkIsUpAgainWithinUpAfterAndTwoPauses) {
  const auto outages = random_outages(hours(is_long() ? 10'000 : 300), 4h, 10ms, 10min, seed());
  const auto simulation = simulate({.link = random_loss(0, 2), .outages = outages}, 6, Depth::cores);
  for (const auto& outage : outages) {
    simulation->run_until(outage.to + UplinkConfig{}.up_after + 2s);
    EXPECT_EQ(simulation->state(0), HealthState::up)
        << std::chrono::duration<double>(outage.to - outage.from).count();
  }
}

SimulatedLink good_link(std::uint64_t seed) {
  return random_loss(0, seed);
}

SimulatedLink link_with_a_dead_target(std::uint64_t seed) {
  return dead_target(good_link(seed));
}

void expect_noticed(const Detection& detection, unsigned outages, Duration median, Duration most) {
  std::cout << "noticed after " << detection.quantile(0.5) / 1ms << " ms (median), "
            << detection.quantile(1) / 1ms << " ms at most\n";
  EXPECT_EQ(detection.outages, outages);
  EXPECT_EQ(detection.missed, 0U);
  EXPECT_LE(detection.quantile(0.5), median);
  EXPECT_LE(detection.quantile(1), most);
}

TEST(Detection, AFailureIsNoticedWithinABoundAtAnyPhase) {
  const unsigned runs = is_long() ? 10'000 : 500;
  expect_noticed(measure_detection(good_link, runs, seed(), Depth::cores), runs, 1s, 1300ms);
  expect_noticed(measure_detection(link_with_a_dead_target, runs, seed(), Depth::cores), runs, 1s, 1300ms);
}

TEST(Detection, AFailureUnderEvenTrafficIsNoticedSooner) {
  const unsigned runs = is_long() ? 500 : 20;
  for (const double packets : {50, 200, 1000}) {
    const auto traffic = [&](const Outages& all, std::uint64_t) { return even_traffic(packets, all); };
    expect_noticed(measure_detection(good_link, runs, seed(), traffic), runs, 150ms, 300ms);
  }
}

TEST(Detection, TheTenthFailureIsNoticedAsFastAsTheFirst) {
  std::vector<Duration> delays;
  Outages outages;
  for (int i = 0; i < 10; ++i) outages.push_back({20min + i * 20min + i * 37ms, 20min + i * 20min + 20s});
  SimulatedGateway gateway(
      {{.link = random_loss(0, seed()), .outages = outages, .traffic = even_traffic(1000, outages)}}, 10);
  for (const auto& outage : outages) {
    gateway.run_until(outage.from);
    const auto known = gateway.changes().size();
    gateway.run_until(outage.to);
    ASSERT_GT(gateway.changes().size(), known);
    delays.push_back(gateway.changes()[known].when - outage.from);
  }
  EXPECT_LE(delays.back(), delays.front() + 30ms);
}

/// Neither is ever up for long; each answers now and then.
const std::pair<Duration, Duration> kBadLinks[] = {{150ms, 1200ms}, {3s, 2s}};  // good for, bad for

TEST(Detection, TwoBadLinksDoNotThrowTheTrafficToAndFro) {
  const double span = is_long() ? 200 : 3;
  const LinkTruth truth = LinkTruth::ideal();
  for (const auto& [good, bad] : kBadLinks) {
    const auto first = seed();
    std::vector<Decisions> decisions;
    for (std::uint64_t one = first; one < first + 2; ++one) {
      std::mt19937_64 random(one);
      const Carry carry = [link = gilbert_elliott(good, bad, 1, one)](Duration at) mutable {
        return link(at, 0);
      };
      decisions.push_back(follow_multilink(carry, hours(span), random));
    }
    const auto score = score_gateway({{truth, decisions[0]}, {truth, decisions[1]}}, {0, 1}, hours(span));
    std::cout << score.switches / span << " switches/h where " << good / 1ms << " ms are good and "
              << bad / 1ms << " bad\n";
    EXPECT_LE(score.switches, is_long() ? 30 * span : most_by_chance(30 * span)) << good / 1ms;
  }
}

TEST(Detection, RoutedMovesNoMoreThanTheHealthSays) {
  const auto first = seed();
  std::vector<SimulatedUplink> uplinks(2);
  for (std::size_t i = 0; i < uplinks.size(); ++i) uplinks[i].link = gilbert_elliott(3s, 2s, 1, first + i);
  SimulatedGateway gateway(std::move(uplinks), first);
  gateway.run_until(1h);
  std::cout << gateway.switches().size() << " switches\n";
  EXPECT_LE(gateway.switches().size(), most_by_chance(30));
}

TEST(Detection, TrafficMovesToTheOtherLinkAndBack) {
  const Outages outages{{5min, 6min}};
  SimulatedGateway gateway(
      {{.link = random_loss(0, 1), .outages = outages, .traffic = even_traffic(1000, outages)},
       {.link = random_loss(0, 2)}},
      11);
  gateway.run_until(10min);
  const auto& switches = gateway.switches();
  ASSERT_EQ(switches.size(), 3U);
  EXPECT_EQ(switches[1].uplink, 1U);
  EXPECT_LE(switches[1].when, 5min + 300ms);
  EXPECT_EQ(switches[2].uplink, 0U);
  EXPECT_LE(switches[2].when, 6min + 12s);
}

/// LinkReplay is the daemons' cores without the daemons: what it says is what they do.
TEST(Detection, TheReplaySeesWhatTheDaemonsDo) {
  const auto outages = random_outages(6h, 4min, 50ms, 40s, seed());
  const SimulatedUplink uplink{.link = random_loss(0, 12), .outages = outages};
  const auto daemons = simulate(uplink, 1000, Depth::daemons);
  const auto cores = simulate(uplink, 1000, Depth::cores);
  daemons->run_until(6h);
  cores->run_until(6h);
  const auto& replayed = cores->changes();
  const auto& lived = daemons->changes();

  ASSERT_EQ(replayed.size(), lived.size());
  for (std::size_t i = 0; i < replayed.size(); ++i) {
    EXPECT_EQ(replayed[i].to, lived[i].to) << i;
    EXPECT_NEAR(std::chrono::duration<double>(replayed[i].when - lived[i].when).count(), 0, 1.2) << i;
  }
}

}  // namespace detection_test
}  // namespace multilink::sim
