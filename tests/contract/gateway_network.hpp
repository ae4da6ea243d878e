// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "contract/network_namespace.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/core/packet_filter.hpp"

namespace multilink {

/// Where a socket or a command lives.
enum class Place : std::uint8_t { client, gateway, internet };

/// A client, a gateway with two uplinks, and the Internet, in namespaces of their own and in both families:
///
///     client .2 -- 192.168.77.0/24 -- .1 lan0 (gateway) wan1 .2 -- 192.0.2.0/24 ---- .1 isp1 (Internet) 203.0.113.10
///                  fd77::/64                          wan2 .2 -- 198.51.100.0/24 - .1 isp2
///                                                                2001:db8:1::/64, 2001:db8:2::/64    2001:db8:ff::10
///
/// The Internet answers by the uplink whose network the address is in, and knows no others. The gateway translates
/// nothing, and has no rule and no default yet; its filter is in it and empty.
class GatewayNetwork {
 public:
  static constexpr std::uint32_t kMask = 0x3f000000;

  GatewayNetwork();
  ~GatewayNetwork();
  GatewayNetwork(const GatewayNetwork&) = delete;
  GatewayNetwork& operator=(const GatewayNetwork&) = delete;

  void enter(Place place) const;  ///< this thread, for good; the one that made this is in the gateway
  /// Runs `work` on this thread inside the place.
  void in(Place place, const std::function<void()>& work);
  void ip(Place place, std::string_view lines);  ///< commands of iproute2, a line each
  void nft(Place place, std::string_view commands);
  std::string ruleset(std::string_view what);                               ///< `nft list` in the gateway
  void sysctl(Place place, std::string_view path, std::string_view value);  ///< path below /proc/sys/net

  PacketFilter& filter() { return *filter_; }
  EventLoop& loop() { return *loop_; }
  /// What routed would ask for.
  PacketFilterTable table() const;
  void put_in_force(const PacketFilterTable& table);  ///< which must succeed
  void put_in_force() { put_in_force(table()); }

  void use(unsigned uplink);  ///< main's default of both families
  /// Tables 7001 and 7002, and the rules by which marked packets find them.
  void add_pin_rules();
  /// An administrator's own NAT.
  void masquerade();

  IpAddress server(Family family) const;
  IpAddress client(Family family) const;
  IpAddress gateway(Family family) const;  ///< in the LAN
  IpAddress own(unsigned uplink, Family family) const;
  unsigned uplink_at(unsigned link_index) const;  ///< of the Internet's devices: 1 or 2; 0: neither
  /// What conntrack in the gateway has as mark for the flow whose line holds `what`; all ones when it has none.
  std::uint32_t mark_of(std::string_view what);
  void forget_connections();  ///< all of conntrack's entries in the gateway

 private:
  void connect();

  NetworkNamespace home_;  ///< first, last to go
  int client_, gateway_, internet_;
  unsigned isp1_ = 0, isp2_ = 0;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<NftablesFilter> filter_;
};

}  // namespace multilink
