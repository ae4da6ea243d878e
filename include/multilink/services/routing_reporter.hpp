// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"

namespace multilink {

/// Writes what routed has read back from the kernel, and its events, into Redis: a change at once, the record
/// anew each kRefresh, since Redis may have lost it or somebody may have spoilt it. Events wait while Redis is
/// away, the newest kMostEventsKept of them.
class RoutingReporter {
 public:
  static constexpr Duration kRefresh = std::chrono::seconds(5);
  static constexpr Duration kRetry = std::chrono::seconds(1);
  static constexpr std::size_t kMostEventsKept = 256;

  /// All must outlive this.
  RoutingReporter(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys);

  /// What was said last: the start of what is said next.
  const RoutingRecord& record() const { return record_; }
  /// What is so now. Nothing is written if that was said already.
  void set(const RoutingRecord& record);
  /// Is written with the record that is set next, or by write_events().
  void add_event(EventRecord event);
  void write_events() { write(); }
  /// Redis has come (back), maybe empty. The first time, the record of an earlier run is read before it is
  /// overwritten: where the same uplinks carry still, it says since when, and how the last switch went.
  void on_ready();

 private:
  void write();
  void adopt(const RoutingRecord& earlier);
  void on_written(const std::vector<Store::Command>& commands, const std::deque<EventRecord>& events,
                  const Result<std::vector<Reply>>& replies);
  void write_in(Duration delay);

  Scheduler& scheduler_;
  Store& store_;
  RedisKeys keys_;
  Complaints complaints_;
  RoutingRecord record_;
  bool known_ = false;      ///< record_ was set
  bool announced_ = false;  ///< readers were told of record_
  bool adopted_ = false;    ///< the record of an earlier run was looked at
  std::deque<EventRecord> events_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
