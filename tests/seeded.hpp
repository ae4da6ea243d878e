// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "multilink/core/text.hpp"

namespace multilink {

/// The randomness of one test: the same in each run, so that a red test is one that a change made red.
/// MULTILINK_SEED=N throws other dice.
inline std::mt19937_64 seeded_random() {
  const char* const wanted = std::getenv("MULTILINK_SEED");
  const auto given = parse_number<std::uint64_t>(wanted == nullptr ? "" : wanted);
  const std::uint64_t seed = given.value_or(1);
  std::cout << "MULTILINK_SEED=" << seed << "\n";
  return std::mt19937_64{seed};
}

}  // namespace multilink
