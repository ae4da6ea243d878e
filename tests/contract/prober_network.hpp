// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/network_namespace.hpp"
#include "multilink/core/ip_address.hpp"

namespace multilink {

/// A host with two links, up0 and up1, into the same subnet; behind each a neighbour of its own, with the
/// same addresses as the other. Either neighbour answers echo requests to kTarget, says of kNowhere that it
/// cannot be reached, and swallows what is for kSwallowed; likewise in IPv6, as the router fe80::1. The thread is on the host while this lives.
class ProberNetwork {
 public:
  static inline const IpAddress kTarget = *IpAddress::parse("203.0.113.7");
  static inline const IpAddress kNowhere = *IpAddress::parse("203.0.113.8");
  static inline const IpAddress kSwallowed = *IpAddress::parse("203.0.113.9");
  static inline const IpAddress kTarget6 = *IpAddress::parse("2001:db8:113::7");
  static inline const IpAddress kNowhere6 = *IpAddress::parse("2001:db8:113::8");
  static inline const IpAddress kSwallowed6 = *IpAddress::parse("2001:db8:113::9");

  ProberNetwork();
  ~ProberNetwork();
  ProberNetwork(const ProberNetwork&) = delete;
  ProberNetwork& operator=(const ProberNetwork&) = delete;

  unsigned link(unsigned number) const { return links_.at(number); }
  /// The neighbour behind the link answers no echo request any more.
  void silence(unsigned number);
  /// The neighbour behind the link sends this ICMP message to the host, so many times.
  void inject(unsigned number, Family family, const std::vector<std::uint8_t>& message, int times = 1);

 private:
  void build_host();
  void build_neighbour(unsigned number);

  NetworkNamespace host_;
  std::array<int, 2> neighbours_{-1, -1};  ///< their namespaces
  std::array<unsigned, 2> links_{};
};

}  // namespace multilink
