// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/adapters/netlink_parse.hpp"

namespace multilink {

/// parse_message() for RTM_NEWROUTE and RTM_DELROUTE.
Parsed parse_route(const nlmsghdr& message, const RoutingNumbers& numbers, KernelState& state);
/// Likewise for parse_message_about().
Parsed parse_route_about(const nlmsghdr& message, const IpAddress& destination, KernelState& state);

}  // namespace multilink
