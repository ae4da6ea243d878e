// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/dhcp_lease.hpp"
#include "multilink/core/host_check.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// What `multilinkctl doctor` looks at: what would keep multilink from working, or hurt traffic. Each check is pure: what was
/// found is handed in.

enum class Verdict : std::uint8_t {
  ok,
  note,     ///< good to know; or it could not be looked at
  problem,  ///< to be mended
};
std::string_view to_string(Verdict verdict);

/// A line of the report.
struct Check {
  std::string name;  ///< what was looked at: "configuration", "uplink fibre"
  Verdict verdict = Verdict::ok;
  std::string finding;      ///< for people
  std::string remedy = {};  ///< what to do; may be empty

  bool operator==(const Check&) const = default;
};
using Checks = std::vector<Check>;

Checks check_configuration(const ParsedConfig& parsed, const std::string& path,
                           const std::vector<std::string>& devices);

/// Their devices, carriers, addresses and gateways; a problem where nobody knows the gateway, or no uplink could carry.
Checks check_uplinks(const Config& config, const KernelState& state, const std::vector<DhcpLease>& leases,
                     const RoutingNumbers& numbers);

/// The kernel's settings.
Checks check_settings(const HostFindings& findings);

/// Rules of others: those that take everything before `main`, and those that go by marks with bits of ours.
Checks check_foreign_rules(const Config& config, const KernelState& state, const RoutingNumbers& numbers);

/// Whether other tables than ours set bits of `mark_mask`. `ruleset`: as `nft list ruleset` has it.
Checks check_foreign_marks(std::string_view ruleset, std::uint32_t mark_mask);

/// What came of trying a feature of the kernel.
struct FeatureTrial {
  std::string feature;
  std::string problem;  ///< empty: it works
  std::string remedy;   ///< where it does not
};
Checks check_features(const Result<std::vector<FeatureTrial>>& trials);

/// What came of logging in to Redis.
struct LoginTrial {
  std::string user;     ///< of the access control list
  std::string problem;  ///< empty: it got in, and may do its work
};
Checks check_logins(const std::vector<LoginTrial>& trials);

/// `records` by daemon, as they were read. `hash` is the file's; empty: the file is refused.
Checks check_daemons(const std::vector<std::pair<std::string, Result<DaemonRecord>>>& records,
                     std::string_view hash);

/// `shown`: as `systemctl show` has it, "Key=Value" lines. `needs`: capabilities, "cap_net_raw".
Checks check_unit(std::string_view unit, std::string_view shown, const std::vector<std::string>& needs);
/// Whether the target is started at boot.
Checks check_target(std::string_view shown);

/// `synchronised`: what the kernel says of it; none: it does not say.
Checks check_clock(WallTime now, std::optional<bool> synchronised);

/// Of systemd-networkd, which deletes routes and rules of others unless told not to. `files`: its configuration, in the order in which
/// it reads them.
Checks check_networkd(bool runs, const std::vector<std::string>& files);

std::string render_checks_text(const Checks& checks);
std::string render_checks_json(const Checks& checks);
std::size_t count_of(const Checks& checks, Verdict verdict);

}  // namespace multilink
