// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

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

inline std::uint64_t seed() {
  return seeded_random()() % 1'000'000;
}

}  // namespace multilink::sim
