// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/kernel_setting.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/routing_numbers.hpp"

namespace multilink {

/// What the kernel's own settings on this host do to legitimate traffic. Nothing is changed that is not an uplink's, but for
/// what the configuration itself asks for.

/// Values by their path below /proc/sys. What is not there (a family that is off, say) is absent, and is no fault.
using HostSettings = std::map<std::string, int>;

/// The paths that check_host() wants to know.
std::vector<std::string> settings_to_read(const Config& config, const KernelState& state);

/// A setting of an uplink, or of the host, that must have another value.
struct WantedSetting {
  unsigned link_index = 0;
  std::string device;  ///< as it is called now; empty for one of the host
  KernelSetting setting = KernelSetting::rp_filter;
  int value = 0;
  std::string reason;  ///< for people: what it would break
  /// The configuration asks for it: told only where it cannot be had.
  bool is_asked_for = false;

  std::string path() const { return path_of(setting, device); }
  bool operator==(const WantedSetting&) const = default;
};

struct HostFindings {
  std::vector<WantedSetting> wanted;
  std::vector<std::string> warnings;  ///< what is only told, with the remedy

  bool operator==(const HostFindings&) const = default;
};

/// `settings` are as the administrator has them: without our own changes.
///
/// Changed are
/// - *rp_filter* where it is strict on an uplink that is not the only one: answers to what is pinned to an uplink, to
///   its probes, and ICMP errors come in where the host itself would not send; the strict check drops them as soon as
///   another uplink carries, and the uplink never comes back. Loose is all that helps against each of them, with or
///   without marks.
/// - *accept_ra* where a forwarding host ignores router advertisements (1) on an uplink that has an IPv6 address, is to
///   learn its gateway (`gateway = auto`, and IPv6 targets), and has no default of another origin: the gateway that was
///   learned before would run out. Once it is so it stays, also while the device is without an address (`hearing`). A device without any IPv6 address gets none through multilink: that is only told, and
///   only where IPv6 is in use on the host.
///
/// - the host's *fib_multipath_hash_policy* where uplinks share a precedence, to what `hash` says. IPv6's policy 0 goes by the
///   flow label too, which differs from connection to connection: "address" takes policy 3 there, with both addresses.
///
/// Only told are forwarding that is off where there is a LAN, two uplinks in one network that answer ARP for each
/// other, and rules of others that take every packet before the table main (swallowing_rules.hpp).
///
/// `hearing`: the devices, by index, that were made to hear advertisements.
HostFindings check_host(const Config& config, const KernelState& state, const HostSettings& settings,
                        const RoutingNumbers& numbers, const std::set<unsigned>& hearing = {});

}  // namespace multilink
