// SPDX-License-Identifier: GPL-2.0-or-later
// What a full history takes in a real Redis.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "fakes/real_redis.hpp"
#include "multilink/core/history_place.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace history_memory_test {

using namespace std::chrono;

constexpr int kUplinks = 8;
constexpr double kMegabyte = 1024.0 * 1024;

std::int64_t used_memory(const fakes::RealRedis& redis) {
  const auto info = as_string(redis.execute({"INFO", "memory"})).value();
  const std::string_view field = "used_memory:";
  const auto at = info.find(field) + field.size();
  return parse_number<std::int64_t>(std::string_view(info).substr(at, info.find('\r', at) - at)).value();
}

/// As healthd begins a string, and then all its records at once.
void fill(const fakes::RealRedis& redis, const HistoryString& string, const std::string& uplink,
          Family family) {
  const auto key = string.key(RedisKeys("local"), uplink, family);
  redis.execute({"SETRANGE", key, cat(string.last_byte()), std::string(1, '\0')});
  redis.execute({"PEXPIRE", key, cat(duration_cast<milliseconds>(string.kept()).count())});
  HistoryRecord record;
  record.up = length_of(string.step);
  record.probes = 60;
  record.rtt = record.rtt_most = milliseconds(20);
  std::string bytes;
  for (std::size_t i = 0; i < string.records(); ++i) bytes += encode_history(string.step, record);
  redis.execute({"SETRANGE", key, "0", bytes});
}

TEST(HistoryMemory, EightUplinksWithAFullHistoryTakeLessThan32Megabytes) {
  const fakes::RealRedis redis;
  const auto before = used_memory(redis);
  const HistoryTime now = sys_days(year(2026) / 11 / 25) + hours(12);
  for (int i = 0; i < kUplinks; ++i) {
    const auto name = cat("uplink", i);
    for (const Family family : kFamilies) {
      // As much as there is at most: the oldest string is there to its end.
      for (const auto step : {HistoryStep::minute, HistoryStep::hour}) {
        const auto kept = HistoryString::of(step, now).kept();
        for (const auto& range : history_ranges(step, now - floor<minutes>(kept), now)) {
          fill(redis, range.string, name, family);
        }
      }
    }
  }
  const auto taken = static_cast<double>(used_memory(redis) - before) / kMegabyte;
  std::cout << kUplinks << " uplinks, both families, 31 days of minutes and 431 of hours: " << taken
            << " MB\n";
  EXPECT_LE(taken, 32);
  EXPECT_GE(taken, 12) << "it is all there";
}

}  // namespace history_memory_test
}  // namespace multilink
