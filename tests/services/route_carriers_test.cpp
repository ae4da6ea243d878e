// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_service.hpp"

#include <cerrno>

#include "services/route_service_fixture.hpp"

namespace multilink {
namespace {

using fakes::address;
using fakes::default_via;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(RouteServiceTest, TheLastUplinkIsDisabledSoTheDefaultIsWithdrawnAndThatIsSaid) {
  start_with_both_up();
  kernel_.set_carrier("eth1", false);
  config_.uplinks[0].enabled = false;
  reload();
  scheduler_.advance(minutes(1));
  EXPECT_EQ(owned_default(kernel_.read().value(), Family::v4, {}), nullptr);
  EXPECT_THAT(active(), IsEmpty());
  EXPECT_EQ(log_.count("no uplink that is enabled can carry", LogLevel::warning), 1U);
  config_.uplinks[0].enabled = true;
  reload();
  EXPECT_THAT(active(), ElementsAre("eth0"));
}

TEST_F(RouteServiceTest, ATierSharesAndTellsItsShares) {
  config_.uplinks = {fakes::uplink("eth0", 1, 3), fakes::uplink("eth1", 1, 1)};
  start_with_both_up();
  const auto shares = routing().families.at(Family::v4).active;
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_EQ(shares[0].weight, 3U);
  EXPECT_EQ(shares[1].weight, 1U);
  say("eth1", HealthState::suspect, "silent");
  scheduler_.settle();
  EXPECT_THAT(active(), ElementsAre("eth0"));
  EXPECT_EQ(events().back().from, "eth0, eth1");
}

}  // namespace
}  // namespace multilink
