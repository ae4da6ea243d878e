// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "services/health_service_fixture.hpp"

namespace multilink {
namespace health_service_test {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

TEST_F(HealthServiceTest, PublishesWhatItKnowsOfAnUplinkThatAnswers) {
  start_both();
  for (const std::string name : {"eth0", "eth1"}) {
    EXPECT_EQ(status(name), "TRUE");
    EXPECT_EQ(text(keys_.status(name, Family::v4)), "TRUE");
    EXPECT_EQ(text(keys_.status(name, Family::v6)), "FALSE");
    const auto record = health(name);
    EXPECT_EQ(record.device, name);
    EXPECT_EQ(record.boot, kBoot);
    EXPECT_EQ(record.families.at(Family::v4).state, HealthState::up);
    EXPECT_EQ(record.families.at(Family::v4).rtt, 20ms);
    EXPECT_EQ(record.families.at(Family::v4).loss, 0);
    EXPECT_EQ(record.families.at(Family::v4).reason, "first answer: 192.0.2.1 in 20 ms");
    EXPECT_EQ(record.families.at(Family::v6).state, HealthState::down);
    EXPECT_EQ(record.families.at(Family::v6).reason, "no IPv6 address");
    for (const auto& event : events(name))
      EXPECT_EQ(event.family, Family::v4) << "a network without IPv6 is no news";
  }
  const auto listed = as_scored(redis_.execute({"ZRANGE", keys_.uplinks(), "0", "-1", "WITHSCORES"}));
  EXPECT_EQ(*listed, (std::vector<std::pair<std::string, double>>{{"eth0", 1}, {"eth1", 2}}));
  EXPECT_TRUE(supervisor_.is_ready);
  EXPECT_EQ(supervisor_.statuses.back(), "eth0 up, eth1 up");
}

TEST_F(HealthServiceTest, RecordsEachTransitionAsAnEvent) {
  start_both();
  const auto first = events("eth0");
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].from, "unknown");
  EXPECT_EQ(first[0].to, "up");
  EXPECT_EQ(first[0].source, "healthd");
  EXPECT_EQ(first[0].kind, "health");
  EXPECT_EQ(first[0].id, v4("eth0").event);
  pingd_.link("eth0").is_dead = true;
  run(20s);
  const auto all = events("eth0");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].from, "up");
  EXPECT_EQ(all[1].to, "suspect");
  EXPECT_THAT(all[1].reason, HasSubstr("no answer from any target for 2 s")) << "this pingd sends no bursts";
  ASSERT_TRUE(all[1].took.has_value());
  EXPECT_THAT(*all[1].took, AllOf(Ge(Duration(2s)), Le(Duration(3200ms))));
  EXPECT_EQ(all[2].from, "suspect");
  EXPECT_EQ(all[2].to, "down");
  EXPECT_EQ(all[2].reason, v4("eth0").reason);
}

TEST_F(HealthServiceTest, ADeadLinkIsFalseWithinSecondsAndTrueAgainAfterUpAfter) {
  start_both();
  run(60s);
  pingd_.link("eth0").is_dead = true;
  EXPECT_LE(time_until("eth0", "FALSE", 60s), 6s) << "by the regular probes alone";
  run(10min);
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_EQ(status("eth1"), "TRUE");
  pingd_.link("eth0").is_dead = false;
  EXPECT_THAT(time_until("eth0", "TRUE", 60s), AllOf(Ge(Duration(9s)), Le(Duration(12s))));
}

TEST_F(HealthServiceTest, ALostHintCostsASweepAndNothingElse) {
  start_both();
  run(60s);
  redis_.lose_hints(true);
  pingd_.link("eth0").is_dead = true;
  EXPECT_LE(time_until("eth0", "FALSE", 60s), 16s);
  pingd_.link("eth0").is_dead = false;
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 13s);
}

TEST_F(HealthServiceTest, TellsReadersOfEachChangeAndOfNothingElse) {
  start_both();
  fakes::FakeStore reader(scheduler_, redis_);
  std::vector<std::string> told;
  reader.start({keys_.status_channel()},
               {{}, {}, [&](std::string_view, std::string_view payload) { told.emplace_back(payload); }});
  run(5min);
  EXPECT_THAT(told, ElementsAre()) << "figures are no news";
  pingd_.set_fact("eth1", Family::v4, LinkFact::no_carrier);
  run(1s);
  EXPECT_THAT(told, ElementsAre("eth1"));
}

