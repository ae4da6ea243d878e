// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/html.hpp"

namespace multilink {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The length of the well-formed UTF-8 character `text` begins with (Unicode, table 3-7), 0 if it is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80    ? 1
                             : first < 0xC2  ? 0
                             : first < 0xE0  ? 2
                             : first < 0xF0  ? 3
                             : first <= 0xF4 ? 4
                                             : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool too_large = first == 0xF4 && byte(1) >= 0x90;
  // U+0080..U+009F are control characters, which HTML forbids.
  const bool control = first == 0xC2 && byte(1) < 0xA0;
  return overlong || surrogate || too_large || control ? 0 : length;
}

std::string_view escape_ascii(std::string_view character) {
  switch (character.front()) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\n':
    case '\t':
      return " ";
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(character.front());
  return byte < 0x20 || byte == 0x7F ? kReplacement : character;
}

}  // namespace

std::string html_text(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text.substr(at));
    const std::size_t step = length == 0 ? 1 : length;
    if (at + step > most) return out.append(kEllipsis);
    if (length == 0) {
      out += kReplacement;
    } else {
      const auto character = text.substr(at, length);
      out += length == 1 ? escape_ascii(character) : character;
    }
    at += step;
  }
  return out;
}

}  // namespace multilink
