// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "contract/gateway_sockets.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

/// Tests of the table with real packets, once for each family: a server in the Internet that answers when told to.
class FilteredGateway : public testing::TestWithParam<Family> {
 protected:
  static constexpr std::uint16_t kPort = 7000;

  /// The uplink by which a packet from `from` gets to the server, which answers; the answer must come back. 0: lost.
  unsigned exchange(UdpSocket& from) {
    const auto arrival = ask(from);
    if (!arrival) return 0;
    server_.send(arrival->from, "answer");
    const auto answer = from.receive();
    EXPECT_TRUE(answer) << "the answer was lost";
    return answer ? arrival->uplink : 0;
  }
  /// What gets to the server of a packet from `from`.
  std::optional<Arrival> ask(UdpSocket& from) {
    const auto text = cat("question ", ++questions_);
    from.send(server(), text);
    auto arrival = server_.receive(
        std::chrono::seconds(3));  // an unanswered neighbour solicitation is repeated after 1 s
    if (arrival) {
      EXPECT_EQ(arrival->text, text);
    }
    return arrival;
  }

  /// IPv4: rp_filter = 1. IPv6 has no such setting; the rule is that of firewalld.
  void strict_reverse_path() {
    for (const auto* device : {"wan1", "wan2"}) {
      net_.sysctl(Place::gateway, cat("ipv4/conf/", device, "/rp_filter"), "1");
      net_.sysctl(Place::gateway, cat("ipv4/conf/", device, "/src_valid_mark"), "1");
    }
    net_.nft(Place::gateway,
             "add table inet strict; add chain inet strict early { type filter hook prerouting priority "
             "filter + 10; }; "
             "add rule inet strict early icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; "
             "add rule inet strict early meta nfproto ipv6 fib saddr . mark . iif oif missing drop");
  }

  Endpoint server() const { return {net_.server(family_), kPort}; }
  std::uint32_t mark_of(const UdpSocket& socket) {
    return net_.mark_of(cat("sport=", socket.local().port, ' '));
  }
  static std::uint32_t mark(unsigned uplink) { return uplink << 24U; }

  const Family family_ = GetParam();
  GatewayNetwork net_;
  UdpSocket server_{net_, Place::internet, family_, {.address = net_.server(family_), .port = kPort}};
  unsigned questions_ = 0;
};

inline auto both_families() {
  return testing::Values(Family::v4, Family::v6);
}
inline std::string family_name(const testing::TestParamInfo<Family>& family) {
  return cat("IPv", to_string(family.param));
}

}  // namespace multilink
