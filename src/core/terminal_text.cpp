// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/terminal_text.hpp"

#include <vector>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::string_view kPlain = "\x1b[0m";

std::string_view sequence_of(TextColour colour) {
  switch (colour) {
    case TextColour::green:
      return "\x1b[32m";
    case TextColour::yellow:
      return "\x1b[33m";
    case TextColour::red:
      return "\x1b[1;31m";
    case TextColour::cyan:
      break;
  }
  return "\x1b[36m";
}

/// Where the sequence that begins at `at` ends.
std::size_t end_of_sequence(std::string_view text, std::size_t at) {
  const auto end = text.find('m', at);
  return end == std::string_view::npos ? text.size() : end + 1;
}

std::string cut(std::string_view line, std::size_t columns) {
  std::string out;
  std::size_t taken = 0;
  bool is_painted = false;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == kEscape) {
      const auto end = end_of_sequence(line, at);
      const auto sequence = line.substr(at, end - at);
      is_painted = sequence != kPlain;
      out += sequence;
      at = end;
    } else if (taken == columns) {
      break;
    } else {
      out += line[at++];
      ++taken;
    }
  }
  if (is_painted) out += kPlain;
  return out;
}

}  // namespace

std::string painted(std::string_view text, TextColour colour) {
  return cat(sequence_of(colour), text, kPlain);
}

std::size_t columns_of(std::string_view text) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == kEscape) {
      at = end_of_sequence(text, at);
    } else {
      ++at;
      ++out;
    }
  }
  return out;
}

std::string fit_to_screen(std::string_view text, std::size_t rows, std::size_t columns) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto lines = split(text, '\n');
  if (rows == 0) return {};
  const bool fits = lines.size() <= rows;
  const std::size_t shown = fits ? lines.size() : rows - 1;
  std::string out;
  for (std::size_t i = 0; i < shown; ++i) out += cat(cut(lines[i], columns), '\n');
  if (!fits) out += cat(cut(cat("... and ", lines.size() - shown, " lines more"), columns), '\n');
  return out;
}

}  // namespace multilink
