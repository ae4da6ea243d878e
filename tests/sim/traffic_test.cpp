// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "multilink/core/text.hpp"
#include "sim/long_runs.hpp"
#include "sim/measure.hpp"

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

class UnevenTraffic : public testing::TestWithParam<std::size_t> {
 protected:
  /// The probes lose what users' packets lose there and back.
  static Calm measure(const TrafficKind& kind, const TrafficPath& path) {
    SimulatedUplink uplink;
    uplink.config.loss_down = 0.5;
    uplink.link = random_loss(1 - (1 - path.loss) * (1 - path.loss), seed(), path.rtt);
    uplink.traffic = kind.make(path, {}, seed());
    return measure_calm(uplink, is_long() ? 24 : 1, seed(), Depth::daemons);
  }
};

TEST_P(UnevenTraffic, RaisesNoStormOfProbesAndNoFalseSuspect) {
  const auto& kind = traffic_kinds().at(GetParam());
  for (const Duration rtt : {20ms, 200ms}) {
    for (const double loss : {0.0, 0.05}) {
      const auto calm = measure(kind, {loss, rtt});
      const auto where = cat(kind.name, ", RTT ", rtt / 1ms, " ms, loss ", format_decimal(loss, 2));
      EXPECT_LE(calm.probes_per_second, 2.0) << where;
      EXPECT_LE(calm.suspects, 1U) << where;
      EXPECT_EQ(calm.downs, 0U) << where;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, UnevenTraffic, testing::Range(std::size_t{0}, traffic_kinds().size()));

}  // namespace
}  // namespace multilink::sim
