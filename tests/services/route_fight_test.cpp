// SPDX-License-Identifier: GPL-2.0-or-later
// Somebody undoes what routed does, again and again.
#include "multilink/services/route_service.hpp"
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_fight_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

class RouteFight : public RouteServiceTest {
 protected:
  const Route* ours_over_eth0(const KernelState& state) {
    const Route* ours = owned_default(state, Family::v4, {});
    return ours != nullptr && ours->next_hops.front().link_index == kernel_.link("eth0").index ? ours
                                                                                               : nullptr;
  }
};

TEST_F(RouteFight, AFightIsFoughtCalmlyAndDoesNotHoldUpASwitch) {
  start_with_both_up();
  const auto routed = on_change_;
  unsigned fought = 0;
  on_change_ = [&, routed](const KernelChange& change) {
    const auto state = kernel_.read().value();
    if (const Route* ours = ours_over_eth0(state); ours != nullptr) {
      ++fought;
      (void)kernel_.delete_route(*ours);
    }
    routed(change);
  };
  delete_everything_owned();
  scheduler_.advance(seconds(10));
  EXPECT_GT(fought, RepairGuard::kMostRepairs);
  EXPECT_LT(fought, 12 * RepairGuard::kMostRepairs);
  EXPECT_GE(log_.count("another program keeps changing", LogLevel::warning), 1U);
  EXPECT_LE(log_.count("another program keeps changing", LogLevel::warning), 2U);
  say("eth0", HealthState::down);
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("default via 198.51.100.1 dev eth1 proto 109 metric 3")));
  on_change_ = routed;
}

TEST_F(RouteFight, WhoeverLeadsTheDefaultElsewhereIsFollowedAFewTimesASecondOnly) {
  start_with_both_up();
  const auto routed = on_change_;
  unsigned fought = 0;
  on_change_ = [&, routed](const KernelChange& change) {
    const auto state = kernel_.read().value();
    if (const Route* ours = ours_over_eth0(state); ours != nullptr) {
      ++fought;
      Route theirs = *ours;
      theirs.next_hops = {{kernel_.link("eth1").index, fakes::address("198.51.100.1"), 1}};
      (void)kernel_.add_route(theirs, fakes::AddMode::prepend);
      (void)kernel_.delete_route(*ours);
    }
    routed(change);
  };
  delete_everything_owned();
  scheduler_.advance(seconds(10));
  EXPECT_GE(fought, 10 * RepairGuard::kMostMovesBack);
  EXPECT_LE(fought, 12 * RepairGuard::kMostMovesBack);
  EXPECT_GE(log_.count("another program keeps changing", LogLevel::warning), 1U);
  EXPECT_LE(log_.count("another program keeps changing", LogLevel::warning), 2U);
  on_change_ = routed;
  scheduler_.advance(seconds(1));
  EXPECT_EQ(carrier(), "eth0");
  for (int i = 0; i < 10; ++i) {
    say("eth0", HealthState::down);
    scheduler_.settle();
    EXPECT_EQ(carrier(), "eth1") << "what is decided here is never delayed";
    say("eth0", HealthState::up);
    scheduler_.settle();
    EXPECT_EQ(carrier(), "eth0");
  }
}

TEST_F(RouteFight, WhoeverDeletesARuleUntilItIsGoneComesToAnEnd) {
  start_with_both_up();
  const auto before = owned();
  const auto routed = on_change_;
  unsigned deleted = 0;
  on_change_ = [&, routed](const KernelChange& change) {
    const auto rules = kernel_.read().value().rules;
    for (const auto& rule : rules) {
      if (rule.protocol != RoutingNumbers{}.protocol || rule.table != kMainTable) continue;
      ++deleted;
      (void)kernel_.delete_rule(rule);
      break;
    }
    routed(change);
  };
  delete_everything_owned();
  scheduler_.advance(milliseconds(900));
  EXPECT_LE(deleted, 4 * (RepairGuard::kMostAlike + 2)) << "four rules look alike";
  EXPECT_GE(deleted, RepairGuard::kMostAlike);
  EXPECT_EQ(log_.count("deletes again and again what 'ip rule add pref 103", LogLevel::warning), 1U);
  EXPECT_EQ(carrier(), "eth0");
  say("eth0", HealthState::down);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1") << "what is decided here is never delayed";
  say("eth0", HealthState::up);
  scheduler_.settle();
  on_change_ = routed;
  scheduler_.advance(RepairGuard::kYield);
  EXPECT_EQ(owned(), before);
}

}  // namespace route_fight_test
}  // namespace multilink
