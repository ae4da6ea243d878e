// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/redis_keys.hpp"
#include "multilink/core/status_snapshot.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// The two batches of the status reader: for each, the commands, and what their replies say. The replies are
/// as many as the commands, in their order.

std::vector<Store::Command> suite_commands(const RedisKeys& keys);
/// Fills in routing, daemons, events and the names of the uplinks (with nothing known of them yet).
void take_suite_replies(const RedisKeys& keys, const std::vector<Reply>& replies, StatusSnapshot& snapshot);

std::vector<Store::Command> uplink_commands(const RedisKeys& keys, std::string_view uplink);
/// How many commands uplink_commands() gives.
inline constexpr std::size_t kUplinkCommands = 7;
void take_uplink_replies(const RedisKeys& keys, std::span<const Reply> replies, UplinkStatus& uplink,
                         std::vector<StatusProblem>& problems);

/// So many of the newest events are read.
inline constexpr unsigned kEventsShown = 20;
/// Of one entry in the reply of XREVRANGE: [id, [field, value, …]].
Result<std::string> id_of_entry(const Reply& entry);
Result<EventRecord> decode_event(const Reply& entry);

}  // namespace multilink
