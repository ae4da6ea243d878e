// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "multilink/core/history_record.hpp"
#include "multilink/core/ip_address.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// Where the records of the history stand in Redis: the minutes of a UTC day in one string, the hours of a month in
/// another, each record at its own place. A string is made at its full length, with one byte of 0 behind the last
/// record: Redis then takes exactly that much for it, and the byte can be written again at any time.

/// The minute, or hour, of a record, by its beginning.
using HistoryTime = std::chrono::sys_time<std::chrono::minutes>;

inline constexpr Duration kMinutesKept = std::chrono::days(30);
inline constexpr Duration kHoursKept = std::chrono::days(400);

/// The record that `time` falls into.
HistoryTime history_time(HistoryStep step, WallTime time);

/// One string: the minutes of a day or the hours of a month.
struct HistoryString {
  HistoryStep step = HistoryStep::minute;
  HistoryTime begin;  ///< of its first record
  HistoryTime end;    ///< behind its last; also of months with less than 31 days, which have room for so many

  /// The string that has the record of `time` in it.
  static HistoryString of(HistoryStep step, HistoryTime time);
  std::string key(const RedisKeys& keys, std::string_view uplink, Family family) const;
  std::size_t offset(HistoryTime time) const;  ///< of the record's first byte
  std::size_t records() const;                 ///< between begin and end
  std::size_t last_byte() const;               ///< its offset
  Duration kept()
      const;  ///< the time to live from the last day, or month, on which it was begun to be written

  bool operator==(const HistoryString&) const = default;
};

/// A contiguous piece of one string.
struct HistoryRange {
  HistoryString string;
  HistoryTime begin;
  HistoryTime end;
};
/// [begin, end) cut at the ends of strings.
std::vector<HistoryRange> history_ranges(HistoryStep step, HistoryTime begin, HistoryTime end);

}  // namespace multilink
