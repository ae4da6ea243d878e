// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/newest_word.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"

namespace multilink {

/// The health records of uplinks by name.
using HealthRecords = std::map<std::string, HealthRecord>;

/// Takes the health records out of the replies to HGETALL of their keys, in the order of `names`. A key that is
/// missing gives nothing; one that cannot be understood neither, but a complaint.
HealthRecords understand_health(const std::vector<std::string>& names, const std::vector<Reply>& replies,
                                const RedisKeys& keys, Complaints& complaints, MonoTime now);

/// Whether the record is about this uplink as it is now: of this boot, and of its device. One that is not says
/// nothing. An uplink with a `mac` has its device under any name.
bool speaks_of(const HealthRecord& record, const UplinkConfig& uplink, std::string_view boot);

/// The commands that read the health of `names`.
std::vector<Store::Command> health_commands(const std::vector<std::string>& names, const RedisKeys& keys);

/// Keeps its owner informed of what healthd says: reads the key at each hint, all keys whenever Redis is back and
/// once a kSweep, so that a lost hint costs no more than that. What is older than what was heard before (NewestWord) is
/// passed over. One batch is under way at a time; hints that come
/// meanwhile are folded into the next one.
class HealthReader {
 public:
  static constexpr Duration kSweep = std::chrono::seconds(1);

  /// `noticed`: when the first hint came that led to this reading; of a sweep, when the replies came.
  using Heard = std::function<void(const HealthRecords& records, const Now& noticed)>;

  /// All must outlive this.
  HealthReader(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys, std::string boot, Heard heard);

  /// Call at the start and after each reload. Reads all anew.
  void set_uplinks(const Config& config);
  void on_ready();                         ///< Redis is back: reads all
  void on_hint(std::string_view payload);  ///< from the channel `status`: the uplink whose health changed

 private:
  void sweep();
  void read();
  bool is_current(const std::string& name, const HealthRecord& record, MonoTime now);
  void on_replies(const std::vector<std::string>& names, const std::optional<Now>& noticed,
                  const Result<std::vector<Reply>>& replies);

  Scheduler& scheduler_;
  Store& store_;
  RedisKeys keys_;
  std::string boot_;
  Heard heard_;
  Complaints complaints_;
  Complaints ages_;                           ///< of records that are sound else
  std::map<std::string, NewestWord> newest_;  ///< by uplink
  std::set<std::string> uplinks_;
  std::set<std::string> removed_;  ///< the configuration had them once
  std::set<std::string> due_;
  std::optional<Now> noticed_;  ///< the first hint since the last read began
  bool reading_ = false;
  bool is_hinted_ = false;  ///< in this turn
  std::unique_ptr<Timer> sweep_timer_;
};

}  // namespace multilink
