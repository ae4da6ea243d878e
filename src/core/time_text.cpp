// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/time_text.hpp"

#include <algorithm>

#include "multilink/core/text.hpp"

namespace multilink {

namespace {

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

}  // namespace

std::string format_utc(WallTime time) {
  using namespace std::chrono;
  constexpr WallTime kEnd{sys_days{year{9999} / December / 31} + days{1}};
  if (time < WallTime{} || time >= kEnd) return {};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return cat(padded(int{date.year()}, 4), '-', padded(unsigned{date.month()}, 2), '-',
             padded(unsigned{date.day()}, 2), 'T', padded(clock.hours().count(), 2), ':',
             padded(clock.minutes().count(), 2), ':', padded(clock.seconds().count(), 2), '.',
             padded(clock.subseconds().count(), 3), 'Z');
}

std::string format_span(Duration span) {
  using namespace std::chrono;
  span = std::max(span, Duration{});
  if (span < minutes(1)) return cat(duration_cast<seconds>(span).count(), " s");
  if (span < hours(1)) return cat(duration_cast<minutes>(span).count(), " min");
  if (span < days(2)) return cat(duration_cast<hours>(span).count(), " h");
  return cat(duration_cast<days>(span).count(), " d");
}

std::string format_milliseconds(Duration span, int digits) {
  return cat(format_decimal(std::chrono::duration<double, std::milli>(span).count(), digits), " ms");
}

}  // namespace multilink
