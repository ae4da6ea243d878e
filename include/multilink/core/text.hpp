// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace multilink {

namespace detail {
inline void append_piece(std::string& out, std::string_view piece) {
  out += piece;
}
inline void append_piece(std::string& out, char piece) {
  out += piece;
}
template <std::integral T>
requires(!std::same_as<T, char> && !std::same_as<T, bool>) void append_piece(std::string& out, T piece) {
  out += std::to_string(piece);
}
}  // namespace detail

/// The pieces (text, characters, whole numbers) put end to end.
template <class... Pieces>
std::string cat(const Pieces&... pieces) {
  std::string out;
  (detail::append_piece(out, pieces), ...);
  return out;
}

std::string_view trim(std::string_view text);  ///< without blanks, tabs and CR at both ends
std::vector<std::string_view> split(std::string_view text, char separator);
void split(std::same_as<std::string> auto&& text, char separator) = delete;  ///< the pieces would outlive it
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Rows (at least one, all of the same length) as lines, in columns as wide as their widest cell; the last column is as
/// long as it is.
std::string align_columns(const std::vector<std::vector<std::string>>& rows);

/// The whole of `text` as a whole number in decimal; nullopt on anything else, on blanks and on overflow.
template <std::integral T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// The whole of `text` as a finite decimal fraction, '.' as the point whatever the locale.
std::optional<double> parse_decimal(std::string_view text);
/// `value` with at most `digits` digits after the point, no trailing zeros, '.' whatever the locale.
std::string format_decimal(double value, int digits);

/// Printable form of untrusted text for logs and error messages: control and non-ASCII bytes as \xNN, cut to
/// `most` bytes with "..." behind.
std::string printable(std::string_view text, std::size_t most = 80);

/// Untrusted text as an error message shows it: printable, between quotes, and with "***" for what stands
/// before an '@' (user and password of a URL).
std::string quoted(std::string_view text);

}  // namespace multilink
