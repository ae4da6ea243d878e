// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// The version of the shape that docs/status-json.md describes. Members may be added under the same version;
/// a change of meaning or a removal raises it.
inline constexpr int kStatusJsonVersion = 1;

/// The snapshot as a JSON document (UTF-8; bytes that are not become U+FFFD), indented by two spaces, with a
/// newline at the end.
std::string render_status_json(const StatusSnapshot& snapshot);

}  // namespace multilink
