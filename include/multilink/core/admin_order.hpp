// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "multilink/core/config.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What is in force of the administrator's order for an uplink, and until when. A flag beside the states of health.
struct AdminOrder {
  AdminMode mode = AdminMode::none;
  std::optional<WallTime> until = {};  ///< none: until it is taken back
  std::string by = {};                 ///< who has asked for it; may be empty

  bool operator==(const AdminOrder&) const = default;
};

/// "disabled by root with multilinkctl until 2026-11-05T10:00:00Z"; for AdminMode::none "in use again".
std::string to_text(const AdminOrder& order);
/// "disabled", "drained", "in use": what an event goes from and to.
std::string_view word_of(AdminMode mode);

/// The configuration of an uplink, with the administrator's order as healthd's record tells it: what is disabled by either is
/// not enabled.
void apply_order(const HealthRecord& record, UplinkConfig& uplink);
/// The same for all of them; those of which there is no record are left as they are.
Config under_orders(Config config, const std::map<std::string, HealthRecord>& health);

/// `…:uplink:<name>:admin`: what multilinkctl was asked to do with an uplink. A key that is missing asks for nothing.
struct AdminRecord {
  static constexpr Duration kLongest = std::chrono::hours(24) * 366;

  AdminMode mode = AdminMode::none;
  WallTime since;                           ///< when it was asked for
  std::optional<WallTime> until;            ///< none: until it is taken back
  std::string boot;                         ///< of the kernel where it was asked for
  std::optional<MonoTime> until_mono = {};  ///< `until` by the monotonic clock of that boot
  std::string by = {};                      ///< who has asked; may be empty

  /// What is asked for at this moment, for `length` (none: until it is taken back).
  static AdminRecord make(AdminMode mode, std::optional<Duration> length, std::string boot, std::string by,
                          const Now& now);

  /// What of it is in force now. Within the boot in which it was asked for the monotonic clock tells when it ends, so that no
  /// step of the clock shortens or lengthens it; after a reboot the wall clock does.
  AdminOrder in_force(std::string_view this_boot, const Now& now) const;

  Fields encode() const;
  static Result<AdminRecord> decode(const Fields& fields);
  bool operator==(const AdminRecord&) const = default;
};

}  // namespace multilink
