// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace multilink {

/// The version of the suite, as CMakeLists.txt has it.
std::string_view version();

}  // namespace multilink
