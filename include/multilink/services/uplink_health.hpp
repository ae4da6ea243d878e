// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "multilink/core/admin_order.hpp"
#include "multilink/core/config.hpp"
#include "multilink/core/health_machine.hpp"
#include "multilink/core/history_recorder.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// The health of one uplink, both families: probes and link facts in, the record and the events for Redis out.
class UplinkHealth {
 public:
  /// `boot` is this kernel's: records of another boot have times that mean nothing here.
  UplinkHealth(const UplinkConfig& uplink, std::string boot, const Now& now);

  /// A new configuration. With another device everything is forgotten: what was measured was another link.
  void configure(const UplinkConfig& uplink, const Now& now);
  /// What the administrator has ordered, whether or not it is over; none: nothing. From then on advance() keeps to it.
  void order(const std::optional<AdminRecord>& asked, const Now& now);
  /// The same before anything was shown: what is stored is replayed under it.
  void begin_under(const std::optional<AdminRecord>& asked, const Now& now);

  /// Shows settled probes, in any order. The Error names the first that cannot be: its answer would come from
  /// the future. Those of another boot are left out in silence (Redis outlives a reboot), the rest counts.
  Result<void> observe(const std::vector<ProbeRecord>& probes, const Now& now);
  /// Facts about another device, or of another boot, are none.
  void report_link(const LinkRecord& link, const Now& now);
  void excuse_silence(const Now& now);
  /// Time has passed. After this the record is up to date and every change of state is among the events.
  void advance(const Now& now);

  /// What an earlier run of ours has said last, to be called before the stored probes are shown: states that they do not
  /// tell go on from there.
  void recall(const HealthRecord& stored, const Now& now);
  /// What is stored is what an earlier run of ours has said: to be called once, when what is stored has been
  /// shown. A state that is still the same began when it is said there, and is no event.
  void adopt(const std::optional<HealthRecord>& stored, const Now& now);

  const UplinkConfig& config() const { return config_; }
  /// Figures are rounded to what people and weights need, so that they do not change with every probe.
  HealthRecord record() const;
  bool has_losses() const;  ///< that a late answer could take back
  /// The history of a family, from its first probe on; of IPv4 in any case. Null: there is none. An uplink that is not
  /// enabled is not watched: its administrator has taken it out, not its ISP.
  HistoryRecorder* history(Family family);
  /// What has happened since the last call, oldest first.
  std::vector<EventRecord> take_events() { return std::exchange(events_, {}); }

 private:
  struct OneFamily {
    OneFamily(const UplinkConfig& uplink, Family family, WallTime now)
        : machine(uplink, family), since(now) {}
    HealthMachine machine;
    HistoryRecorder history;
    HealthState recorded = HealthState::unknown;  // what the history has been told
    WallTime since;
    std::string event;
    std::optional<MonoTime> decided;
  };

  void begin(const Now& now);
  /// The configuration as it is under the order in force.
  void apply_order();
  /// Sees to it that the order in force is what the time says; what changes is an event.
  void keep_order(const Now& now);
  void note_order(const AdminOrder& from, const Now& now);
  void note(Family family, OneFamily& one, const Transition& transition, const Now& now);
  void record_probes(OneFamily& one, const std::vector<ProbeRecord>& probes, const Now& now) const;
  void record_state(OneFamily& one, HealthState state, MonoTime at) const;

  UplinkConfig configured_;  // as the file has it
  UplinkConfig config_;      // under the order in force
  std::optional<AdminRecord> asked_;
  AdminOrder order_;
  std::string boot_;
  MonoTime begun_ = MonoTime::min();  // probes sent until then were of another device
  std::map<Family, OneFamily> families_;
  std::vector<EventRecord> events_;
};

}  // namespace multilink
