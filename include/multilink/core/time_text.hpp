// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/time.hpp"

namespace multilink {

/// "2026-11-05T10:00:00.123Z" (RFC 3339, UTC); empty for a time before 1970 or after 9999, which no clock of
/// ours ever showed.
std::string format_utc(WallTime time);

/// "2026-11-05" and "2026-11"; years from 0 to 9999.
std::string format_day(std::chrono::year_month_day day);
std::string format_month(std::chrono::year_month month);
/// The whole text as "2026-11", years from 1970 to 9999; nullopt for anything else.
std::optional<std::chrono::year_month> parse_month(std::string_view text);

/// A span for people, in its largest whole unit: "0 s", "42 s", "3 min", "5 h", "2 d". Negative ones are 0 s.
std::string format_span(Duration span);

/// "20.3 ms", with at most `digits` digits after the point.
std::string format_milliseconds(Duration span, int digits = 1);

}  // namespace multilink
