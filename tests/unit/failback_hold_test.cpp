// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/failback_hold.hpp"

#include <gmock/gmock.h>

namespace multilink {
namespace failback_hold_test {

using testing::ElementsAre;
using testing::IsEmpty;

class FailbackHoldTest : public testing::Test {
 protected:
  FailbackHoldTest() {
    for (const auto device : {"eth0", "eth1", "wwan0"}) {
      auto& uplink = config_.uplinks.emplace_back();
      uplink.device = uplink.name = device;
      uplink.failback = Failback::manual;
    }
  }
  void see(const FailbackHold::Devices& carriers) { hold_.see(config_, Family::v4, carriers); }
  FailbackHold::Devices held(Family family = Family::v4) {
    const auto found = hold_.held().find(family);
    return found == hold_.held().end() ? FailbackHold::Devices{} : found->second;
  }

  Config config_;
  FailbackHold hold_;
};

TEST_F(FailbackHoldTest, WhoHasLeftWaits) {
  see({"eth0"});
  EXPECT_THAT(held(), IsEmpty());
  see({"eth1"});
  EXPECT_THAT(held(), ElementsAre("eth0"));
  see({"eth1"});
  EXPECT_THAT(held(), ElementsAre("eth0"));
  EXPECT_THAT(held(Family::v6), IsEmpty());
}

TEST_F(FailbackHoldTest, WhoCarriesAgainWaitsNoLonger) {
  see({"eth0"});
  see({"eth1"});
  see({"eth0"});
  EXPECT_THAT(held(), ElementsAre("eth1"));
}

TEST_F(FailbackHoldTest, WhoHasNotCarriedYetDoesNotWait) {
  see({"wwan0"});
  EXPECT_THAT(held(), IsEmpty());
}

TEST_F(FailbackHoldTest, OnlyManualOnesWait) {
  config_.uplinks[0].failback = Failback::graceful;
  see({"eth0"});
  see({"eth1"});
  EXPECT_THAT(held(), IsEmpty());
}

TEST_F(FailbackHoldTest, AReleasedOneWaitsAgainOnlyAfterItHasCarried) {
  see({"eth0"});
  see({"eth1"});
  hold_.release();
  see({"eth1"});
  EXPECT_THAT(held(), IsEmpty());
  see({"eth0"});
  see({"eth1"});
  EXPECT_THAT(held(), ElementsAre("eth0"));
}

TEST_F(FailbackHoldTest, ASettingThatHasChangedCounts) {
  see({"eth0"});
  see({"eth1"});
  config_.uplinks[0].failback = Failback::flush;
  see({"eth1"});
  EXPECT_THAT(held(), IsEmpty());
}

TEST_F(FailbackHoldTest, AfterAStartAllWaitBehindWhatIsInForce) {
  config_.uplinks[2].failback = Failback::graceful;
  hold_.adopt(config_, Family::v4, {"eth1"});
  EXPECT_THAT(held(), ElementsAre("eth0"));
}

TEST_F(FailbackHoldTest, AfterAStartWithNothingInForceNobodyWaits) {
  hold_.adopt(config_, Family::v4, {});
  EXPECT_THAT(held(), IsEmpty());
}

}  // namespace failback_hold_test
}  // namespace multilink