TEST_F(HealthServiceTest, AFactIsDownAtOnceAndItsEndAsksForUpAfter) {
  start_both();
  pingd_.set_fact("eth0", Family::v4, LinkFact::no_carrier);
  scheduler_.settle();
  EXPECT_EQ(status("eth0"), "FALSE");
  EXPECT_EQ(v4("eth0").reason, "no carrier");
  run(10min);
  EXPECT_EQ(v4("eth0").state, HealthState::down) << "a standing fact is a report";
  pingd_.set_fact("eth0", Family::v4, LinkFact::ok);
  scheduler_.settle();
  EXPECT_THAT(v4("eth0").reason, HasSubstr("the carrier is back"));
  EXPECT_THAT(time_until("eth0", "TRUE", 60s), AllOf(Ge(Duration(10s)), Le(Duration(12s))));
}

TEST_F(HealthServiceTest, AnUplinkThatIsUpForIpv6AloneIsTrue) {
  pingd_.link("eth0").facts = {{Family::v4, LinkFact::no_gateway}, {Family::v6, LinkFact::ok}};
  start_both();
  EXPECT_EQ(status("eth0"), "TRUE");
  EXPECT_EQ(text(keys_.status("eth0", Family::v4)), "FALSE");
  EXPECT_EQ(text(keys_.status("eth0", Family::v6)), "TRUE");
}

TEST_F(HealthServiceTest, UnknownAndFalseWhenPingdDiesAndUpAtTheFirstAnswerOfTheNext) {
  start_both();
  pingd_.die();
  EXPECT_LE(time_until("eth0", "FALSE", 60s), 7s + 100ms);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
  EXPECT_THAT(v4("eth0").reason, HasSubstr("pingd's reports stopped"));
  run(10min);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
  pingd_.start();
  EXPECT_LE(time_until("eth0", "TRUE", 60s), 100ms);
}

TEST_F(HealthServiceTest, TheFactsOfADeadPingdAreNotBelieved) {
  start_both();
  pingd_.set_fact("eth0", Family::v4, LinkFact::no_carrier);
  pingd_.die();
  run(15s);
  EXPECT_EQ(v4("eth0").state, HealthState::down);
  run(15s);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
}

TEST_F(HealthServiceTest, ALateAnswerTakesItsLossBackWheneverItComes) {
  start_both();
  run(60s);
  std::vector<ProbeRecord> lost;
  for (int i = 0; i < 12; ++i) {
    lost.push_back(pingd_.probe(Family::v4, Outcome::lost));
    pingd_.write("eth0", lost.back());
    run(10ms);
  }
  run(20s);
  EXPECT_NEAR(v4("eth0").loss, 12.0 / 72, 0.01);
  for (const auto& probe : lost) pingd_.correct("eth0", probe, 20s);
  run(HealthService::kClosely * HealthService::kSweep + 2s);
  EXPECT_EQ(v4("eth0").loss, 0);
}

TEST_F(HealthServiceTest, BelievesNothingOfAnotherBoot) {
  PretendedPingd before(scheduler_, redis_, "ffff0000");
  before.link("eth0");
  before.set_fact("eth0", Family::v4, LinkFact::no_carrier);
  before.start();
  start_healthd();
  run(1min);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
  EXPECT_EQ(v4("eth0").reason, "no probe has settled yet");
}

TEST_F(HealthServiceTest, RefusesProbesFromTheFuture) {
  start_healthd();
  auto probe = pingd_.probe(Family::v4, Outcome::answered);
  probe.sent += 1h;
  pingd_.write("eth0", probe);
  run(10s);
  EXPECT_EQ(v4("eth0").state, HealthState::unknown);
  EXPECT_EQ(log_.count("from the future", LogLevel::warning), 1U);
}

TEST_F(HealthServiceTest, SaysThatItLivesUntilItIsStopped) {
  start_both();
  run(5min);
  const auto self =
      as_fields(redis_.execute({"HGETALL", keys_.daemon("healthd")})).and_then([](const Fields& fields) {
        return DaemonRecord::decode(fields);
      });
  ASSERT_TRUE(self.has_value());
  EXPECT_EQ(self->pid, 4711);
  service_->stop();
  run(Heartbeat::kAfterlife + 1s);
  EXPECT_FALSE(exists(keys_.daemon("healthd")));
  EXPECT_EQ(status("eth0"), "TRUE") << "the last good state stays";
}

TEST_F(HealthServiceTest, KeepsTheFiguresFresh) {
  start_both();
  run(60s);
  EXPECT_EQ(v4("eth0").probes, 60U);
  pingd_.link("eth0").is_dead = true;
  run(3s);
  pingd_.link("eth0").is_dead = false;
  run(10s);
  EXPECT_NEAR(v4("eth0").loss, 0.05, 0.001);
}

}  // namespace health_service_test
}  // namespace multilink
