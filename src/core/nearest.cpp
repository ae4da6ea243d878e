// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace multilink {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Levenshtein's distance, by Wagner and Fischer's table of which one row is kept.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t exchange = diagonal + (lower(from[i - 1]) == lower(to[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, exchange});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& words) {
  constexpr std::size_t kFurthest = 2;
  std::string_view best;
  std::size_t best_distance = kFurthest + 1;
  for (const auto candidate : words) {
    const auto longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) > kFurthest) continue;
    const auto here = distance(word, candidate);
    if (here >= best_distance || here >= candidate.size()) continue;
    best = candidate;
    best_distance = here;
  }
  return best;
}

}  // namespace multilink
