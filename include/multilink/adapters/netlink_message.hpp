// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/route_lookup.hpp"

struct nl_msg;

namespace multilink {

struct FreeNetlinkMessage {
  void operator()(nl_msg* message) const;
};
using NetlinkMessage = std::unique_ptr<nl_msg, FreeNetlinkMessage>;

/// Requests to rtnetlink, without sequence number and sender: the socket fills these in. The Error of each is
/// EMSGSIZE, for a route of more next hops than a message holds (some 2 000).

/// How a route's next hops are written. The kernel compares a plain one with the first hop of a multipath
/// route only; one written as a list of one is compared with the whole list.
enum class HopForm : std::uint8_t { plain, always_list };

/// RTM_NEWROUTE or RTM_DELROUTE (`type`) with the flags NLM_F_*.
Result<NetlinkMessage> route_request(int type, int flags, const Route& route, HopForm form = HopForm::plain);
/// RTM_NEWRULE or RTM_DELRULE.
Result<NetlinkMessage> rule_request(int type, int flags, const Rule& rule);

/// RTM_GETROUTE for one packet, as of the flow's user. `iif` and `oif`: the indexes of the flow's devices; 0: none.
Result<NetlinkMessage> route_lookup_request(const Flow& flow, unsigned iif, unsigned oif);

/// A dump of all links, and of all addresses or rules of a family.
Result<NetlinkMessage> link_dump_request();
Result<NetlinkMessage> address_dump_request(Family family);
Result<NetlinkMessage> rule_dump_request(Family family);
/// A dump of the routes of a family: of one table, or of all with table 0; of one protocol, or of all with 0.
Result<NetlinkMessage> route_dump_request(Family family, std::uint32_t table, std::uint8_t protocol);

}  // namespace multilink
