// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_service.hpp"

#include <cerrno>

#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_carriers_test {

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

TEST_F(RouteServiceTest, ARouteThatKeepsAPartOfTheInternetOnOneUplinkIsToldOnce) {
  start_with_both_up();
  Route theirs = fakes::default_via(kernel_, "192.0.2.1", "eth0");
  theirs.destination = fakes::prefix("198.18.7.0/24");
  ASSERT_TRUE(kernel_.add_route(theirs));
  scheduler_.settle();
  kernel_.set_carrier("eth1", false);
  kernel_.set_carrier("eth1", true);
  scheduler_.advance(std::chrono::minutes(1));
  const std::string words = "198.18.7.0/24 does not fail over: a route in main keeps it on eth0";
  EXPECT_EQ(log_.count(words, LogLevel::warning), 1U);
  EXPECT_THAT(routing().warnings, testing::ElementsAre(testing::HasSubstr(words)));
  ASSERT_TRUE(kernel_.delete_route(theirs));
  scheduler_.advance(std::chrono::seconds(10));
  EXPECT_THAT(routing().warnings, testing::IsEmpty());
}

}  // namespace route_carriers_test
}  // namespace multilink
