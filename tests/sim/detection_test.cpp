// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "multilink/core/link_replay.hpp"
#include "seeded.hpp"
#include "sim/gateway.hpp"
#include "sim/measure.hpp"

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

bool is_long() {
  const char* const wanted = std::getenv("MULTILINK_LONG");
  return wanted != nullptr && std::string(wanted) == "1";
}

/// Hours a link: a thousand with MULTILINK_LONG=1.
double span() {
  return is_long() ? 1000 : 6;
}

std::uint64_t seed() {
  return seeded_random()() % 1'000'000;
}

UplinkConfig losing(double loss_down) {
  UplinkConfig out;
  out.loss_down = loss_down;
  return out;
}

std::vector<SimulatedUplink> one(SimulatedLink link, Outages outages = {}) {
  std::vector<SimulatedUplink> out(1);
  out[0].link = std::move(link);
  out[0].outages = std::move(outages);
  return out;
}

class RandomLoss : public testing::TestWithParam<int> {
 protected:
  double loss() const { return GetParam() / 100.0; }
};

TEST_P(RandomLoss, NeverTakesALinkDownWhereHalfMayBeLost) {
  const auto calm = measure_calm(random_loss(loss(), seed()), losing(0.5), span(), 1);
  EXPECT_EQ(calm.downs, 0U);
  EXPECT_LE(calm.suspects, std::max(1.0, calm.hours / 24));
  if (loss() <= 0.10) {
    EXPECT_LE(calm.probes_per_second, 2.0);
  }
}
INSTANTIATE_TEST_SUITE_P(Percent, RandomLoss, testing::Values(0, 5, 10, 20, 30),
                         testing::PrintToStringParamName());

class SmallRandomLoss : public RandomLoss {};

TEST_P(SmallRandomLoss, TakesALinkDownAtMostOnceByDefault) {
  EXPECT_LE(measure_calm(random_loss(loss(), seed()), {}, span(), 2).downs, 1U);
}
INSTANTIATE_TEST_SUITE_P(Percent, SmallRandomLoss, testing::Values(0, 5, 10),
                         testing::PrintToStringParamName());

TEST(Detection, FortyPercentOfLossIsDownWithinTwoWindows) {
  const unsigned runs = is_long() ? 1000 : 100;
  const auto first = seed();
  unsigned in_time = 0;
  for (unsigned run = 0; run < runs; ++run) {
    SimulatedGateway gateway(one([good = random_loss(0, first + run), bad = random_loss(0.4, first + run)](
                                     Duration at, std::size_t target) mutable {
                               return at < 5min ? good(at, target) : bad(at, target);
                             }),
                             first + run);
    gateway.run_until(5min + 2 * UplinkConfig{}.loss_window);
    for (const auto& change : gateway.changes()) {
      if (change.to != HealthState::down) continue;
      ++in_time;
      break;
    }
  }
  std::cout << in_time << " of " << runs << " in time\n";
  // A hundred runs of what happens in 97 % may be a few short.
  EXPECT_GE(in_time, is_long() ? runs * 95 / 100 : runs * 91 / 100);
}

/// At a fixed interval each run would see all of it or nothing.
TEST(Detection, ALossInStepWithTheProbesIsReadAsItsTrueShare) {
  for (const auto& [period, lost] : {std::pair<Duration, Duration>{1s, 100ms}, {500ms, 50ms}, {2s, 200ms}}) {
    SimulatedGateway gateway(one(periodic_loss(period, lost, 1)), seed());
    double sum = 0;
    double most = 0;
    constexpr int kMinutes = 180;
    for (int minute = 1; minute <= kMinutes; ++minute) {
      gateway.run_until(minute * 1min);
      sum += gateway.loss(0);
      most = std::max(most, gateway.loss(0));
    }
    EXPECT_NEAR(sum / kMinutes, 0.10, 0.03) << period / 1ms << " ms";
    EXPECT_LE(most, 0.45) << period / 1ms << " ms";
    for (const auto& change : gateway.changes()) EXPECT_EQ(change.to, HealthState::up) << change.reason;
  }
}

TEST(Detection, SilenceShorterThanEvictAfterNeverEndsInDown) {
  // Until something arrives: a round trip and the pause between two probes of a link found dead belong to it.
  const Duration most = UplinkConfig{}.evict_after - 22ms - 50ms;
  const auto outages = random_outages(hours(span()), 3min, 50ms, most, seed());
  SimulatedGateway gateway(one(random_loss(0, 1), outages), 3);
  gateway.run_until(hours(span()));
  unsigned suspects = 0;
  for (const auto& change : gateway.changes()) {
    EXPECT_NE(change.to, HealthState::down) << std::chrono::duration<double>(change.when).count();
    suspects += change.to == HealthState::suspect ? 1 : 0;
  }
  EXPECT_GT(suspects, outages.size() / 3) << "the silences are there";
}

