// SPDX-License-Identifier: GPL-2.0-or-later
#include "seeded.hpp"
#include "services/ping_service_fixture.hpp"

namespace multilink {
namespace ping_service_redis_test {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// pingd and a Redis that comes, goes, is full or holds garbage.
using PingServiceRedisTest = PingServiceTest;

TEST_F(PingServiceRedisTest, ProbesOfAShortAbsenceAreWrittenLater) {
  start();
  scheduler_.advance(milliseconds(10'500));
  redis_.stop();
  scheduler_.advance(seconds(60));
  redis_.start();
  scheduler_.advance(seconds(5));
  EXPECT_EQ(stored("eth0").size(), prober_.sent().size() / 2);
}

TEST_F(PingServiceRedisTest, OfALongAbsenceTheLastTwoMinutesAreWritten) {
  redis_.stop();
  start();
  scheduler_.advance(hours(1));
  const MonoTime back = scheduler_.now().mono;
  redis_.start();
  scheduler_.advance(seconds(2));
  const auto records = stored("eth0");
  EXPECT_GE(records.size(), 120U);
  EXPECT_LE(records.size(), 123U);
  EXPECT_GE(records.front().sent, back - ProbeReporter::kKept - seconds(1));
}

TEST_F(PingServiceRedisTest, FactsAreWrittenAgainWhenRedisHasLostThem) {
  start();
  scheduler_.advance(seconds(1));
  redis_.stop();
  redis_.lose_data();
  scheduler_.advance(seconds(1));
  redis_.start();
  scheduler_.advance(seconds(1));
  EXPECT_EQ(stored_link("eth0").families.at(Family::v4).fact, LinkFact::ok);
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).fact, LinkFact::ok);
}

TEST_F(PingServiceRedisTest, TheFactsTellWhenTheyWereWritten) {
  start();
  scheduler_.advance(seconds(1));
  const auto first = stored_link("eth0").written;
  scheduler_.advance(seconds(6));
  EXPECT_GT(stored_link("eth0").written, first);
  EXPECT_LE(stored_link("eth0").written, scheduler_.now().mono);
}

TEST_F(PingServiceRedisTest, AChangeWhileRedisIsAwayIsTold) {
  start();
  scheduler_.advance(seconds(1));
  redis_.stop();
  scheduler_.settle();
  kernel_.set_carrier("eth1", false);
  scheduler_.advance(seconds(5));
  redis_.start();
  scheduler_.advance(seconds(1));
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).fact, LinkFact::no_carrier);
  EXPECT_EQ(stored_events().size(), 1U);
}

TEST_F(PingServiceRedisTest, AFullRedisIsLoggedOnceAndWrittenToWhenItHasRoom) {
  start();
  scheduler_.advance(milliseconds(5500));
  redis_.refuse_writes(true);
  kernel_.set_carrier("eth1", false);
  scheduler_.advance(seconds(30));
  redis_.refuse_writes(false);
  scheduler_.advance(seconds(5));
  EXPECT_EQ(log_.count("Redis refuses what pingd writes", LogLevel::error), 1U);
  EXPECT_EQ(log_.count("Redis takes what pingd writes again"), 1U);
  EXPECT_EQ(stored("eth0").size(), sent_through("eth0").size());
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).fact, LinkFact::no_carrier);
  EXPECT_EQ(stored_events().size(), 1U);
}

TEST_F(PingServiceRedisTest, AKeyOfAnotherTypeIsReplaced) {
  redis_.execute({"SET", keys_.probes("eth0"), "garbage"});
  redis_.execute({"SET", keys_.link("eth1"), "garbage"});
  start();
  scheduler_.advance(milliseconds(10'500));
  EXPECT_EQ(stored("eth0").size(), 11U);
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).fact, LinkFact::ok);
  EXPECT_GE(log_.count("WRONGTYPE"), 1U);
}

