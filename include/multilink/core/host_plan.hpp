// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "multilink/core/host_check.hpp"

namespace multilink {

/// What is to be done about the settings of the host, and what of it was done before.

/// A setting that is kept at another value than the administrator's.
struct KeptSetting {
  WantedSetting wanted;
  int original = 0;
  bool is_set = false;             ///< it has the value already
  std::optional<int> before = {};  ///< the other value of ours that it has until it is written

  bool operator==(const KeptSetting&) const = default;
};

/// A setting that gets its original value back: it is wanted no longer, and still has ours.
struct RestoredSetting {
  std::string path;
  ChangedSetting changed;

  bool operator==(const RestoredSetting&) const = default;
};

struct HostPlan {
  std::vector<KeptSetting> kept;
  std::vector<RestoredSetting> restored;
  std::vector<std::string> warnings;  ///< as in HostFindings

  /// What must be remembered before anything is written, so that a crash in between loses no original value.
  std::vector<ChangedSetting> remembered_before() const;
  /// And after.
  std::vector<ChangedSetting> remembered_after() const;

  bool operator==(const HostPlan&) const = default;
};

/// `settings` are as read, `changed` as remembered: where a setting has the value that was given to it, the original one
/// counts as the administrator's. Where it has another one, somebody has set it since: that is the administrator's now.
/// An empty configuration wants nothing: everything is restored.
HostPlan plan_host(const Config& config, const KernelState& state, const HostSettings& settings,
                   const std::vector<ChangedSetting>& changed, const RoutingNumbers& numbers);

/// The paths that plan_host() wants to know.
std::vector<std::string> settings_to_read(const Config& config, const KernelState& state,
                                          const std::vector<ChangedSetting>& changed);

/// "sysctl -w net.ipv4.conf.wan1.rp_filter=2", for each write that is left to do.
std::vector<std::string> commands_of(const HostPlan& plan);

}  // namespace multilink
