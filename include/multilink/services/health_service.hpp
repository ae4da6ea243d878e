// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/probe_scores.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/ports/supervisor.hpp"
#include "multilink/services/complaints.hpp"
#include "multilink/services/event_keeper.hpp"
#include "multilink/services/heartbeat.hpp"
#include "multilink/services/history_keeper.hpp"
#include "multilink/services/service.hpp"
#include "multilink/services/watched_uplink.hpp"

namespace multilink {

/// healthd: reads what pingd has measured, decides, publishes.
///
/// The keys are the truth; a hint only says where to look. At a hint it reads what is new of that uplink, each
/// kSweep what no hint has pointed to, and every kClosely sweeps it looks closely at all: for answers that came
/// very late, and at its own keys and the events, so that what somebody else writes there does not last.
///
/// It says nothing about an uplink before it has read what is stored of it; while Redis is away it decides
/// nothing, since it hears nothing. After each loss of Redis it looks closely first. One read is under way at a
/// time; hints that come meanwhile are answered by the next.
class HealthService final : public Service {
 public:
  static constexpr Duration kSweep = std::chrono::seconds(1);
  static constexpr unsigned kClosely = 5;
  /// Uplinks of one read: bounds the size of its replies.
  static constexpr std::size_t kMostHinted = 64;
  static constexpr std::size_t kMostClosely = 8;

  /// All outlive the service.
  struct Parts {
    Scheduler& scheduler;
    Store& store;  ///< not yet started
    Supervisor& supervisor;
    Log& log;
  };
  /// `boot`: 8 hex digits of the kernel's boot id. `self`: pid and version, for the Heartbeat.
  HealthService(const Parts& parts, const Config& config, std::string boot, DaemonRecord self);

  void start() override;
  void reload(const Config& config) override;
  void stop() override;

 private:
  using Commands = std::vector<Store::Command>;
  struct Read {
    bool closely = false;
    unsigned connection = 0;
    std::vector<std::pair<std::string, WatchedUplink::Question>> questions;
  };

  Now look_at_clocks();
  void configure();
  void schedule_sweep();
  void sweep();
  void on_ready();
  void on_lost();
  void on_hint(std::string_view channel, std::string_view name);

  void read_next();
  void on_read(const Read& read, const Result<std::vector<Reply>>& replies);
  void take_pingd(const Reply& reply, const Now& now);
  void take_list(const Reply& reply, const Now& now);

  void write(const std::string& name, bool with_figures);
  void tell_log(std::vector<EventRecord> events);
  void write_list(const Now& now);
  void tell_supervisor();

  Parts parts_;
  Config config_;
  RedisKeys keys_;
  std::string boot_;
  Heartbeat heartbeat_;
  Complaints complaints_;
  EventKeeper events_;
  ProbeScores scores_;
  std::map<std::string, WatchedUplink, std::less<>> uplinks_;
  HistoryKeeper history_;
  /// The key `uplinks`, as read or written last; none before the first read, empty when it is no sorted set.
  std::optional<std::map<std::string, double>> listed_;
  bool pingd_lives_ = false;

  std::unique_ptr<Timer> timer_;
  unsigned sweeps_ = 0;
  unsigned connection_ = 0;  // counts them: replies of an earlier one are of no use
  bool is_reading_ = false;
  bool was_close_ = false;  // the last read
  bool is_hinted_ = false;  // in this turn
  using Names = std::set<std::string, std::less<>>;
  Names wanted_;          // to be read next
  Names wanted_closely_;  // and then these
  std::string told_;      // to the service manager
};

}  // namespace multilink
