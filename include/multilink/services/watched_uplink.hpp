// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "multilink/core/newest_word.hpp"
#include "multilink/core/probe_scores.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/complaints.hpp"
#include "multilink/services/published_health.hpp"
#include "multilink/services/uplink_health.hpp"

namespace multilink {

/// One uplink between Redis and its UplinkHealth: which commands to ask with, what the replies mean, what to
/// write then. It sends nothing itself.
///
/// Reads overlap, and what is read twice counts once: a read begins as far before the last one as a probe may
/// take to settle, so that nothing is missed, whenever and however often it happens.
class WatchedUplink {
 public:
  /// The first read takes so many of the newest probes: more than an hour of both families.
  static constexpr int kMostStored = 20000;
  static constexpr std::size_t kMostUnwritten = 64;

  /// The references must outlive it.
  WatchedUplink(const UplinkConfig& uplink, const std::string& boot, const RedisKeys& keys,
                Complaints& complaints, const Now& now);

  /// A new configuration of the uplink of that name.
  void configure(const UplinkConfig& uplink, const Now& now);
  void excuse_silence(const Now& now) { health_.excuse_silence(now); }
  HealthRecord record() const { return health_.record(); }
  HistoryRecorder* history(Family family) { return health_.history(family); }  ///< as UplinkHealth::history

  /// What one read asks for.
  struct Question {
    MonoTime at;
    std::size_t ranges = 0;  ///< of probes
    bool own_keys = false;   ///< and what the administrator has ordered
    unsigned writes = 0;     ///< that there had been by then
    std::size_t replies() const { return ranges + 1 + (own_keys ? 1 + PublishedHealth::kReads : 0); }
  };
  /// Appends the commands of a read. `closely` looks back for answers that came very late as well, and at the
  /// own keys and the administrator's order. The first read must be close.
  Question ask(bool closely, const ProbeScores& scores, const Now& now,
               std::vector<Store::Command>& commands) const;
  /// The replies to them. Facts about the link are believed while `pingd_lives` only.
  void take(const Question& question, std::span<const Reply> replies, bool pingd_lives, const Now& now);
  /// When what was read last had been asked for; none before the first read.
  std::optional<MonoTime> read_at() const { return read_; }
  bool is_known() const { return is_adopted_; }  ///< what is stored has been read

  /// What there is to write.
  struct Batch {
    std::vector<Store::Command> commands;
    std::size_t keys = 0;             ///< so many of the commands, then
    std::vector<EventRecord> events;  ///< one each, then a hint
    std::vector<EventRecord> fresh;   ///< of them, or of those that wait: what the log has not been told
  };
  /// News at once, mere figures only if asked to. Not before the first read.
  Batch write(bool with_figures, MonoTime now);
  /// What became of it.
  void written(Batch batch, const Result<std::vector<Reply>>& replies, const Now& now);

 private:
  bool take_probes(std::span<const Reply> ranges, const Now& now);
  void take_link(const Reply& reply, const Now& now);
  void take_admin(const Reply& reply, const Now& now);
  /// `differs`: they are not as we wrote them.
  void take_own_keys(const Result<std::optional<HealthRecord>>& stored, bool differs, const Now& now);

  const RedisKeys& keys_;
  Complaints& complaints_;
  std::string boot_;
  NewestWord link_;  // pingd's
  UplinkHealth health_;
  PublishedHealth published_;
  std::optional<MonoTime> read_;
  std::set<std::string, std::less<>> known_;  // the members of the last read
  bool is_adopted_ = false;
  unsigned writes_ = 0;
  std::vector<EventRecord> unwritten_;
};

}  // namespace multilink
