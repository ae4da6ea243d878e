// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_record.hpp"

#include <gtest/gtest.h>

#include "multilink/core/history_place.hpp"
#include "seeded.hpp"

namespace multilink {
namespace history_record_test {

using namespace std::chrono_literals;

HistoryRecord random_record(HistoryStep step, std::mt19937_64& random) {
  const auto below = [&](std::uint64_t end) { return random() % (end + 1); };
  auto room = static_cast<std::uint64_t>(Duration(length_of(step)) / kHistoryTick);
  const auto time = [&] {
    const auto ticks = below(room);
    room -= ticks;
    return kHistoryTick * static_cast<std::int64_t>(ticks);
  };
  HistoryRecord record;
  record.up = time();
  record.suspect = time();
  record.down = time();
  record.probes = static_cast<std::uint32_t>(below(step == HistoryStep::minute ? 600 : 36'000));
  record.lost = static_cast<std::uint32_t>(below(record.probes));
  if (record.answers() == 0) return record;
  record.rtt_most = 1us * static_cast<std::int64_t>(below(3'000'000));
  record.rtt = 1us * static_cast<std::int64_t>(below(static_cast<std::uint64_t>(record.rtt_most / 1us)));
  record.jitter = 1us * static_cast<std::int64_t>(below(static_cast<std::uint64_t>(record.rtt_most / 1us)));
  return record;
}

TEST(HistoryRecord, WhatIsWrittenIsRead) {
  auto random = seeded_random();
  for (const auto step : {HistoryStep::minute, HistoryStep::hour}) {
    for (int i = 0; i < 5000; ++i) {
      const auto record = random_record(step, random);
      const auto bytes = encode_history(step, record);
      ASSERT_EQ(bytes.size(), bytes_of(step));
      ASSERT_EQ(decode_history(step, bytes), record);
    }
  }
}

TEST(HistoryRecord, RandomBytesAreRefusedOrARecordThatCanBeWrittenAgain) {
  auto random = seeded_random();
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto step = i % 2 == 0 ? HistoryStep::minute : HistoryStep::hour;
    std::string bytes(bytes_of(step), '\0');
    for (int changes = 1 + i % 8; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto record = decode_history(step, bytes);
    if (record) {
      ASSERT_EQ(encode_history(step, *record), bytes);
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5000);
}

TEST(HistoryRecord, RefusesWhatContradictsItself) {
  const std::string empty(16, '\0');
  EXPECT_TRUE(decode_history(HistoryStep::minute, empty)->is_empty());
  EXPECT_FALSE(decode_history(HistoryStep::minute, ""));
  EXPECT_FALSE(decode_history(HistoryStep::minute, empty + '\0'));
  EXPECT_FALSE(decode_history(HistoryStep::hour, empty));
  const auto with = [&](std::size_t at, char value) {
    auto bytes = empty;
    bytes[at] = value;
    return decode_history(HistoryStep::minute, bytes).has_value();
  };
  EXPECT_TRUE(with(0, static_cast<char>(240)));
  EXPECT_FALSE(with(0, static_cast<char>(241))) << "more than a minute up";
  EXPECT_TRUE(with(4, 1)) << "one probe";
  EXPECT_FALSE(with(6, 1)) << "a loss of no probe";
  EXPECT_FALSE(with(9, 1)) << "a round trip without an answer";
}

TEST(HistoryRecord, WritesTheMostWhereItHasNoRoom) {
  HistoryRecord record;
  record.up = 58s;
  record.down = 2100ms;
  record.probes = record.lost = 100'000;
  auto read = decode_history(HistoryStep::minute, encode_history(HistoryStep::minute, record));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->down, 2s) << "rounded to quarters of a second";
  EXPECT_EQ(read->up, 58s);
  EXPECT_EQ(read->probes, 65'535U);
  record.probes += 7;  // answers that cannot be told any more
  record.rtt = record.rtt_most = 20ms;
  EXPECT_TRUE(decode_history(HistoryStep::minute, encode_history(HistoryStep::minute, record)));
  record = {};
  record.probes = 2;
  record.rtt = record.rtt_most = 20s;
  read = decode_history(HistoryStep::minute, encode_history(HistoryStep::minute, record));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rtt, 16'777'215us);
}

TEST(HistoryRecord, MergesByTheNumberOfAnswers) {
  HistoryRecord a;
  a.up = 60s;
  a.probes = 60;
  a.lost = 30;
  a.rtt = 10ms;
  a.rtt_most = 15ms;
  a.jitter = 1ms;
  HistoryRecord b;
  b.down = 10s;
  b.up = 50s;
  b.probes = 12;
  b.lost = 2;
  b.rtt = 50ms;
  b.rtt_most = 90ms;
  b.jitter = 5ms;
  const auto both = merge_history(std::array{a, b, HistoryRecord{}});
  EXPECT_EQ(both.up, 110s);
  EXPECT_EQ(both.out(), 10s);
  EXPECT_EQ(both.probes, 72U);
  EXPECT_EQ(both.lost, 32U);
  EXPECT_EQ(both.rtt, 20ms) << "30 answers of 10 ms, 10 of 50";
  EXPECT_EQ(both.rtt_most, 90ms);
  EXPECT_EQ(both.jitter, 2ms);
  EXPECT_TRUE(merge_history({}).is_empty());
}

TEST(HistoryPlace, EachRecordHasItsPlaceInTheStringOfItsDayOrMonth) {
  using std::chrono::sys_days;
  const HistoryTime time = sys_days(std::chrono::year(2026) / 2 / 28) + 23h + 59min;
  const RedisKeys keys("local");
  const auto day = HistoryString::of(HistoryStep::minute, time);
  EXPECT_EQ(day.key(keys, "lte", Family::v4), "multilink:local:uplink:lte:history:4:2026-02-28");
  EXPECT_EQ(day.offset(time), 1439U * 16);
  EXPECT_EQ(day.last_byte(), 1440U * 16);
  const auto month = HistoryString::of(HistoryStep::hour, std::chrono::floor<std::chrono::hours>(time));
  EXPECT_EQ(month.key(keys, "lte", Family::v6), "multilink:local:uplink:lte:history:6:hours:2026-02");
  EXPECT_EQ(month.offset(std::chrono::floor<std::chrono::hours>(time)), (27U * 24 + 23) * 21);
  EXPECT_EQ(month.last_byte(), 744U * 21);
  EXPECT_EQ(month.records(), 28U * 24);

  const auto ranges = history_ranges(HistoryStep::minute, time - 1min, time + 25h);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].end, time + 1min);
  EXPECT_EQ(ranges[1].begin, ranges[1].string.begin);
  EXPECT_EQ(ranges[1].end, ranges[1].string.end);
  EXPECT_EQ(ranges[2].end, time + 25h);
  EXPECT_TRUE(history_ranges(HistoryStep::minute, time, time).empty());
}

}  // namespace history_record_test
}  // namespace multilink