TEST_F(PingServiceRedisTest, WhatOthersWriteIntoTheFactsDoesNotLast) {
  start();
  scheduler_.advance(seconds(1));
  const auto fields = [&] {
    auto all = as_fields(redis_.execute({"HGETALL", keys_.link("eth0")})).value();
    all.erase("written_ns");
    return all;
  };
  const auto before = fields();
  redis_.execute({"HSET", keys_.link("eth0"), "4.fact", "no_carrier", "stranger", std::string(200'000, 'x')});
  scheduler_.advance(seconds(6));
  EXPECT_EQ(fields(), before);
  redis_.execute({"SET", keys_.link("eth0"), "garbage"});
  scheduler_.advance(seconds(6));
  EXPECT_EQ(fields(), before);
  redis_.execute({"DEL", keys_.link("eth0")});
  scheduler_.advance(seconds(6));
  EXPECT_EQ(fields(), before);
}

TEST_F(PingServiceRedisTest, TheFactsAreNeverMissingWhileTheyAreWrittenAnew) {
  start();
  scheduler_.advance(seconds(1));
  fakes::FakeStore reader(scheduler_, redis_);
  reader.start({}, {});
  for (int i = 0; i < 1000; ++i) {
    scheduler_.advance(milliseconds(17));
    reader.run({{"HGETALL", keys_.link("eth0")}}, [](const Result<std::vector<Reply>>& replies) {
      EXPECT_FALSE(as_fields(replies->front())->empty());
    });
  }
  redis_.refuse_writes(true);
  scheduler_.advance(seconds(20));
  EXPECT_EQ(stored_link("eth0").families.at(Family::v4).fact, LinkFact::ok) << "a full Redis keeps it";
}

TEST_F(PingServiceRedisTest, EntriesFromTheFutureDoNotPushTheProbesOut) {
  start();
  scheduler_.advance(minutes(5));
  const auto flood = [&](const std::string& key) {
    for (int i = 0; i < 25'000; ++i) {
      redis_.execute({"ZADD", key, i % 2 == 0 ? "inf" : "4102444800000", std::to_string(i)});
    }
  };
  flood(keys_.probes("eth0"));
  scheduler_.advance(seconds(6));
  EXPECT_GE(stored("eth0").size(), 300U);
  EXPECT_LE(stored("eth0").size(), 310U);
  kernel_.set_carrier("eth1", false);
  flood(keys_.probes("eth1"));
  scheduler_.advance(seconds(6));
  EXPECT_GE(stored("eth1").size(), 300U) << "also where no probes are sent";
}

TEST_F(PingServiceRedisTest, AStepOfTheWallClockTakesNoProbesAway) {
  start();
  scheduler_.advance(minutes(5));
  scheduler_.step_wall(-std::chrono::minutes(30));
  scheduler_.advance(minutes(5));
  EXPECT_GE(stored("eth0").size(), 595U);
}

TEST_F(PingServiceRedisTest, ATroubleThatComesAndGoesIsNotLoggedInAFlood) {
  start();
  for (int i = 0; i < 300; ++i) {
    redis_.refuse_writes(true);
    scheduler_.advance(milliseconds(500));
    redis_.refuse_writes(false);
    scheduler_.advance(milliseconds(1500));
  }
  EXPECT_GE(log_.count("Redis refuses what pingd writes", LogLevel::error), 30U);
  EXPECT_LE(log_.count("Redis refuses what pingd writes", LogLevel::error), 61U);
  EXPECT_EQ(log_.count("Redis takes what pingd writes again"),
            log_.count("Redis refuses what pingd writes", LogLevel::error));
}

TEST_F(PingServiceRedisTest, HistoryIsTrimmedByAge) {
  config_.suite.history = minutes(5);
  start();
  scheduler_.advance(minutes(20));
  EXPECT_GE(stored("eth0").size(), 300U);
  EXPECT_LE(stored("eth0").size(), 335U);
}

TEST_F(PingServiceRedisTest, AFullRedisIsGivenRoomAtTheCostOfOldProbes) {
  start();
  scheduler_.advance(minutes(40));
  redis_.refuse_writes(true);
  scheduler_.advance(seconds(2));
  const auto age = [&](const ProbeRecord& probe) { return scheduler_.now().wall - probe.sent_wall; };
  ASSERT_FALSE(stored("eth0").empty());
  EXPECT_LE(age(stored("eth0").front()), ProbeReporter::kLeastHistory + seconds(2));
  EXPECT_GE(age(stored("eth0").front()), ProbeReporter::kLeastHistory - seconds(2));
  EXPECT_LE(age(stored("eth1").front()), ProbeReporter::kLeastHistory + seconds(2));
  EXPECT_EQ(log_.count("it keeps single probes for 10 min"), 1U);
  redis_.refuse_writes(false);
  scheduler_.advance(minutes(40));
  EXPECT_LE(stored("eth0").size(), 660U) << "not the same again";
  reload();
  scheduler_.advance(minutes(40));
  EXPECT_GE(stored("eth0").size(), 2400U) << "somebody has seen to it";
}

TEST_F(PingServiceRedisTest, HistoryIsTrimmedByCount) {
  config_.uplinks.pop_back();
  config_.uplinks[0].probe_interval = milliseconds(100);
  start();
  scheduler_.advance(minutes(35));
  EXPECT_GE(stored("eth0").size(), static_cast<std::size_t>(ProbeReporter::kMostStored));
  EXPECT_LE(stored("eth0").size(), static_cast<std::size_t>(ProbeReporter::kMostStored) + 310U);
}

TEST_F(PingServiceRedisTest, TheLastProbesAreWrittenAtAnOrderlyEnd) {
  start();
  scheduler_.advance(milliseconds(5'025));
  ASSERT_EQ(stored("eth0").size(), 5U);  // the sixth waits for company
  service_->stop();
  scheduler_.settle();
  EXPECT_EQ(stored("eth0").size(), 6U);
}

/// Whatever the links and Redis do, in the end each probe that a Redis that was full keeps is stored once and as what it was.
TEST_F(PingServiceRedisTest, InTheEndRedisHoldsTheTruth) {
  auto random = seeded_random();
  struct Sent {
    MonoTime at;
    bool answered;
  };
  std::map<std::pair<unsigned, std::uint64_t>, Sent> all;
  start();
  prober_.set_world([&](const OutgoingProbe& probe) {
    const auto fate = random() % 10;
    const auto end = fate == 0   ? fakes::ProbePath::End::unreachable
                     : fate == 1 ? fakes::ProbePath::End::silent
                                 : fakes::ProbePath::End::answers;
    const auto rtt = milliseconds(random() % (random() % 4 == 0 ? 4000 : 60));
    std::uint64_t sequence = 0;
    for (std::size_t i = 8; i < 16; ++i) sequence = (sequence << 8) | probe.message[i];
    all[{probe.link_index, sequence}] = {scheduler_.now().mono, end == fakes::ProbePath::End::answers};
    return fakes::ProbePath{end, rtt};
  });
  bool was_full = false;
  for (int minute = 0; minute < 40; ++minute) {
    const bool redis_leaves = random() % 4 == 0;
    if (redis_leaves) redis_.stop();
    scheduler_.advance(milliseconds(random() % 60'000));
    redis_.start();
    if (random() % 4 == 0) {
      redis_.refuse_writes(true);
      was_full = true;
    }
    scheduler_.advance(milliseconds(random() % 50'000));
    redis_.refuse_writes(false);
    scheduler_.advance(seconds(3));  // so that no absence adds up to more than is kept
  }
  config_.uplinks[0].targets.clear();
  config_.uplinks[1].targets.clear();
  reload();
  scheduler_.advance(seconds(10));
  for (const auto* name : {"eth0", "eth1"}) {
    std::size_t sent = 0;
    std::map<std::uint64_t, Outcome> outcomes;
    for (const auto& record : stored(name)) {
      ASSERT_TRUE(outcomes.emplace(record.sequence, record.outcome).second) << "stored twice";
    }
    for (const auto& [probe, fate] : all) {
      const bool may_have_gone = was_full && fate.at < scheduler_.now().mono - ProbeReporter::kLeastHistory;
      if (probe.first != index_of(name) || may_have_gone) continue;
      ++sent;
      ASSERT_EQ(outcomes.count(probe.second), 1U);
      ASSERT_EQ(outcomes[probe.second] == Outcome::answered, fate.answered);
    }
    EXPECT_GT(sent, 100U);
  }
}

}  // namespace ping_service_redis_test
}  // namespace multilink
