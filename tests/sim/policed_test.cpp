// SPDX-License-Identifier: GPL-2.0-or-later
// A provider that polices echo requests: the link is sound, and probing it harder only loses more probes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "sim/long_runs.hpp"
#include "sim/measure.hpp"

namespace multilink::sim {
namespace policed_test {

using namespace std::chrono_literals;

struct Policer {
  double rate;   ///< echo requests a second
  double depth;  ///< at once
};

class PolicedPath : public testing::TestWithParam<Policer> {
 protected:
  static constexpr Duration kCut = 2min + 311ms;  // early: no damping of earlier suspects
  static constexpr Duration kAfterwards = 1h;

  static SimulatedLink link(std::uint64_t seed) {
    return policed_path(random_loss(0, seed), GetParam().rate, GetParam().depth);
  }
  /// `rate` an hour where no more passes than is asked: there the bucket is at its end again and again. None elsewhere.
  static double most_suspects(double rate, double hours) {
    return GetParam().rate > 1 ? 0 : rate * hours + 5 * std::sqrt(rate * hours);
  }

  /// One cut of that length; then an hour.
  static void expect_return_after(Duration length) {
    const unsigned runs = is_long() ? 1000 : 20;
    const auto first = seed();
    double probes = 0;
    unsigned suspects = 0;
    Duration slowest{};
    Duration longest{};  // suspect
    for (std::uint64_t one = first; one < first + runs; ++one) {
      const auto simulation =
          simulate({.link = link(one), .outages = {{kCut, kCut + length}}}, one, Depth::cores);
      simulation->run_until(kCut + length);
      const bool was_up = simulation->state(0) == HealthState::up;
      const auto known = simulation->changes().size();
      const auto before = simulation->probes(0);
      simulation->run_until(kCut + length + kAfterwards);
      probes += static_cast<double>(simulation->probes(0) - before);
      Duration back = was_up ? kCut + length : Duration{};
      Duration entered = kCut + length;
      for (std::size_t i = known; i < simulation->changes().size(); ++i) {
        const auto& change = simulation->changes()[i];
        suspects += change.to == HealthState::suspect ? 1 : 0;
        EXPECT_NE(change.to, HealthState::down) << "seed " << one << ": " << change.reason;
        if (change.from == HealthState::suspect) longest = std::max(longest, change.when - entered);
        if (change.to == HealthState::up && back == Duration{}) back = change.when;
        entered = change.when;
      }
      EXPECT_NE(back, Duration{}) << "seed " << one;
      EXPECT_NE(simulation->state(0), HealthState::down) << "seed " << one;
      if (simulation->state(0) == HealthState::suspect)
        longest = std::max(longest, kCut + length + kAfterwards - entered);
      slowest = std::max(slowest, back == Duration{} ? kAfterwards : back - kCut - length);
    }
    const double span = runs * std::chrono::duration<double>(kAfterwards) / 1h;  // hours
    std::cout << "up again after " << slowest / 1ms << " ms at most; afterwards " << suspects / span
              << " suspects/h, of " << longest / 1ms << " ms at most, and " << probes / span / 3600
              << " probes/s\n";
    EXPECT_LE(slowest, 1min);
    EXPECT_LE(longest, 30s);
    EXPECT_LE(suspects, most_suspects(3, span));
    EXPECT_LE(probes / span / 3600, 2);
  }
};

TEST_P(PolicedPath, IsUpAgainAfterAShortCut) {
  expect_return_after(2s);
}

TEST_P(PolicedPath, IsUpAgainAfterALongCut) {
  expect_return_after(30s);
}

TEST_P(PolicedPath, StaysUpWithoutACut) {
  const double span = is_long() ? 1000 : 50;
  const auto one = seed();
  const auto calm = measure_calm({.link = link(one)}, span, one, Depth::cores);
  std::cout << calm.suspects / span << " suspects/h and " << calm.downs / span << " downs/h, "
            << calm.probes_per_second << " probes/s\n";
  EXPECT_EQ(calm.downs, 0U);
  EXPECT_LE(calm.suspects, most_suspects(2, span));
  EXPECT_LE(calm.probes_per_second, 2);
}

/// Within 1 s, unless the bucket ran empty just before the cut: then its losses say nothing, and regular probes notice.
TEST_P(PolicedPath, IsUpAgainAfterACutOfUsersTraffic) {
  const auto first = seed();
  const Outages cut{{kCut, kCut + 5s}};
  unsigned at_once = 0;
  for (std::uint64_t one = first; one < first + 20; ++one) {
    const auto simulation =
        simulate({.link = link(one), .outages = cut, .traffic = even_traffic(200, cut)}, one, Depth::daemons);
    simulation->run_until(kCut + 1s);
    at_once += simulation->state(0) == HealthState::suspect ? 1U : 0U;
    simulation->run_until(kCut + 4100ms);
    EXPECT_NE(simulation->state(0), HealthState::up) << "seed " << one;
    simulation->run_until(kCut + 5s + 30s);
    EXPECT_EQ(simulation->state(0), HealthState::up) << "seed " << one;
  }
  EXPECT_GE(at_once, 18U);
}

/// A short cut first, after which nothing but regular probes is sent.
TEST_P(PolicedPath, AFailureAfterACutIsNoticedByRegularProbes) {
  const Duration fails = kCut + 2min;
  const Outages outages{{kCut, kCut + 2s}, {fails, fails + 20s}};
  const auto first = seed();
  std::vector<Duration> noticed;
  std::vector<Duration> evicted;
  for (std::uint64_t one = first; one < first + 100; ++one) {
    const auto simulation = simulate({.link = link(one), .outages = outages}, one, Depth::cores);
    simulation->run_until(fails);
    if (simulation->state(0) != HealthState::up) continue;
    const auto known = simulation->changes().size();
    simulation->run_until(fails + 19s);
    ASSERT_EQ(simulation->changes().size(), known + 2) << "seed " << one;
    noticed.push_back(simulation->changes()[known].when - fails);
    evicted.push_back(simulation->changes()[known + 1].when - fails);
  }
  std::ranges::sort(noticed);
  std::ranges::sort(evicted);
  ASSERT_GE(noticed.size(), 80U);
  std::cout << "noticed after " << noticed[noticed.size() / 2] / 1ms << " ms (median), "
            << noticed.back() / 1ms << " ms at most; down after " << evicted[evicted.size() / 2] / 1ms
            << " and " << evicted.back() / 1ms << " ms\n";
  EXPECT_LE(noticed.back(), 4100ms);  // 1.08 s to the next probe, 2 s, and until somebody looks
  EXPECT_LE(evicted.back(), 6s);      // the second unheard probe, 3 s, and until somebody looks
}

INSTANTIATE_TEST_SUITE_P(Policers, PolicedPath, testing::Values(Policer{1, 5}, Policer{2, 5}, Policer{5, 10}),
                         [](const auto& test) {
                           return std::to_string(static_cast<int>(test.param.rate)) + "PerSecond" +
                                  std::to_string(static_cast<int>(test.param.depth)) + "AtOnce";
                         });

}  // namespace policed_test
}  // namespace multilink::sim
