// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/config.hpp"

namespace multilink {

/// 16 hex digits (FNV-1a, 64 bits) over every value of a configuration, defaults included: daemons that show
/// the same digits run the same configuration, however its file is written. Not meant to resist an attacker.
std::string config_hash(const Config& config);

}  // namespace multilink
