// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "multilink/core/notify_config.hpp"
#include "multilink/core/section_keys.hpp"

namespace multilink {

/// A key of [notify].
using NotifyKey = SectionKey<NotifyConfig>;

/// The table of all keys, in the order in which config/interfaces.conf documents them.
const std::vector<NotifyKey>& notify_keys();

}  // namespace multilink
