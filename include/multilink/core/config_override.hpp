// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "multilink/core/config.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// The uplink with one setting changed, as if its section said "key = value": checked by all rules of the file. The
/// Error is complete, from the refused text to the remedy. Only settings that probing and judging go by can be changed.
Result<UplinkConfig> with_setting(const UplinkConfig& uplink, std::string_view assignment);

}  // namespace multilink
