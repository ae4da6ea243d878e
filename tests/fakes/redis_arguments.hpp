// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "multilink/ports/store.hpp"

namespace multilink::fakes {

/// The words of commands as Redis reads them. What is wrong is thrown as a Reply::Failure in Redis' own words.

/// Replies that many commands give.
Reply ok();
Reply number(std::size_t value);
Reply syntax_error();

std::string upper(std::string text);
std::string lower(std::string text);
std::int64_t to_integer(const std::string& text);
double to_score(std::string_view text, const char* complaint = "ERR value is not a valid float");
std::string from_score(double score);

/// From "1", "(1" (itself not included), "-inf", "+inf".
struct ScoreRange {
  ScoreRange(std::string_view from, std::string_view to);
  bool holds(double score) const {
    return (least_open ? score > least : score >= least) && (most_open ? score < most : score <= most);
  }

  bool least_open;
  bool most_open;
  double least;
  double most;
};

/// The half-open range of positions that Redis means by `from` and `to` (both included, negative from the
/// end).
std::pair<std::size_t, std::size_t> positions(std::int64_t from, std::int64_t to, std::size_t size);

}  // namespace multilink::fakes
