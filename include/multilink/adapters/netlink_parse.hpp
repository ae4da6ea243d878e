// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

struct nlmsghdr;

namespace multilink {

enum class Parsed : std::uint8_t {
  taken,      ///< appended to the state
  ignored,    ///< well-formed, but nothing that multilink decides by
  malformed,  ///< shorter than it says, or an impossible value: nothing was appended
};

/// Appends what a message of rtnetlink (RTM_NEW… or RTM_DEL…, read alike) tells of to the right list of
/// `state`. `message.nlmsg_len` bytes must be readable; of everything inside them, each length is checked
/// before it is used. Ignored are: table `local`, cached routes, broadcast and multicast, routes for one TOS
/// or one IPv6 source only, bridge ports; and, so that a host with the whole Internet's routes does not
/// drown, in `main` the specific routes of routing protocols (BGP and the like) and elsewhere all that is
/// neither a default nor ours.
Parsed parse_message(const nlmsghdr& message, const RoutingNumbers& numbers, KernelState& state);

/// parse_message() for whoever follows one packet: of the routes all that hold `destination`, in every table and of
/// every protocol and type, and no other. Ignored are still cached ones and those for one TOS or one IPv6 source only.
Parsed parse_message_about(const nlmsghdr& message, const IpAddress& destination,
                           const RoutingNumbers& numbers, KernelState& state);

}  // namespace multilink
