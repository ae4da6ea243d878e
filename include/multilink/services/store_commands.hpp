// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// How many entries the stream of events keeps, about.
inline constexpr unsigned kMostEvents = 10000;

/// HSET of all fields.
Store::Command hash_write(std::string key, const Fields& fields);
/// Makes the key a hash of these fields and no others, whatever it is now, in one step: no reader sees it
/// missing, and where Redis has no room for it, it stays as it is. Appends kHashReplace commands.
void append_hash_replace(std::vector<Store::Command>& commands, const std::string& key, const Fields& fields);
inline constexpr std::size_t kHashReplace = 4;

/// XADD to the stream of events, which stays capped.
Store::Command event_write(const RedisKeys& keys, const EventRecord& event);

/// What a refusal is about: the command's key, or the command itself where it has none.
std::string_view subject_of(const Store::Command& command);
/// Why Redis refused; null if it did not.
const std::string* refusal_in(const Reply& reply);

/// Whether Redis has refused any of it because it is full (maxmemory with noeviction). Then it takes nothing but deletions,
/// times to live and messages.
bool is_full(const std::vector<Reply>& replies);
/// Deletes each key of `commands` that was refused for what it holds: a value of another type, or a stream
/// that takes no more entries. What was to be written there has to be written again.
void delete_spoilt_keys(Store& store, const std::vector<Store::Command>& commands,
                        const std::vector<Reply>& replies);

}  // namespace multilink
