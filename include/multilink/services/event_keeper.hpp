// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"

namespace multilink {

/// Keeps the stream of events fit to be read. All daemons write it and none but healthd looks at it, so what
/// somebody else put there would stay until thousands of events have come after it.
class EventKeeper {
 public:
  /// All must outlive this.
  EventKeeper(Store& store, const RedisKeys& keys, Complaints& complaints)
      : store_(store), keys_(keys), complaints_(complaints) {}

  /// The command whose reply take() takes: the newest entries, as many as the status shows.
  Store::Command look() const;
  /// Deletes the entries that are no events; the stream itself when it is none, or when none of its newest
  /// entries is an event.
  void take(const Reply& reply, MonoTime now);

 private:
  Store& store_;
  const RedisKeys& keys_;
  Complaints& complaints_;
};

}  // namespace multilink
