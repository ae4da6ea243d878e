// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_actions.hpp"

#include <cerrno>

#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_actions_test {

using fakes::default_via;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class RouteActions : public RouteServiceTest {
 protected:
  HealthRecords take_snapshot(Duration patience = seconds(1)) {
    HealthRecords out;
    bool done = false;
    fakes::FakeStore store(scheduler_, redis_);
    const HealthSnapshot snapshot(scheduler_, store, log_, config_, patience,
                                  [&](const HealthRecords& records) {
                                    EXPECT_FALSE(done);
                                    done = true;
                                    out = records;
                                  });
    scheduler_.advance(patience);
    EXPECT_TRUE(done);
    return out;
  }
  std::vector<std::string> preview(const HealthRecords& health) {
    return preview_routes(kernel_, filter_, config_, leases_.read(), health, "0123abcd", {}).value();
  }
};

TEST_F(RouteActions, TheSnapshotHoldsWhatHealthdSaid) {
  say("eth0", HealthState::up);
  redis_.execute({"SET", keys_.health("eth1"), "garbage"});
  const auto health = take_snapshot();
  ASSERT_EQ(health.size(), 1U);
  EXPECT_EQ(health.at("eth0").families.at(Family::v4).state, HealthState::up);
}

TEST_F(RouteActions, WithoutRedisTheSnapshotIsEmptyInTime) {
  say("eth0", HealthState::up);
  redis_.freeze();
  EXPECT_THAT(take_snapshot(), IsEmpty());
}

TEST_F(RouteActions, ThePlanIsWhatTheServiceThenDoes) {
  for (const auto* name : {"eth0", "eth1"}) say(name, HealthState::up);
  const auto planned = preview(take_snapshot());
  EXPECT_EQ(planned.front(), "ip route prepend default via 192.0.2.1 dev eth0 proto 109 metric 3");
  EXPECT_THAT(owned(), IsEmpty());
  start_with_both_up();
  const auto nft = std::find(planned.begin(), planned.end(), "nft -f - << END");
  ASSERT_NE(nft, planned.end());
  EXPECT_EQ(planned.back(), "END");
  EXPECT_THAT(std::vector(nft, planned.end()), testing::Contains("table inet multilink {"));
  std::vector sorted(planned.begin(), nft);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(owned(), sorted);
  EXPECT_THAT(preview(take_snapshot()), ElementsAre("nothing to change"));
}

TEST_F(RouteActions, ThePlanSaysWhoseHealthIsUnknown) {
  start_with_both_up();
  EXPECT_THAT(preview({}),
              ElementsAre(StartsWith("# the health of eth0 in IPv4 is unknown"),
                          StartsWith("# the health of eth1 in IPv4 is unknown"), "nothing to change"));
}

TEST_F(RouteActions, ThePlanBelievesNoRecordOfAnotherBoot) {
  boot_ = "00000000";
  for (const auto* name : {"eth0", "eth1"}) say(name, HealthState::up);
  EXPECT_THAT(preview(take_snapshot()),
              testing::Contains(StartsWith("# the health of eth0 in IPv4 is unknown")));
}

TEST_F(RouteActions, AKernelThatCannotBeReadIsAnError) {
  kernel_.fail_reads(EPERM);
  EXPECT_EQ(preview_routes(kernel_, filter_, config_, {}, {}, "0123abcd", {}).error().code, EPERM);
  kernel_.fail_reads(EPERM);
  EXPECT_EQ(clear_routes(kernel_, filter_, {}).error().code, EPERM);
}

TEST_F(RouteActions, ClearLeavesTheHostAsItWasAlsoAfterACrash) {
  auto before = kernel_.read().value();
  start_with_both_up();
  kill();
  Route stray = default_via(kernel_, "198.51.100.1", "eth1", 7);
  stray.protocol = RoutingNumbers{}.protocol;
  stray.table = 7009;
  ASSERT_TRUE(kernel_.add_route(stray));
  const auto removed = clear_routes(kernel_, filter_, {});
  ASSERT_TRUE(removed);
  EXPECT_THAT(*removed, Each(HasSubstr(" del")));
  EXPECT_EQ(removed->back(), "nft delete table inet multilink");
  EXPECT_FALSE(filter_.table());
  EXPECT_EQ(kernel_.read().value(), before);
  EXPECT_EQ(carrier(), "eth0") << "by its own default";
  EXPECT_THAT(clear_routes(kernel_, filter_, {}).value(), IsEmpty());
}

TEST_F(RouteActions, ClearRemovesAlsoWhatPassesADefaultOfOthers) {
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.1", "eth1")));
  const auto before = kernel_.read().value();
  start_with_both_up();
  ASSERT_THAT(owned(), testing::Contains(HasSubstr("lookup 7000")));
  ASSERT_EQ(routing().families.at(Family::v4).active.front().uplink, "eth0");
  kill();
  ASSERT_TRUE(clear_routes(kernel_, filter_, {}));
  EXPECT_EQ(kernel_.read().value(), before);
}

TEST_F(RouteActions, ClearRemovesWhatItCanAndNamesWhatItCannot) {
  start_with_both_up();
  const auto before = owned().size();
  kill();
  kernel_.fail_applies(EPERM, 1);
  const auto removed = clear_routes(kernel_, filter_, {});
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, StartsWith("cannot do 'ip route del"));
  EXPECT_EQ(removed.error().code, EPERM);
  EXPECT_EQ(owned().size(), 1U);
  EXPECT_GT(before, 1U);
}

}  // namespace route_actions_test
}  // namespace multilink
