// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// The addresses that uplinks had until lately: sockets and connections bear an address longer than the device does.
class FormerAddresses {
 public:
  static constexpr Duration kKept = std::chrono::hours(1);
  /// The oldest goes first.
  static constexpr std::size_t kMost = 256;

  /// At each look at the kernel. `uplinks`: link indices.
  void see(const KernelState& state, const std::set<unsigned>& uplinks, MonoTime now);
  std::set<IpAddress> addresses() const;

 private:
  std::map<IpAddress, MonoTime> seen_;
};

/// What lies on this side of the uplinks: this host's own addresses, and every network to which the most specific
/// route of `main` leads through a device that is no uplink (the LAN, a tunnel). Defaults do not count, nor do the
/// halves and quarters of the Internet that VPN clients put in a default's place (shorter than /8, or than /7 in
/// IPv6).
class InsideNetworks {
 public:
  InsideNetworks() = default;
  /// `uplinks`: link indices. `former`: addresses that count as this host's besides those that it has.
  InsideNetworks(const KernelState& state, const std::set<unsigned>& uplinks,
                 const std::set<IpAddress>& former = {});

  /// An address of this host.
  bool is_host(const IpAddress& address) const { return host_.contains(address); }
  /// An address of this host, or of a network on this side.
  bool contains(const IpAddress& address) const { return is_host(address) || link_towards(address) != 0; }
  /// The index of the device towards an address of a network on this side; 0: it is in none.
  unsigned link_towards(const IpAddress& address) const;

 private:
  std::set<IpAddress> host_;
  /// By family and prefix length, longest first: networks, and the device towards each; 0: an uplink.
  std::map<Family, std::map<std::uint8_t, std::map<IpAddress, unsigned>, std::greater<>>> networks_;
};

}  // namespace multilink
