// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel refuses what routed asks of it.
#include "multilink/services/route_service.hpp"

#include <cerrno>

#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_failures_test {

using fakes::address;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using RouteFailures = RouteServiceTest;

TEST_F(RouteFailures, AFailedOperationIsToldAndTriedAgainMoreAndMoreSeldom) {
  start_with_both_up();
  kernel_.fail_applies(EPERM, 1'000'000);
  say("eth0", HealthState::down);
  scheduler_.advance(milliseconds(10));
  EXPECT_EQ(carrier(), "eth0") << "what was to be superseded stays";
  EXPECT_THAT(routing().sync, HasSubstr("cannot do 'ip route prepend default via 198.51.100.1 dev eth1"));
  EXPECT_THAT(active(), ElementsAre("eth0")) << "read back, not hoped for";
  scheduler_.advance(minutes(1));
  constexpr unsigned kOperations = 5;  // the default, and the address that gives way
  EXPECT_LT(kernel_.applied().size(), 25 * kOperations);
  EXPECT_GT(kernel_.applied().size(), 10 * kOperations);
  EXPECT_EQ(log_.count("cannot do", LogLevel::error), 1U);
  kernel_.fail_applies(0, 0);
  scheduler_.advance(RouteService::kLastRetry);
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_EQ(routing().sync, "in_sync");
}

TEST_F(RouteFailures, AGatewayThatTheKernelRefusesCutsNeitherTheUplinksOwnNorTheHostOff) {
  config_.uplinks[0].gateways[Family::v4] = address("203.0.113.77");
  say("eth0", HealthState::up);
  say("eth1", HealthState::up);
  start();
  scheduler_.advance(seconds(2));
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 1021 from 192.0.2.2 lookup 7001")));
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("pref 1041 from 192.0.2.2"))));
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("pref 1051 from 192.0.2.2"))));
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 1051 from 198.51.100.2")));
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 1020 fwmark 0x1000000/0x3f000000 lookup 7001")));
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("pref 1040 fwmark 0x1000000/0x3f000000"))));
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("pref 1050 fwmark 0x1000000/0x3f000000"))));
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 1050 fwmark 0x2000000/0x3f000000")));
  say("eth0", HealthState::down);
  scheduler_.settle();
  ASSERT_EQ(carrier(), "eth1");
  kernel_.set_carrier("eth1", false);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0") << "by the host's own default, which works";
  EXPECT_THAT(routing().sync, HasSubstr("cannot do 'ip route prepend default via 203.0.113.77 dev eth0"));
  EXPECT_EQ(owned_default(kernel_.read().value(), Family::v4, {}), nullptr);
  kernel_.set_carrier("eth1", true);
  say("eth1", HealthState::up);
  scheduler_.advance(seconds(1));
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(RouteFailures, OneFailureDoesNotHoldUpTheOthers) {
  start_with_both_up();
  const auto before = owned();
  delete_everything_owned();
  kernel_.fail_applies(ENOMEM, 1);
  scheduler_.settle();
  EXPECT_EQ(kernel_.applied().size(), before.size() + 1) << "each once, the failed one twice";
  EXPECT_EQ(owned(), before);
}

TEST_F(RouteFailures, AKernelThatCannotBeReadIsAskedAgain) {
  kernel_.fail_reads(ENOBUFS, 3);
  say("eth0", HealthState::up);
  start();
  EXPECT_FALSE(routed_->supervisor.is_ready);
  scheduler_.advance(seconds(2));
  EXPECT_TRUE(routed_->supervisor.is_ready);
  EXPECT_EQ(carrier(), "eth0");
}

}  // namespace route_failures_test
}  // namespace multilink
