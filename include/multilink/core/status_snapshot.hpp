// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/history_series.hpp"
#include "multilink/core/proxy_record.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What a reader of Redis knows of the suite at one moment: what the status page and multilinkctl show. A
/// record that is missing or was refused is an Error that says so, never a guess.

/// The latest settled probes of an uplink and family.
struct RecentProbes {
  unsigned settled = 0;  ///< how many were looked at
  unsigned lost = 0;     ///< of these
  ProbeRecord last;

  bool operator==(const RecentProbes&) const = default;
};

/// The history of an uplink and family that the page shows.
struct ShownHistory {
  HistorySeries day;    ///< the minutes of the last 24 h
  HistorySeries chart;  ///< what the charts are drawn from; empty: the day

  bool operator==(const ShownHistory&) const = default;
};

struct UplinkStatus {
  std::string name;
  Result<LinkRecord> link;
  Result<HealthRecord> health;
  Result<bool> usable;  ///< the public status: TRUE or FALSE
  std::map<Family, Result<bool>> usable_in;
  std::map<Family, RecentProbes> recent;        ///< families without a settled probe are absent
  std::map<Family, ShownHistory> history = {};  ///< of the families shown, if it was asked for
  std::optional<ProxyRecord> proxy = {};  ///< of the web proxy's parent; none: no proxy, or it says nothing

  bool operator==(const UplinkStatus&) const = default;
};

struct DaemonStatus {
  std::string name;
  Result<DaemonRecord> record;  ///< an Error: it does not report, so it does not run (or not with this Redis)

  bool operator==(const DaemonStatus&) const = default;
};

/// Something in Redis that was refused: shown, and otherwise treated as absent.
struct StatusProblem {
  std::string where;  ///< the key
  std::string reason;

  bool operator==(const StatusProblem&) const = default;
};

struct StatusSnapshot {
  std::string site;
  WallTime at;                        ///< when it was read
  std::vector<UplinkStatus> uplinks;  ///< best first
  Result<RoutingRecord> routing;
  std::vector<DaemonStatus> daemons;
  std::vector<EventRecord> events;  ///< the latest, newest first
  std::vector<StatusProblem> problems;
  std::vector<std::string> config_problems = {};  ///< why the configuration file is refused; empty: it is not

  bool operator==(const StatusSnapshot&) const = default;
};

/// The daemon that has work only where [notify] names a receiver.
inline constexpr std::string_view kNotifier = "notifyd";
/// The names under which daemons report that they live, in the order of the data's way through the suite.
inline constexpr std::array<std::string_view, 4> kDaemonNames{"pingd", "healthd", "routed", kNotifier};

/// What is wrong where a daemon has no record.
inline constexpr const char* kNoDaemon = "it does not run, or not with this Redis, or Redis is full";

/// Nobody misses a notifyd that does not run where there is nobody to tell: by the word of the daemons that report.
void leave_out_idle_notifier(StatusSnapshot& snapshot);

/// Whether the default route in force leads through the uplink, as read back from the kernel; nullopt where
/// routed has not said.
std::optional<bool> carries_default(const StatusSnapshot& snapshot, std::string_view uplink, Family family);

/// The families worth a line for this uplink: those it has an address in, and IPv4 in any case, so that every
/// uplink is seen and an uplink without IPv6 does not look half dead.
std::vector<Family> families_shown(const UplinkStatus& uplink);

/// The health of one family, or nullptr where healthd's record is missing, refused or silent on it.
const HealthRecord::PerFamily* family_health(const UplinkStatus& uplink, Family family);

/// Which uplink a policy's traffic of a family goes by.
struct PolicyStatus {
  std::string policy;
  Family family = Family::v4;
  std::string uplink;  ///< empty: it is refused
};
/// By name. IPv6 is left out where no uplink has it: that all of it is refused there is no news.
std::vector<PolicyStatus> policies_shown(const StatusSnapshot& snapshot);

/// Why the family is as it is, in words: healthd's reason, or what is wrong with its record.
std::string reason_of(const UplinkStatus& uplink, Family family);

}  // namespace multilink
