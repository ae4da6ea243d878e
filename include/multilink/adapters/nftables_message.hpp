// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "multilink/adapters/netlink_message.hpp"
#include "multilink/core/packet_filter.hpp"

struct nlmsghdr;

namespace multilink {

/// Requests to nfnetlink about the table `inet multilink`, without sequence number and sender.

/// NFT_MSG_GET… (`type`), for all of the table with NLM_F_DUMP in `flags`; of elements, for those of
/// the set `set`.
NetlinkMessage nftables_request(int type, int flags, std::string_view set = {});

/// The most tuples of one transaction, which must fit into a socket's buffer. An attribute holds some 1 200 of IPv6.
inline constexpr std::size_t kMostTuplesATransaction = 2000;
/// The transaction that adds the tuples, all of one family and at most kMostTuplesATransaction, to their set; those
/// that are there stay as they are.
std::vector<NetlinkMessage> add_tuples_request(std::span<const TcpTuple> tuples);

/// The transaction that makes the table `inet multilink_nat`, for as long as the socket that sends it is open and whoever
/// flushes the ruleset (NFT_TABLE_F_OWNER, Linux 5.12). Where a network namespace has no nat chain left the kernel translates
/// nothing, and where no rule asks for a connection's state it tracks nothing, established connections included: what a
/// server sends to one of them is then for this host itself, which answers it with a reset. So it holds such a chain and such a
/// rule, which decides nothing.
std::vector<NetlinkMessage> hold_nat_request();
std::vector<NetlinkMessage> release_nat_request();

/// Whether a notification is about the table: every one but that of a generation has the name of its table as attribute 1.
bool is_about_our_table(const nlmsghdr& message);

}  // namespace multilink
