// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "seeded.hpp"

namespace multilink::sim {

/// MULTILINK_LONG=1: there is an hour for the tests, not a minute.
inline bool is_long() {
  const char* const wanted = std::getenv("MULTILINK_LONG");
  return wanted != nullptr && std::string(wanted) == "1";
}

/// In the long runs, of which the figures are written down, 1 itself.
inline std::uint64_t seed() {
  return is_long() && std::getenv("MULTILINK_SEED") == nullptr ? 1 : seeded_random()() % 1'000'000;
}

/// Of what happens independently and is expected so often (Poisson): more than this once in ten million runs.
inline double most_by_chance(double expected) {
  double probability = std::exp(-expected);
  double beyond = 1 - probability;
  int most = 0;
  while (beyond > 1e-7) {
    probability *= expected / ++most;
    beyond -= probability;
  }
  return most;
}

}  // namespace multilink::sim
