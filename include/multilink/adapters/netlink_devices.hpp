// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/result.hpp"
#include "multilink/core/uplink_search.hpp"

namespace multilink {

/// What kinds of devices there are in this network namespace. Needs no right. The Error has the raw errno.
Result<std::vector<DeviceKind>> read_device_kinds();

}  // namespace multilink
