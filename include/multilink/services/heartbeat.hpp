// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "multilink/core/config.hpp"
#include "multilink/core/records.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// Says in Redis that a daemon lives: its record is written anew every kPeriod, whatever the key holds by then,
/// and vanishes kTimeToLive after the last time. Writes nothing while Redis is away. A Redis that is full still takes
/// deletions and times to live: the record stays, and loses the field that says that it is the daemon's latest word.
class Heartbeat {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(5);
  static constexpr Duration kTimeToLive = std::chrono::seconds(15);
  static constexpr Duration kAfterlife = kPeriod + std::chrono::seconds(1);

  /// `key` is RedisKeys::daemon(). Of `self`, pid and version are taken. The others must outlive this.
  Heartbeat(Scheduler& scheduler, Store& store, std::string key, DaemonRecord self);

  /// Call once, when the daemon starts.
  void start(const Config& config);
  void set_config(const Config& config);  ///< at each reload
  /// Writes the record now: for the moment Redis has come (back).
  void beat();
  /// The daemon ends in order: the record vanishes after kAfterlife. It is not deleted, since by now it may be
  /// another process' record: that one writes it anew before.
  void stop();

 private:
  void take(const Config& config);
  void schedule();
  Store::Command lives_for(Duration length) const;

  Scheduler& scheduler_;
  Store& store_;
  std::string key_;
  DaemonRecord record_;
  Fields config_;  ///< what of the configuration in force is published beside the record
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
