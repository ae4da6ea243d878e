// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/time.hpp"

namespace multilink {

/// Quantities as people write them: a number always carries its unit, so that none can be mistaken.

/// The whole of `text` as a whole number and one of ms, s, min, h, d, with or without a blank between;
/// nullopt for anything else, a negative number and what a Duration cannot hold.
std::optional<Duration> parse_duration(std::string_view text);
/// In the largest unit that gives a whole number: "200ms", "1s", "2min"; 0 is "0s". A part below a
/// millisecond is written as a fraction of milliseconds.
std::string format_duration(Duration duration);

/// "20%" or "2.5 %" as a ratio: 0.2, 0.025; nullopt for anything else and what is not in [0 %, 100 %].
std::optional<double> parse_percent(std::string_view text);
std::string format_percent(double ratio);  ///< 0.025 as "2.5%", to 4 digits after the point

}  // namespace multilink
