// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "multilink/adapters/netlink_message.hpp"
#include "multilink/core/packet_filter.hpp"

namespace multilink {

/// Requests to nfnetlink about the table `inet multilink`, without sequence number and sender.

/// NFT_MSG_GET… (`type`), for all of the table with NLM_F_DUMP in `flags`.
NetlinkMessage nftables_request(int type, int flags);

/// The most tuples of one transaction, which must fit into a socket's buffer. An attribute holds some 1 200 of IPv6.
inline constexpr std::size_t kMostTuplesATransaction = 2000;
/// The transaction that adds the tuples, all of one family and at most kMostTuplesATransaction, to their set; those
/// that are there stay as they are.
std::vector<NetlinkMessage> add_tuples_request(std::span<const TcpTuple> tuples);

}  // namespace multilink
