// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/redis_arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "multilink/core/text.hpp"
#include "multilink/ports/store.hpp"

namespace multilink::fakes {
namespace {

constexpr const char* kNoBound = "ERR min or max is not a float";

bool is_open(std::string_view bound) {
  return bound.starts_with('(');
}

}  // namespace

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::int64_t to_integer(const std::string& text) {
  const auto value = parse_number<std::int64_t>(text);
  if (!value) throw Reply::Failure{"ERR value is not an integer or out of range"};
  return *value;
}

double to_score(std::string_view text, const char* complaint) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || std::isnan(value)) {
    throw Reply::Failure{complaint};
  }
  return value;
}

std::string from_score(double score) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.17g", score);
  return text.data();
}

ScoreRange::ScoreRange(std::string_view from, std::string_view to)
    : least_open(is_open(from)),
      most_open(is_open(to)),
      least(to_score(from.substr(least_open ? 1 : 0), kNoBound)),
      most(to_score(to.substr(most_open ? 1 : 0), kNoBound)) {}

std::pair<std::size_t, std::size_t> positions(std::int64_t from, std::int64_t to, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (from < 0) from = std::max<std::int64_t>(0, from + count);
  if (to < 0) to += count;
  to = std::min(to, count - 1);
  if (from > to) return {0, 0};
  return {static_cast<std::size_t>(from), static_cast<std::size_t>(to + 1)};
}

Reply ok() {
  return {std::string("OK")};
}

Reply number(std::size_t value) {
  return {static_cast<std::int64_t>(value)};
}

Reply syntax_error() {
  return {Reply::Failure{"ERR syntax error"}};
}

}  // namespace multilink::fakes
