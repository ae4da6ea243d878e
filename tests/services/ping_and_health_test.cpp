// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "multilink/services/health_service.hpp"
#include "services/ping_service_fixture.hpp"

namespace multilink {
namespace ping_and_health_test {

using namespace std::chrono_literals;

/// pingd and healthd as they are, each with its own connection to one Redis, on simulated links.
class PingAndHealthTest : public PingServiceTest {
 protected:
  void start_both() {
    start();
    start_healthd();
    scheduler_.advance(30s);
  }
  void start_healthd() {
    health_ = std::make_unique<HealthService>(
        HealthService::Parts{scheduler_, health_store_, health_supervisor_, log_}, config_, "0123abcd",
        DaemonRecord{43, "1.2.3", {}, {}});
    health_->start();
    scheduler_.settle();
  }
  std::string status(const std::string& name) {
    return as_string(redis_.execute({"GET", keys_.status(name)})).value_or("-");
  }
  HealthRecord::PerFamily v4(const std::string& name) {
    const auto fields = as_fields(redis_.execute({"HGETALL", keys_.health(name)})).value();
    return HealthRecord::decode(fields).value().families.at(Family::v4);
  }
  Duration time_until(const std::string& name, const std::string& wanted) {
    Duration passed{};
    for (; status(name) != wanted && passed < 60s; passed += 50ms) scheduler_.advance(50ms);
    return passed;
  }

  fakes::FakeStore health_store_{scheduler_, redis_};
  fakes::FakeSupervisor health_supervisor_;
  std::unique_ptr<HealthService> health_;
};

TEST_F(PingAndHealthTest, LinksThatAnswerAreUp) {
  start_both();
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(status("eth1"), "TRUE");
  EXPECT_EQ(health_supervisor_.statuses.back(), "eth0 up, eth1 up");
  EXPECT_EQ(log_.count("", LogLevel::warning), 0U);
}

TEST_F(PingAndHealthTest, ASilentLinkIsFalseWithinFifteenSecondsAndBackWithinTwelve) {
  start_both();
  scheduler_.advance(60s);
  silence("eth0");
  EXPECT_LE(time_until("eth0", "FALSE"), 15s);
  EXPECT_EQ(status("eth1"), "TRUE");
  scheduler_.advance(10min);
  silence("eth0", false);
  EXPECT_LE(time_until("eth0", "TRUE"), 12s);
}

TEST_F(PingAndHealthTest, ASuspectOfTheFirstMinutesAfterTheBootIsUnderstood) {
  start_both();
  silence("eth0");
  scheduler_.advance(2s);
  const auto seen = v4("eth0");
  EXPECT_EQ(seen.state, HealthState::suspect);
  ASSERT_TRUE(seen.forgiven.has_value());
  EXPECT_LT(*seen.forgiven, MonoTime{}) << "before the boot";
}

TEST_F(PingAndHealthTest, ALostCarrierIsFalseAtOnce) {
  start_both();
  kernel_.set_carrier("eth0", false);
  EXPECT_LE(time_until("eth0", "FALSE"), 50ms);
  EXPECT_EQ(v4("eth0").reason, "no carrier");
  scheduler_.advance(10min);
  EXPECT_EQ(v4("eth0").state, HealthState::down);
  kernel_.set_carrier("eth0", true);
  EXPECT_LE(time_until("eth0", "TRUE"), 12s);
}

TEST_F(PingAndHealthTest, NeitherStepsOfTheWallClockNorAShortAbsenceOfRedisChangeAnything) {
  start_both();
  const auto before = v4("eth0");
  for (const auto step : {1h, -2h, 1h}) {
    scheduler_.advance(20s);
    scheduler_.step_wall(step);
    scheduler_.advance(20s);
    redis_.stop();
    redis_.lose_data();
    scheduler_.advance(20s);
    redis_.start();
    scheduler_.advance(1s);
    EXPECT_EQ(status("eth0"), "TRUE");
  }
  EXPECT_EQ(v4("eth0").since, before.since);
  EXPECT_EQ(v4("eth0").event, before.event);
}

TEST_F(PingAndHealthTest, TenMinutesOfCalmAreOneEventALink) {
  start_both();
  scheduler_.advance(10min);
  const auto all = stored_events();
  const auto changes = std::ranges::count_if(
      all, [](const EventRecord& event) { return event.kind == "health" && event.family == Family::v4; });
  EXPECT_EQ(changes, 2);
}

}  // namespace ping_and_health_test
}  // namespace multilink
