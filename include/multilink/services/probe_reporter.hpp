// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "multilink/core/probe_ledger.hpp"
#include "multilink/core/probe_scores.hpp"
#include "multilink/core/rate_limit.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {

/// Writes what pingd sees into Redis: settled probes, link facts, events.
///
/// What changes nobody's mind may wait for company: an answer after an answer is written within kGather,
/// together with those of the other uplinks. A loss, a correction, the first answer, burst probes and facts
/// are written at once. Every write can be repeated without harm, so whatever Redis has not confirmed is
/// written again (an event may then be there twice, with the same id).
///
/// Since pingd reads nothing there, it cannot know that somebody has spoilt its keys: the facts are written
/// anew each kRefresh over whatever is there, and what cannot be a probe of ours by its score is taken away.
///
/// Without Redis, each uplink's probes of the last kKept are kept (at most kMostKept) and written when it is
/// back; so are the facts, always the newest.
///
/// A Redis that is full is given room: of the probes, the older half of the time goes, and again, as long as it is full,
/// down to kLeastHistory or what set_history() asks for in any case.
class ProbeReporter {
 public:
  static constexpr Duration kGather = std::chrono::milliseconds(100);
  static constexpr Duration kRetry = std::chrono::seconds(1);
  static constexpr Duration kKept = std::chrono::minutes(2);
  static constexpr std::size_t kMostKept = 4096;
  static constexpr std::size_t kMostEventsKept = 256;
  static constexpr Duration kRefresh = std::chrono::seconds(5);
  static constexpr Duration kLeastHistory = std::chrono::minutes(10);
  static constexpr Duration kComplainEvery = std::chrono::seconds(10);
  static constexpr Duration kTrimEvery = std::chrono::seconds(30);
  static constexpr int kMostStored = 20000;  ///< probes of one uplink in Redis, whatever their age

  ProbeReporter(Scheduler& scheduler, Store& store, Log& log, RedisKeys keys, std::string boot);

  /// How long Redis keeps single probes, where it has room for them, and how long in any case: healthd rebuilds its windows from
  /// them.
  void set_history(Duration history, Duration least) {
    history_ = history;
    least_ = std::max(least, kLeastHistory);
  }

  void add_probe(const std::string& uplink, const SettledProbe& probe);
  void set_link(const std::string& uplink, LinkRecord record);
  void add_event(EventRecord event);
  /// The uplink is no longer configured: its probes and facts leave Redis.
  void forget(const std::string& uplink);

  /// Redis has come (back), maybe empty: writes all facts anew and everything that has waited.
  void on_ready();
  /// Writes now what is waiting.
  void flush();

 private:
  using ProbeKey = std::pair<Family, std::uint64_t>;  ///< in one family in order of sending
  using Probes = std::map<ProbeKey, SettledProbe>;
  struct Uplink {
    Probes unwritten;
    std::map<Family, Outcome> last;
    std::optional<LinkRecord> link;
    std::optional<MonoTime> trimmed;
  };
  /// What one call of Store::run carries, to be taken up again if it fails.
  struct Batch {
    std::map<std::string, Probes> probes;
    std::set<std::string> links;
    std::set<std::string> forgotten;
    std::deque<EventRecord> events;
    std::vector<Store::Command> commands;
  };

  bool is_urgent(Uplink& uplink, const SettledProbe& probe) const;
  void schedule(Duration delay);
  void refresh();
  Batch take_batch();
  void append_probes(Batch& batch, const std::string& name, Uplink& uplink);
  Store::Command removal_of_the_old(const std::string& key) const;
  Store::Command removal_of_the_future(const std::string& key);
  void append_trim(Batch& batch, const std::string& key, Uplink& uplink);
  void on_written(const std::shared_ptr<Batch>& batch, const Result<std::vector<Reply>>& replies);
  /// The first refusal among the replies.
  static std::optional<std::string> find_refusal(const Batch& batch, const std::vector<Reply>& replies);
  /// All else in a batch can be written twice without harm; an event shows.
  static void keep_refused_events(Batch& batch, const std::vector<Reply>& replies);
  void take_back(Batch batch);
  /// Whether there was something that could go.
  bool make_room();
  void note_problem(const std::string& problem);
  void drop_oldest(Uplink& uplink) const;

  Scheduler& scheduler_;
  Store& store_;
  Log& log_;
  RedisKeys keys_;
  std::string boot_;
  Duration history_ = std::chrono::hours(1);
  Duration least_ = kLeastHistory;

  std::map<std::string, Uplink> uplinks_;
  std::set<std::string> links_due_;
  std::set<std::string> forgotten_;
  std::deque<EventRecord> events_;
  ProbeScores scores_;
  std::string problem_;  ///< the last one that was logged; empty: Redis takes what is written
  RateLimit complaint_pace_{kComplainEvery};
  std::optional<MonoTime> due_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Timer> refresh_timer_;
};

}  // namespace multilink
