// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/config.hpp"

namespace multilink {

/// The shortest file that means this configuration: only what differs from the defaults, the uplinks by precedence. parse_config()
/// of it gives the same configuration back, but for [notify], which is left out: its addresses may hold secrets.
std::string config_text(const Config& config);

/// 16 hex digits over [notify], by which a change of it is seen that is not published.
std::string notify_digest(const Config& config);

}  // namespace multilink
