// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/status_reader.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/services/history_replies.hpp"

namespace multilink {
namespace status_reader_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StatusReaderTest : public testing::Test {
 protected:
  void write(const StatusSnapshot& snapshot) {
    for (const auto& command : fakes::commands_to_write(snapshot)) {
      ASSERT_FALSE(std::holds_alternative<Reply::Failure>(redis.execute(command).value));
    }
  }

  Result<StatusSnapshot> read(Duration span = seconds(1), std::optional<ChartRange> range = std::nullopt) {
    std::vector<Result<StatusSnapshot>> results;
    fakes::FakeStore store(scheduler, redis);
    StatusReader reader(scheduler, store, "local", range);
    reader.start(seconds(1), [&](Result<StatusSnapshot> result) { results.push_back(std::move(result)); });
    scheduler.advance(span);
    EXPECT_THAT(results, SizeIs(1));
    return results.empty() ? fail("the reader did not say anything") : std::move(results.front());
  }

  /// Reads what must be readable.
  StatusSnapshot snapshot() {
    auto result = read();
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return std::move(result).value_or(StatusSnapshot{});
  }

  fakes::FakeScheduler scheduler;
  fakes::FakeRedis redis{scheduler};
  RedisKeys keys{"local"};
};

TEST_F(StatusReaderTest, ReadsEverythingTheDaemonsWrote) {
  for (const auto& written : {fakes::sample_snapshot(), fakes::failed_over_snapshot()}) {
    redis.lose_data();
    write(written);
    auto seen = snapshot();
    EXPECT_EQ(seen.at, scheduler.now().wall - milliseconds(1000));
    seen.at = written.at;
    EXPECT_EQ(seen, written);
  }
}

TEST_F(StatusReaderTest, ReadsWhatTheWebProxyDoes) {
  auto written = fakes::sample_snapshot();
  written.uplinks[1].proxy = ProxyRecord();
  written.uplinks[1].proxy->share = 0.75;
  write(written);
  const auto seen = snapshot();
  EXPECT_EQ(seen.uplinks[0].proxy, std::nullopt);
  EXPECT_EQ(seen.uplinks[1].proxy, written.uplinks[1].proxy);
  EXPECT_THAT(seen.problems, SizeIs(0));
}

TEST_F(StatusReaderTest, GivesTheUplinksBestFirst) {
  auto written = fakes::sample_snapshot();
  std::swap(written.uplinks[0].name, written.uplinks[1].name);
  write(written);
  const auto seen = snapshot();
  ASSERT_THAT(seen.uplinks, SizeIs(2));
  EXPECT_EQ(seen.uplinks[0].name, "lte");
  EXPECT_EQ(seen.uplinks[1].name, "fibre");
}

TEST_F(StatusReaderTest, SaysWhatIsMissing) {
  redis.execute({"ZADD", keys.uplinks(), "1", "fibre"});
  const auto seen = snapshot();
  EXPECT_THAT(seen.problems, IsEmpty());
  ASSERT_THAT(seen.uplinks, SizeIs(1));
  const auto& fibre = seen.uplinks[0];
  EXPECT_EQ(fibre.link, fail("no record yet"));
  EXPECT_EQ(fibre.health, fail("no record yet"));
  EXPECT_EQ(fibre.usable, fail("not written yet"));
  EXPECT_EQ(fibre.usable_in.at(Family::v6), fail("not written yet"));
  EXPECT_THAT(fibre.recent, IsEmpty());
  EXPECT_EQ(seen.routing, fail("no record yet"));
  ASSERT_THAT(seen.daemons, SizeIs(4));
  EXPECT_EQ(seen.daemons[1],
            (DaemonStatus{"healthd", fail("it does not run, or not with this Redis, or Redis is full")}));
}

TEST_F(StatusReaderTest, ADaemonFromWhichAFullRedisTakesNothingDoesNotReport) {
  write(fakes::sample_snapshot());
  redis.execute({"HDEL", keys.daemon("healthd"), "stores"});
  const auto seen = snapshot();
  EXPECT_TRUE(seen.daemons[0].record.has_value());
  EXPECT_EQ(seen.daemons[1].record, fail("Redis is full and takes nothing from it"));
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(StatusReaderTest, ReadsAnEmptyRedis) {
  const auto seen = snapshot();
  EXPECT_THAT(seen.uplinks, IsEmpty());
  EXPECT_THAT(seen.events, IsEmpty());
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(StatusReaderTest, RefusesGarbageAndKeepsTheRest) {
  write(fakes::sample_snapshot());
  redis.execute({"HSET", keys.health("fibre"), "4.state", "<script>"});
  redis.execute({"SET", keys.status("fibre"), "MAYBE"});
  redis.execute({"HSET", keys.routing(), "4.since", "-1"});
  redis.execute({"ZADD", keys.probes("lte"), "99999999999999", "garbage"});
  redis.execute({"XADD", keys.events(), "*", "kind", "health"});
  redis.execute({"HSET", keys.daemon("pingd"), "pid", "-5"});
  const auto seen = snapshot();
  EXPECT_FALSE(seen.uplinks[0].health.has_value());
  EXPECT_FALSE(seen.uplinks[0].usable.has_value());
  EXPECT_FALSE(seen.routing.has_value());
  EXPECT_FALSE(seen.daemons[0].record.has_value());
  EXPECT_EQ(seen.uplinks[1].recent.at(Family::v4).settled, 19U);
  EXPECT_THAT(seen.events, SizeIs(1));
  EXPECT_TRUE(seen.uplinks[1].health.has_value());
  std::vector<std::string> refused;
  for (const auto& problem : seen.problems) {
    refused.push_back(problem.where);
    EXPECT_THAT(problem.reason, testing::Not(IsEmpty()));
  }
  EXPECT_THAT(refused, ElementsAre(keys.routing(), keys.events(), keys.daemon("pingd"), keys.health("fibre"),
                                   keys.status("fibre"), keys.probes("lte")));
}

TEST_F(StatusReaderTest, RefusesKeysOfAnotherType) {
  const auto written = fakes::sample_snapshot();
  write(written);
  const std::vector<std::string> all{keys.routing(),     keys.events(),        keys.daemon("routed"),
                                     keys.link("fibre"), keys.health("fibre"), keys.status("lte"),
                                     keys.probes("lte")};
  for (const auto& key : all) {
    redis.execute({"DEL", key});
    redis.execute(key == keys.status("lte") ? Store::Command{"HSET", key, "a", "b"}
                                            : Store::Command{"SET", key, "x"});
  }
  const auto seen = snapshot();
  EXPECT_THAT(seen.problems, SizeIs(all.size()));
  for (const auto& problem : seen.problems) EXPECT_THAT(problem.reason, HasSubstr("WRONGTYPE"));
  redis.execute({"DEL", keys.uplinks()});
  redis.execute({"SET", keys.uplinks(), "x"});
  EXPECT_THAT(snapshot().uplinks, IsEmpty());
}

TEST_F(StatusReaderTest, RefusesNamesThatNoConfigurationAllows) {
  for (const std::string name : {"<script> x", "a/b", "", "a\nb"}) {
    redis.execute({"ZADD", keys.uplinks(), "1", name});
  }
  redis.execute({"ZADD", keys.uplinks(), "1", std::string(10'240, 'x')});
  redis.execute({"ZADD", keys.uplinks(), "2", "fibre"});
  const auto seen = snapshot();
  ASSERT_THAT(seen.uplinks, SizeIs(1));
  EXPECT_EQ(seen.uplinks[0].name, "fibre");
  EXPECT_THAT(seen.problems, SizeIs(5));
}

TEST_F(StatusReaderTest, ReadsTheLatestOfManyEventsAndProbes) {
  auto written = fakes::sample_snapshot();
  auto& recent = written.uplinks[0].recent[Family::v4];
  recent.settled = 25;
  recent.lost = 10;
  written.events.assign(30, written.events[0]);
  written.events[0].reason = "the last";
  write(written);
  const auto seen = snapshot();
  EXPECT_THAT(seen.events, SizeIs(20));
  EXPECT_EQ(seen.events[0].reason, "the last");
  EXPECT_EQ(seen.uplinks[0].recent.at(Family::v4), (RecentProbes{20, 5, recent.last}));
}

TEST_F(StatusReaderTest, GivesUpOnARedisThatIsDown) {
  redis.stop();
  EXPECT_EQ(read(), fail("Redis gave no answer within 1000 ms"));
}

TEST_F(StatusReaderTest, GivesUpOnARedisThatHangs) {
  redis.freeze();
  EXPECT_EQ(read(), fail("Redis gave no answer within 1000 ms"));
}

TEST_F(StatusReaderTest, TriesAgainWithinItsDeadline) {
  write(fakes::sample_snapshot());
  fakes::FakeStore store(scheduler, redis);
  StatusReader reader(scheduler, store, "local");
  std::vector<Result<StatusSnapshot>> results;
  redis.stop();
  reader.start(seconds(1), [&](Result<StatusSnapshot> result) { results.push_back(std::move(result)); });
  scheduler.advance(milliseconds(400));
  EXPECT_THAT(results, IsEmpty());
  redis.start();
  scheduler.advance(milliseconds(400));
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_TRUE(results[0].has_value());
  store.lose_connection();
  scheduler.advance(seconds(5));
  EXPECT_THAT(results, SizeIs(1)) << "said once, whatever happens later";
}

/// As healthd writes it: the minute `ago` before the present one.
class StatusReaderHistoryTest : public StatusReaderTest {
 protected:
  void write_minute(const std::string& uplink, std::chrono::minutes ago) {
    const auto time = history_time(HistoryStep::minute, scheduler.now().wall) - ago;
    const auto string = HistoryString::of(HistoryStep::minute, time);
    HistoryRecord record;
    record.up = std::chrono::seconds(60);
    redis.execute({"SETRANGE", string.key(keys, uplink, Family::v4), std::to_string(string.offset(time)),
                   encode_history(HistoryStep::minute, record)});
  }
};

TEST_F(StatusReaderHistoryTest, ReadsTheHistoryIfItIsAskedTo) {
  write(fakes::sample_snapshot());
  write_minute("fibre", std::chrono::minutes(1439));
  write_minute("fibre", std::chrono::minutes(2));
  EXPECT_THAT(snapshot().uplinks[0].history, IsEmpty());
  const auto day = read(seconds(1), ChartRange::day);
  ASSERT_TRUE(day.has_value());
  const auto& shown = day->uplinks[0].history.at(Family::v4);
  ASSERT_THAT(shown.day.records, SizeIs(1440));
  EXPECT_EQ(std::ranges::count_if(shown.day.records, [](const auto& record) { return !record.is_empty(); }),
            2);
  EXPECT_THAT(shown.chart.records, IsEmpty());
  EXPECT_EQ(day->uplinks[0].history.count(Family::v6), 0U) << "it has no IPv6";
  EXPECT_TRUE(day->uplinks[1].history.at(Family::v4).day.is_empty());
  const auto month = read(seconds(1), ChartRange::month);
  ASSERT_TRUE(month.has_value());
  EXPECT_THAT(month->uplinks[0].history.at(Family::v4).chart.records, SizeIs(720));
  EXPECT_THAT(month->problems, IsEmpty());
}

TEST_F(StatusReaderHistoryTest, GarbageIsAProblemAndNoHistory) {
  write(fakes::sample_snapshot());
  const auto time = history_time(HistoryStep::minute, scheduler.now().wall) - std::chrono::hours(1);
  const auto string = HistoryString::of(HistoryStep::minute, time);
  const auto key = string.key(keys, "fibre", Family::v4);
  redis.execute({"SETRANGE", key, std::to_string(string.offset(time)), std::string(32, '\xff')});
  auto seen = read(seconds(1), ChartRange::day);
  ASSERT_TRUE(seen.has_value());
  EXPECT_TRUE(seen->uplinks[0].history.at(Family::v4).day.is_empty());
  ASSERT_THAT(seen->problems, SizeIs(1));
  redis.execute({"DEL", key});
  redis.execute({"HSET", key, "a", "b"});
  seen = read(seconds(1), ChartRange::day);
  ASSERT_TRUE(seen.has_value());
  ASSERT_THAT(seen->problems, SizeIs(1));
  EXPECT_THAT(seen->problems[0].reason, HasSubstr("WRONGTYPE"));
}

}  // namespace status_reader_test
}  // namespace multilink
