// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <set>
#include <string>

#include "multilink/core/config.hpp"
#include "multilink/core/ip_address.hpp"

namespace multilink {

/// Which uplinks (devices as configured, by family) wait for the administrator before they carry again although they are
/// well: those with `failback = manual` that carried and have left. An uplink that has not carried yet does
/// not wait, so that at boot the best one gets the traffic whichever comes up first.
class FailbackHold {
 public:
  using Devices = std::set<std::string>;

  /// At a start: `in_force` carry since an earlier run. What became of the others then is not known: all of them that
  /// are `manual` wait.
  void adopt(const Config& config, Family family, const Devices& in_force);
  /// Who carries now, after each change.
  void see(const Config& config, Family family, const Devices& carriers);
  /// The administrator has spoken: nobody waits.
  void release() { held_.clear(); }

  const std::map<Family, Devices>& held() const { return held_; }

 private:
  std::map<Family, Devices> held_;
  std::map<Family, Devices> carriers_;
};

}  // namespace multilink
