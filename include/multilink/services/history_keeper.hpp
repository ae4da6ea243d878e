// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "multilink/core/history_recorder.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"
#include "multilink/services/watched_uplink.hpp"

namespace multilink {

/// Keeps the history of all uplinks in Redis: one small write an uplink and minute, and a read an hour. It never waits in
/// front of a decision: one batch is under way at a time, of kMostAtOnce uplinks, and a refusal (Redis is full) is tried
/// again after kPause. What is over stays for as long as its recorder still has it.
class HistoryKeeper {
 public:
  using Uplinks = std::map<std::string, WatchedUplink, std::less<>>;
  static constexpr std::size_t kMostAtOnce = 32;
  static constexpr Duration kPause = std::chrono::minutes(1);

  /// All must outlive this.
  HistoryKeeper(Store& store, const RedisKeys& keys, Complaints& complaints, Uplinks& uplinks);

  /// Connected (again): Redis may have lost what was written.
  void begin_anew();
  /// To be called about each second.
  void sweep(MonoTime now);
  /// The daemon ends in order: writes the minute and the hour that are not yet over.
  void finish();

 private:
  using Name = std::pair<std::string, Family>;
  struct Batch {
    std::vector<Store::Command> commands;
    struct Read {
      Name name;
      HistoryTime hour;
      std::size_t at;  // of its command
    };
    std::vector<Read> reads;
    std::set<Name> writes;
  };

  HistoryRecorder* find(const Name& name);
  void append_read(const Name& name, HistoryTime hour, Batch& batch) const;
  void append_write(const Name& name, const HistoryWrite& write, Batch& batch);
  bool append(const Name& name, bool unfinished, Batch& batch);
  void done(const Batch& batch, const Result<std::vector<Reply>>& replies, MonoTime now);
  void take_up(const Batch::Read& read, const Reply& reply, MonoTime now);

  Store& store_;
  const RedisKeys& keys_;
  Complaints& complaints_;
  Uplinks& uplinks_;
  std::set<std::string, std::less<>> begun_;  // keys that have their full length and their time to live
  bool is_busy_ = false;
  std::string next_;  // the uplink to go on with
  std::optional<MonoTime> not_before_;
};

}  // namespace multilink
