// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_place.hpp"

#include <algorithm>
#include <cassert>

namespace multilink {
namespace {

using namespace std::chrono;

constexpr std::size_t kMinutesOfDay = 1440;
constexpr std::size_t kHoursOfMonth = 744;

std::size_t index_in(const HistoryString& string, HistoryTime time) {
  return static_cast<std::size_t>((time - string.begin) / length_of(string.step));
}

}  // namespace

HistoryTime history_time(HistoryStep step, WallTime time) {
  if (step == HistoryStep::hour) return floor<hours>(time);
  return floor<minutes>(time);
}

HistoryString HistoryString::of(HistoryStep step, HistoryTime time) {
  const auto day = floor<days>(time);
  if (step == HistoryStep::minute) return {step, day, day + days(1)};
  const year_month_day date(day);
  const year_month month(date.year(), date.month());
  return {step, sys_days(month / 1), sys_days((month + months(1)) / 1)};
}

std::string HistoryString::key(const RedisKeys& keys, std::string_view uplink, Family family) const {
  const year_month_day date(floor<days>(begin));
  return step == HistoryStep::minute ? keys.history_minutes(uplink, family, date)
                                     : keys.history_hours(uplink, family, {date.year(), date.month()});
}

std::size_t HistoryString::offset(HistoryTime time) const {
  assert(time >= begin && time <= end);
  return index_in(*this, time) * bytes_of(step);
}

std::size_t HistoryString::records() const {
  return index_in(*this, end);
}

std::size_t HistoryString::last_byte() const {
  return (step == HistoryStep::minute ? kMinutesOfDay : kHoursOfMonth) * bytes_of(step);
}

Duration HistoryString::kept() const {
  return step == HistoryStep::minute ? kMinutesKept + days(1) : kHoursKept + days(31);
}

std::vector<HistoryRange> history_ranges(HistoryStep step, HistoryTime begin, HistoryTime end) {
  std::vector<HistoryRange> out;
  for (auto at = begin; at < end;) {
    const auto string = HistoryString::of(step, at);
    const auto until = std::min(string.end, end);
    out.push_back({string, at, until});
    at = until;
  }
  return out;
}

}  // namespace multilink
