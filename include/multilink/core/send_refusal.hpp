// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/ip_address.hpp"

namespace multilink {

/// What an administrator can do when this host itself refuses to send a probe to `target` through `device`
/// with this errno.
std::string remedy_for_refusal(int code, std::string_view device, const IpAddress& target);

}  // namespace multilink
