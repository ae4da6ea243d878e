// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_metrics.hpp"

#include <gmock/gmock.h>

#include "fakes/status_sample.hpp"

namespace multilink {
namespace status_metrics_test {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(StatusMetrics, HoldWhatTheSnapshotHolds) {
  const auto out = render_status_metrics(fakes::failed_over_snapshot());
  for (const char* line : {
           "# TYPE multilink_uplink_rtt_seconds gauge\n# UNIT multilink_uplink_rtt_seconds seconds\n"
           "# HELP multilink_uplink_rtt_seconds Mean round-trip time over the loss window.\n",
           "multilink_uplink_usable{uplink=\"fibre\",family=\"ipv4\"} 0\n",
           "multilink_uplink_usable{uplink=\"lte\",family=\"ipv4\"} 1\n",
           "multilink_uplink_carries_default{uplink=\"lte\",family=\"ipv4\"} 1\n",
           "multilink_uplink_state{uplink=\"fibre\",family=\"ipv4\",state=\"down\"} 1\n",
           "multilink_uplink_state{uplink=\"fibre\",family=\"ipv4\",state=\"up\"} 0\n",
           "multilink_uplink_rtt_seconds{uplink=\"fibre\",family=\"ipv4\"} 0.0203\n",
           "multilink_uplink_precedence{uplink=\"lte\"} 2\n",
           "multilink_routing_in_sync 1\n",
           "multilink_routing_chain_seconds{family=\"ipv4\"} 0.000875\n",
           "multilink_daemon_reports{daemon=\"pingd\"} 1\n",
           "multilink_refused_records 0\n",
           "multilink_config_refused 0\n",
       }) {
    EXPECT_THAT(out, HasSubstr(line));
  }
  EXPECT_THAT(out, EndsWith("\n# EOF\n"));
}

TEST(StatusMetrics, HaveNoSampleOfWhatIsNotKnown) {
  auto snapshot = fakes::sample_snapshot();
  snapshot.uplinks[0].health = fail("no record yet");
  snapshot.uplinks[0].usable_in.clear();
  snapshot.uplinks[1].health->families[Family::v4].probes = 0;
  snapshot.uplinks[1].health->families[Family::v4].rtt = {};
  snapshot.routing = fail("no record yet");
  snapshot.daemons[0].record = fail("no record yet");
  const auto out = render_status_metrics(snapshot);
  EXPECT_THAT(out, Not(HasSubstr("{uplink=\"fibre\"")));
  EXPECT_THAT(out, Not(HasSubstr("multilink_uplink_rtt_seconds")));
  EXPECT_THAT(out, Not(HasSubstr("multilink_routing")));
  EXPECT_THAT(out, HasSubstr("multilink_daemon_reports{daemon=\"pingd\"} 0\n"));
}

TEST(StatusMetrics, LetNoUntrustedTextOutOfItsLabel) {
  auto snapshot = fakes::sample_snapshot();
  snapshot.uplinks[0].name = "x\"} 1\nevil{a=\"\\";
  const auto out = render_status_metrics(snapshot);
  EXPECT_THAT(out, Not(HasSubstr("\nevil")));
  EXPECT_THAT(out, HasSubstr("{uplink=\"x\\\"} 1\\\\x0aevil{a=\\\"\\\\\",family=\"ipv4\"}"));
}

}  // namespace status_metrics_test
}  // namespace multilink
