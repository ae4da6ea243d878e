// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/unpinned_flows.hpp"

#include <gmock/gmock.h>

#include "fakes/connection_samples.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"

namespace multilink {
namespace unpinned_flows_test {

using fakes::tcp;
using fakes::translated;
using fakes::udp;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Connection answered(Connection connection) {
  connection.answered = true;
  return connection;
}

/// A gateway whose default leads by eth0, before multilink has begun.
class UnpinnedFlows : public testing::Test {
 protected:
  UnpinnedFlows() { fakes::add_two_uplinks_and_lan(kernel_); }

  std::map<unsigned, std::vector<Connection>> of(std::initializer_list<Connection> unmarked) {
    const auto state = kernel_.read().value();
    const unsigned first = kernel_.link("eth0").index;
    const unsigned second = kernel_.link("eth1").index;
    return unpinned_flows(unmarked, state, {{first, 1}, {second, 2}}, InsideNetworks(state, {first, second}));
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
};

TEST_F(UnpinnedFlows, WhatBearsARoutedAddressIsOfTheUplinkThatCarriesItNow) {
  const auto routed = answered(translated(tcp("10.0.0.7:4000", "203.0.113.9:443"), "198.18.0.9"));
  EXPECT_THAT(of({routed}), ElementsAre(Pair(1, ElementsAre(routed))));
  Route specific = fakes::default_via(kernel_, "198.51.100.1", "eth1", 0);
  specific.destination = fakes::prefix("203.0.113.0/24");
  ASSERT_TRUE(kernel_.add_route(specific));
  EXPECT_THAT(of({routed}), ElementsAre(Pair(2, ElementsAre(routed))));
}

TEST_F(UnpinnedFlows, ANetworkOfPublicAddressesInsideBearsItsOwn) {
  kernel_.add_address("lan", "198.18.0.1/24");
  const auto plain = answered(udp("198.18.0.7:4000", "203.0.113.9:443"));
  EXPECT_THAT(of({plain}), ElementsAre(Pair(1, ElementsAre(plain))));
}

TEST_F(UnpinnedFlows, AnAddressOfTheHostThatNoUplinkHasTellsNothing) {
  kernel_.add_link("dummy0");
  kernel_.add_address("dummy0", "198.18.0.9/32");
  const auto translated_to_it = answered(translated(tcp("10.0.0.7:4000", "203.0.113.9:443"), "198.18.0.9"));
  const auto own = answered(udp("198.18.0.9:4000", "203.0.113.9:443"));
  EXPECT_THAT(of({translated_to_it, own}), ElementsAre(Pair(1, ElementsAre(translated_to_it, own))));
}

TEST_F(UnpinnedFlows, WhatTheFilterKnowsByItsAddressOrWhatIsNoUplinksIsLeftOut) {
  kernel_.add_link("wg0");
  Route tunnel = fakes::default_via(kernel_, "10.9.0.1", "wg0", 0);
  tunnel.destination = fakes::prefix("203.0.113.0/24");
  tunnel.next_hops.front().gateway.reset();
  ASSERT_TRUE(kernel_.add_route(tunnel));
  EXPECT_THAT(of({answered(translated(tcp("10.0.0.7:1", "1.1.1.1:443"), "192.0.2.2")),     // masqueraded
                  answered(tcp("192.0.2.2:2", "1.1.1.1:443")),                             // of this host
                  answered(tcp("1.1.1.1:3", "192.0.2.2:22")),                              // from outside
                  answered(translated(tcp("10.0.0.7:4", "10.0.0.8:443"), "10.0.0.1")),     // inside
                  answered(translated(tcp("10.0.0.7:5", "203.0.113.9:443"), "10.9.0.2")),  // by a tunnel
                  translated(tcp("10.0.0.7:6", "1.1.1.1:443"), "198.18.0.9")}),            // nobody answers
              IsEmpty());
}

}  // namespace unpinned_flows_test
}  // namespace multilink
