// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// How many entries the stream of events keeps, about.
inline constexpr int kMostEvents = 10000;

/// HSET of all fields.
Store::Command hash_write(std::string key, const Fields& fields);
/// XADD to the stream of events, which stays capped.
Store::Command event_write(const RedisKeys& keys, const EventRecord& event);

}  // namespace multilink
