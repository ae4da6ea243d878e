// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <iostream>

#include "multilink/core/text.hpp"
#include "sim/long_runs.hpp"
#include "sim/measure.hpp"

namespace multilink::sim {
namespace traffic_test {

using namespace std::chrono_literals;

class UsersTraffic : public testing::TestWithParam<std::size_t> {
 protected:
  const TrafficKind& kind() const { return traffic_kinds().at(GetParam()); }
  /// The probes lose what users' packets lose there and back.
  Calm measure(const TrafficPath& path) const {
    const auto one = seed();
    SimulatedUplink uplink;
    uplink.config.loss_down = 0.5;
    uplink.link = random_loss(1 - (1 - path.loss) * (1 - path.loss), one, path.rtt);
    uplink.traffic = kind().make(path, {}, one);
    return measure_calm(uplink, is_long() ? 24 : 1, one, Depth::daemons);
  }
};

TEST_P(UsersTraffic, RaisesNoStormOfProbesAndNoFalseSuspect) {
  for (const TrafficPath& path : {TrafficPath{0, 20ms}, TrafficPath{0.05, 20ms}, TrafficPath{0.05, 200ms}}) {
    const auto calm = measure(path);
    const auto where = cat(kind().name, ", RTT ", path.rtt / 1ms, " ms, loss ", format_decimal(path.loss, 2));
    std::cout << where << ": " << calm.questions_per_hour << " questions/h, " << calm.suspects / calm.hours
              << " suspects/h, " << calm.probes_per_second << " probes/s\n";
    // In an hour the 1.8 of the worst have a standard deviation of 0.05, and a suspect comes every 25 h at most.
    EXPECT_LE(calm.probes_per_second, is_long() ? 2.0 : 2.2) << where;
    EXPECT_LE(calm.suspects, is_long() ? 1 : most_by_chance(calm.hours / 25)) << where;
    EXPECT_EQ(calm.downs, 0U) << where;
  }
}

/// However it misleads the trigger: the regular probes are there.
TEST_P(UsersTraffic, NeverMakesAFailureNoticedLaterThanOnAnIdleLink) {
  const auto traffic = [this](const Outages& all, std::uint64_t seed) { return kind().make({}, all, seed); };
  const auto detection = measure_detection([](std::uint64_t seed) { return random_loss(0, seed); },
                                           is_long() ? 500 : 5, seed(), traffic);
  std::cout << kind().name << ": noticed after " << detection.quantile(0.5) / 1ms << " ms (median), "
            << detection.quantile(1) / 1ms << " ms at most\n";
  EXPECT_EQ(detection.missed, 0U);
  EXPECT_LE(detection.quantile(1), 1300ms);
}

INSTANTIATE_TEST_SUITE_P(Kinds, UsersTraffic, testing::Range(std::size_t{0}, traffic_kinds().size()));

}  // namespace traffic_test
}  // namespace multilink::sim
