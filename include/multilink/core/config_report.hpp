// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "multilink/core/config.hpp"

namespace multilink {

/// What `--check` prints, the same from every executable. For a refused file: its errors, a line each, and
/// their number. For a valid one: the uplinks in order of precedence with what matters about each, then the
/// warnings (with those about devices that are not among `existing_devices`; an uplink with a mac is found by
/// it and not warned of), then the keys without effect. Every line ends in a newline.
std::string describe_check(const ParsedConfig& parsed, const std::vector<std::string>& existing_devices);

}  // namespace multilink
