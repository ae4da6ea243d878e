// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>
#include <string>
#include <vector>

#include "multilink/core/result.hpp"

namespace multilink {

/// The units of the Squids under systemd: multilink-squid.service is the child, multilink-squid@UPLINK.service a parent.
class SquidUnits {
 public:
  static bool has_systemd();  ///< it is this host's service manager

  static std::string unit_of(const std::string& uplink);
  static constexpr const char* kChild = "multilink-squid.service";

  /// Says as which user the parent runs. Not in force before load(). Gives whether that is new.
  Result<bool> set_user(const std::string& uplink, const std::string& user);
  void forget_user(const std::string& uplink);
  /// The uplinks whose parent's user has been said and not forgotten: there may be one that runs.
  std::set<std::string> known() const;
  Result<void> load();

  /// Starts it, or has it read its configuration anew if it runs already and `changed`.
  Result<void> run(const std::string& unit, bool changed);
  /// As another user, which a process that runs cannot become.
  Result<void> restart(const std::string& unit);
  Result<void> stop(const std::string& unit);
};

}  // namespace multilink
