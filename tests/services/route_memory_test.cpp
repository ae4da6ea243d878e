// SPDX-License-Identifier: GPL-2.0-or-later
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_memory_test {

/// routed acts on a word of healthd before it has read the kernel again.
class RouteMemoryTest : public RouteServiceTest {
 protected:
  /// What happens in the kernel meanwhile is not told to routed.
  void behind_its_back(const std::function<void()>& change) {
    auto listener = std::exchange(on_change_, {});
    change();
    scheduler_.settle();
    on_change_ = std::move(listener);
  }
};

TEST_F(RouteMemoryTest, ASwitchDoesNotWaitForAReadOfTheKernelAndIsReadBack) {
  start_with_both_up();
  const auto before = kernel_.reads();
  has_applied_ = false;
  say("eth0", HealthState::suspect);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
  ASSERT_TRUE(has_applied_);
  EXPECT_EQ(reads_before_apply_, before);
  EXPECT_GT(kernel_.reads(), before);
}

TEST_F(RouteMemoryTest, WhatWasOverlookedIsPutRightAtOnce) {
  start_with_both_up();
  const auto state = kernel_.read().value();
  behind_its_back([&] {
    for (const auto& route : state.routes) {
      if (route.protocol == RoutingNumbers{}.protocol && route.table != kMainTable) {
        ASSERT_TRUE(kernel_.delete_route(route));
      }
    }
  });
  say("eth0", HealthState::suspect);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
  const auto healed = owned();
  kill();
  start();
  EXPECT_EQ(owned(), healed) << "nothing was left to do";
  EXPECT_GT(std::count_if(healed.begin(), healed.end(),
                          [](const auto& line) { return line.find("table 70") != line.npos; }),
            2);
}

TEST_F(RouteMemoryTest, TheTrafficDoesNotGoWhereADeviceHasGone) {
  start_with_both_up();
  behind_its_back([&] { kernel_.remove_link("eth1"); });
  say("eth0", HealthState::suspect);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0") << "the least bad";
  EXPECT_EQ(log_.count("cannot do"), 0U);
}

TEST_F(RouteMemoryTest, WhatFollowsFromNoNewsIsReadFirst) {
  start_with_both_up();
  behind_its_back([&] { delete_everything_owned(); });
  say("eth1", HealthState::suspect);  // moves nothing as far as is remembered
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_FALSE(owned().empty());
}

TEST_F(RouteMemoryTest, AfterAFailedReadNothingIsTakenFromMemory) {
  start_with_both_up();
  kernel_.fail_reads(ENOBUFS, 1);
  kernel_.set_carrier("eth1", false);
  scheduler_.settle();
  say("eth0", HealthState::suspect);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0") << "eth1 has no carrier";
}

}  // namespace route_memory_test
}  // namespace multilink
