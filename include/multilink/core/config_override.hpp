// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// The uplink with settings changed ("key=value" each, the last of a key counts), as if its section said so: checked
/// by all rules of the file. The Error is complete, from the refused text to the remedy. Only settings that probing and
/// judging go by can be changed.
Result<UplinkConfig> with_settings(const UplinkConfig& uplink, const std::vector<std::string>& assignments);

}  // namespace multilink
