// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/connection.hpp"

#include <bit>
#include <cassert>

namespace multilink {

std::uint32_t uplink_mark(unsigned index, std::uint32_t mask) {
  assert(mask != 0);
  const auto lowest = static_cast<unsigned>(std::countr_zero(mask));
  assert(index > 0 && index < (mask >> lowest) && "an index that the mask cannot hold");
  return index << lowest;
}

}  // namespace multilink
