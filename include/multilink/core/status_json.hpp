// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// The version of the shape that docs/status-json.md describes. Members may be added under the same version;
/// a change of meaning or a removal raises it.
inline constexpr int kStatusJsonVersion = 1;

/// The snapshot as a JSON document (UTF-8; bytes that are not become U+FFFD), indented by two spaces, with a
/// newline at the end.
std::string render_status_json(const StatusSnapshot& snapshot);
/// The document where there is no snapshot to show: `version`, and the reason as `unavailable`.
std::string render_unavailable_json(std::string_view reason);

}  // namespace multilink
