// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

/// The status for a terminal: the verdict, a table of the uplinks in aligned columns, the daemons and the
/// last events. Plain ASCII; untrusted text cannot carry control characters into the terminal.
std::string render_status_text(const StatusSnapshot& snapshot);

}  // namespace multilink
