// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/notify_config.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/notifier.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// What one receiver is still to be told: the events of the stream behind the last one that it has taken, in order, one
/// at a time. How far it has come is kept in Redis, so that a restart neither repeats nor leaves out; a receiver that is
/// new is told what happens from then on.
///
/// While it does not take the first one, that is tried again with growing pauses, for kOldest from when it happened;
/// the others wait behind it.
class AlertQueue {
 public:
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kMostPause = std::chrono::minutes(5);
  static constexpr Duration kOldest = std::chrono::hours(24);
  static constexpr unsigned kAtOnce = 32;  ///< events of one reading

  /// `name` is the receiver's in keys and in the log. All references outlive this.
  AlertQueue(Scheduler& scheduler, Store& store, Log& log, const RedisKeys& keys, std::string name,
             std::unique_ptr<Notifier> receiver);

  void set_wanted(std::vector<NotifyOn> on) { on_ = std::move(on); }
  /// Redis may have something new: reads, unless it is at it or busy with the last.
  void look();
  /// Redis was lost: what was asked of it gets no answer.
  void on_lost() { is_reading_ = false; }

 private:
  void read_position();
  void take_position(const std::vector<Reply>& replies);
  void read_events();
  void take_events(const Reply& reply);
  void deliver(const std::string& entry, const EventRecord& event);
  void on_delivered(const std::string& entry, const EventRecord& event, const Result<void>& outcome);
  void move_to(const std::string& entry);
  bool is_wanted(const EventRecord& event) const;

  Scheduler& scheduler_;
  Store& store_;
  Log& log_;
  const RedisKeys& keys_;
  std::string name_;
  std::unique_ptr<Notifier> receiver_;
  std::vector<NotifyOn> on_;
  std::optional<std::string> position_;  ///< the last entry that is done with; none: not read yet
  bool is_stored_ = true;                ///< the position, in Redis
  bool is_reading_ = false;
  bool is_delivering_ = false;
  unsigned failures_ = 0;  ///< of the first one, in a row
  std::unique_ptr<Timer> retry_;
  std::shared_ptr<int> life_ = std::make_shared<int>();
};

}  // namespace multilink