/// Suspects of a link that is troubled at each multiple of `every` for `lasts`: none is left half a second later.
void expect_no_suspect_outlives(const SimulatedLink& link, Duration every, Duration lasts) {
  SimulatedGateway gateway(one(link), seed());
  for (Duration at = every; at < hours(span()); at += every) {
    gateway.run_until(at + lasts + 500ms);
    EXPECT_EQ(gateway.state(0), HealthState::up) << std::chrono::duration<double>(at).count();
  }
  for (const auto& change : gateway.changes()) EXPECT_NE(change.to, HealthState::down);
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
  const auto calm = measure_calm(dead_target(random_loss(0.01, seed())), {}, span(), 4);
  EXPECT_EQ(calm.suspects + calm.downs, 0U);
}

TEST(Detection, OneRateLimitedTargetOfThreeChangesNoState) {
  for (const auto pause : {2s, 5s, 30s}) {
    const auto calm = measure_calm(rate_limited_target(random_loss(0.01, seed()), pause), {}, span() / 3, 5);
    EXPECT_EQ(calm.suspects + calm.downs, 0U) << pause.count();
  }
}

TEST(Detection, ACleanLinkIsUpAgainWithinUpAfterAndTwoSeconds) {
  const auto outages = random_outages(hours(is_long() ? 1000 : 100), 4h, 10ms, 10min, seed());
  SimulatedGateway gateway(one(random_loss(0, 2), outages), 6);
  for (const auto& outage : outages) {
    gateway.run_until(outage.to + UplinkConfig{}.up_after + 2s);
    EXPECT_EQ(gateway.state(0), HealthState::up)
        << std::chrono::duration<double>(outage.to - outage.from).count();
  }
}

TEST(Detection, AFailureIsNoticedWithinABoundAtAnyPhase) {
  const auto idle = measure_detection(random_loss(0, seed()), {}, 50, 0, 7);
  ASSERT_GE(idle.outages, 45U);
  EXPECT_EQ(idle.missed, 0U);
  EXPECT_LE(idle.quantile(1), 1300ms);
  const auto busy = measure_detection(random_loss(0, seed()), {}, 50, 1000, 8);
  ASSERT_GE(busy.outages, 45U);
  EXPECT_EQ(busy.missed, 0U);
  EXPECT_LE(busy.quantile(0.5), 150ms);
  EXPECT_LE(busy.quantile(1), 300ms);
  const auto with_a_dead_target = measure_detection(dead_target(random_loss(0, seed())), {}, 50, 0, 9);
  ASSERT_GE(with_a_dead_target.outages, 45U);
  EXPECT_EQ(with_a_dead_target.missed, 0U);
  EXPECT_LE(with_a_dead_target.quantile(1), 1300ms);
}

TEST(Detection, TheTenthFailureIsNoticedAsFastAsTheFirst) {
  std::vector<Duration> delays;
  Outages outages;
  for (int i = 0; i < 10; ++i) outages.push_back({20min + i * 20min + i * 37ms, 20min + i * 20min + 20s});
  auto uplinks = one(random_loss(0, seed()), outages);
  uplinks[0].packets = 1000;
  SimulatedGateway gateway(std::move(uplinks), 10);
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
TEST(Detection, TwoBadLinksDoNotThrowTheTrafficToAndFro) {
  for (const auto& [good, bad] : {std::pair<Duration, Duration>{150ms, 1200ms}, {3s, 2s}}) {
    const auto first = seed();
    std::vector<SimulatedUplink> uplinks(2);
    for (std::size_t i = 0; i < uplinks.size(); ++i)
      uplinks[i].link = gilbert_elliott(good, bad, 1, first + i);
    SimulatedGateway gateway(std::move(uplinks), first);
    gateway.run_until(1h);
    EXPECT_LE(gateway.switches().size(), 150U) << std::chrono::duration<double>(good).count();
  }
}

TEST(Detection, TrafficMovesToTheOtherLinkAndBack) {
  auto uplinks = one(random_loss(0, 1), {{5min, 6min}});
  uplinks.push_back(one(random_loss(0, 2)).front());
  uplinks[0].packets = 1000;
  SimulatedGateway gateway(std::move(uplinks), 11);
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
  const auto link = [&] { return with_outages(random_loss(0, 12), outages); };
  SimulatedGateway gateway(one(random_loss(0, 12), outages), 1000);
  gateway.run_until(6h);

  UplinkConfig uplink;
  uplink.device = uplink.name = "wan0";
  for (const char* target : {"203.0.113.1", "203.0.113.2", "203.0.113.3"}) {
    uplink.targets.push_back(*IpAddress::parse(target));
  }
  const MonoTime start{1h};
  LinkReplay replay(
      uplink, [start, link = link()](MonoTime at, const IpAddress&) mutable { return link(at - start, 0); },
      start, 1000);
  replay.run_until(start + 6h);
  const auto replayed = replay.take_changes();

  ASSERT_EQ(replayed.size(), gateway.changes().size());
  for (std::size_t i = 0; i < replayed.size(); ++i) {
    EXPECT_EQ(replayed[i].transition.to, gateway.changes()[i].to) << i;
    EXPECT_NEAR(std::chrono::duration<double>(replayed[i].decided - start).count(),
                std::chrono::duration<double>(gateway.changes()[i].when).count(), 1.2)
        << i;
  }
}

}  // namespace
}  // namespace multilink::sim
