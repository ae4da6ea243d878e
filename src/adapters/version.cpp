// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/version.hpp"

namespace multilink {

std::string_view version() {
  return MULTILINK_VERSION;
}

}  // namespace multilink
