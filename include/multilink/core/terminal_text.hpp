// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace multilink {

/// Text for terminals that know the escape sequences of ECMA-48, as all do today.

enum class TextColour : std::uint8_t { green, yellow, red, cyan };

/// The text in a colour. Words say the same without: colour is never all there is.
std::string painted(std::string_view text, TextColour colour);

/// How many columns it takes: bytes, but for the sequences of painted().
std::size_t columns_of(std::string_view text);

/// As much of the text as fits into so many rows and columns, from its beginning; a colour that is cut off ends there. The last row
/// says how many lines are left out, if there are.
std::string fit_to_screen(std::string_view text, std::size_t rows, std::size_t columns);

}  // namespace multilink
