// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/result.hpp"

namespace multilink {

/// The settings that multilink changes: those of a device on uplinks only, and those of the host (the network namespace)
/// where the configuration asks for it.
enum class KernelSetting : std::uint8_t {
  rp_filter,  ///< IPv4's check of sources: 0 off, 1 strict, 2 loose; the larger one of the device's and of `all` counts
  accept_ra,  ///< IPv6's router advertisements: 0 no, 1 unless the host forwards, 2 yes
  /// The host's: what the kernel picks one of several next hops by. 0: IPv4 the addresses, IPv6 the flow label and the protocol
  /// too; 1: addresses, ports and protocol; 2: those inside a tunnel; 3: what the fields say.
  ipv4_hash_policy,
  ipv6_hash_policy,
  ipv6_hash_fields,  ///< a mask for policy 3: 1 is the source's address, 2 the destination's
};

/// The wire tokens: their names.
std::string_view to_string(KernelSetting setting);

/// Whether each device has one of its own.
bool is_of_device(KernelSetting setting);

/// Where it is below /proc/sys: "net/ipv4/conf/wan1/rp_filter". `device` is a name as the kernel takes it; empty for a setting
/// of the host.
std::string path_of(KernelSetting setting, std::string_view device = {});
/// "net/ipv4/conf/DEVICE/NAME", `device` may be "all".
std::string ipv4_path(std::string_view device, std::string_view name);
std::string ipv6_path(std::string_view device, std::string_view name);
/// As sysctl(8) takes it: "net.ipv4.conf.wan1.rp_filter"; with slashes where the device's name has a dot.
std::string sysctl_name(std::string_view path);

/// One that was changed.
struct ChangedSetting {
  /// Stays when the device is renamed, and is never given to another one. 0: a setting of the host.
  unsigned link_index = 0;
  KernelSetting setting = KernelSetting::rp_filter;
  int original = 0;
  int ours = 0;

  auto operator<=>(const ChangedSetting&) const = default;
};

/// One a line, "INDEX SETTING ORIGINAL OURS", as the file has them that outlives a crash.
std::string encode_changed_settings(const std::vector<ChangedSetting>& changed);
/// An Error tells the first line that is none.
Result<std::vector<ChangedSetting>> parse_changed_settings(std::string_view text);

}  // namespace multilink
