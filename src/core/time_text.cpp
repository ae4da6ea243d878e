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
  return cat(format_day(date), 'T', padded(clock.hours().count(), 2), ':', padded(clock.minutes().count(), 2),
             ':', padded(clock.seconds().count(), 2), '.', padded(clock.subseconds().count(), 3), 'Z');
}

std::string format_day(std::chrono::year_month_day day) {
  return cat(format_month({day.year(), day.month()}), '-', padded(unsigned{day.day()}, 2));
}

std::string format_month(std::chrono::year_month month) {
  return cat(padded(int{month.year()}, 4), '-', padded(unsigned{month.month()}, 2));
}

std::optional<std::chrono::year_month> parse_month(std::string_view text) {
  if (text.size() != 7 || text[4] != '-') return std::nullopt;
  const auto year = parse_number<unsigned>(text.substr(0, 4));
  const auto month = parse_number<unsigned>(text.substr(5));
  if (!year || !month || *year < 1970 || *month < 1 || *month > 12) return std::nullopt;
  return std::chrono::year(static_cast<int>(*year)) / std::chrono::month(*month);
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
