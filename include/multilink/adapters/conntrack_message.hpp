// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/adapters/netlink_batch.hpp"
#include "multilink/adapters/netlink_message.hpp"
#include "multilink/adapters/netlink_parse.hpp"
#include "multilink/core/connection.hpp"
#include "multilink/core/kernel_state.hpp"

struct nlmsghdr;

namespace multilink {

/// Connection tracking in the kernel's words (linux/netfilter/nfnetlink_conntrack.h; Linux 4.3 and later).

/// A dump of the connections of a family whose mark & mark.mask == mark.value; the kernel filters.
NetlinkMessage connection_dump_request(Family family, const MarkMatch& mark);
/// Removal, unless another connection between the same ends has taken its place.
void add_removal(const Connection& connection, NetlinkBatch& batch);
/// Another mark, in the bits of its mask.
void add_marking(const Connection& connection, const MarkMatch& mark, NetlinkBatch& batch);
/// A connection that has not been there: for tests. TCP: in its state; it lasts `seconds`.
void add_creation(const Connection& connection, unsigned seconds, NetlinkBatch& batch);

/// Appends what a message of a dump tells of. `message.nlmsg_len` bytes must be readable; of everything inside them each
/// length is checked before it is used. Malformed is a connection without both tuples, or with addresses of two
/// families, too.
Parsed parse_connection(const nlmsghdr& message, std::vector<Connection>& connections);

}  // namespace multilink
