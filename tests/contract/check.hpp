// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <system_error>

namespace multilink {

/// Throws std::system_error with errno and what was being done.
inline void check(bool good, const char* doing) {
  if (!good) throw std::system_error(errno, std::generic_category(), doing);
}

}  // namespace multilink
