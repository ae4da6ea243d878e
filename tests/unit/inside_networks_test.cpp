// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/inside_networks.hpp"

#include <gtest/gtest.h>

#include "fakes/connection_samples.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace inside_networks_test {

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

Route route(std::string_view destination, std::vector<NextHop> hops) {
  Route out;
  out.table = kMainTable;
  out.destination = IpPrefix::parse(destination).value();
  out.next_hops = std::move(hops);
  return out;
}

bool contains(const KernelState& state, std::string_view text) {
  return InsideNetworks(state, {2, 3}).contains(address(text));
}

TEST(InsideNetworks, HoldThisHostAndItsLan) {
  const auto state = fakes::gateway_state();
  for (const auto inside : {"10.0.0.77", "10.20.3.4", "fd00::77", "10.0.0.1", "127.0.0.1", "192.0.2.2",
                            "198.51.100.2", "2001:db8:1::2"}) {
    EXPECT_TRUE(contains(state, inside)) << inside;
  }
  for (const auto outside : {"192.0.2.1", "198.51.100.77", "203.0.113.65", "8.8.8.8", "2001:db8:1::1",
                             "2001:db8:9::1", "10.21.0.1"}) {
    EXPECT_FALSE(contains(state, outside)) << outside;
  }
}

TEST(InsideNetworks, KnowThisHostsOwnAddressesFromThoseOfTheLan) {
  const auto inside = fakes::gateway_inside();
  EXPECT_TRUE(inside.is_host(address("10.0.0.1")));
  EXPECT_FALSE(inside.is_host(address("10.0.0.77")));
}

TEST(InsideNetworks, KeepAddressesThatThisHostHadUntilLately) {
  const InsideNetworks inside(fakes::gateway_state(), {2, 3}, {address("192.0.2.99")});
  EXPECT_TRUE(inside.is_host(address("192.0.2.99")));
  EXPECT_FALSE(inside.is_host(address("192.0.2.98")));
}

TEST(InsideNetworks, GoByTheMostSpecificRoute) {
  auto state = fakes::gateway_state();
  state.routes.push_back(route("10.20.5.0/24", {{3, address("198.51.100.1")}}));  // over an uplink
  state.routes.push_back(route("203.0.113.96/27", {{4, address("10.0.0.9")}}));   // back in again
  EXPECT_FALSE(contains(state, "10.20.5.1"));
  EXPECT_TRUE(contains(state, "10.20.6.1"));
  EXPECT_TRUE(contains(state, "203.0.113.97"));
  EXPECT_FALSE(contains(state, "203.0.113.65"));
}

TEST(InsideNetworks, ADefaultInPiecesIsNoNetwork) {
  auto state = fakes::gateway_state();
  for (const auto piece : {"0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", "2000::/3", "2000::/4"}) {
    state.routes.push_back(route(piece, {{9, std::nullopt}}));
  }
  EXPECT_FALSE(contains(state, "8.8.8.8"));
  EXPECT_FALSE(contains(state, "2001:db8:9::1"));
  state.routes.push_back(route("11.0.0.0/8", {{9, std::nullopt}}));
  state.routes.push_back(route("fc00::/7", {{9, std::nullopt}}));
  EXPECT_TRUE(contains(state, "11.1.1.1"));
  EXPECT_TRUE(contains(state, "fd77::1"));
}

TEST(InsideNetworks, OnlyRoutesThatLeadSomewhereCountAndNoneOverAnUplink) {
  auto state = fakes::gateway_state();
  auto nowhere = route("172.16.0.0/12", {});
  nowhere.type = RouteType::blackhole;
  state.routes.push_back(nowhere);
  auto elsewhere = route("172.17.0.0/16", {{4, std::nullopt}});
  elsewhere.table = 100;
  state.routes.push_back(elsewhere);
  state.routes.push_back(route("172.18.0.0/16", {{4, std::nullopt}, {3, std::nullopt}}));
  state.routes.push_back(route("172.19.0.0/16", {{4, std::nullopt}}));
  state.routes.push_back(route("172.19.0.0/16", {{3, std::nullopt}}));
  for (const auto outside : {"172.16.0.1", "172.17.0.1", "172.18.0.1", "172.19.0.1"}) {
    EXPECT_FALSE(contains(state, outside)) << outside;
  }
}

class FormerAddressesTest : public testing::Test {
 protected:
  void see() { former_.see(state_, {2, 3}, now_); }
  bool has(std::string_view text) const { return former_.addresses().contains(address(text)); }

  KernelState state_ = fakes::gateway_state();
  MonoTime now_{std::chrono::hours(5)};
  FormerAddresses former_;
};

TEST_F(FormerAddressesTest, AreThoseOfUplinksForAnHour) {
  see();
  EXPECT_TRUE(has("192.0.2.2"));
  EXPECT_TRUE(has("2001:db8:2::2"));
  EXPECT_FALSE(has("10.0.0.1"));
  std::erase_if(state_.addresses, [](const LinkAddress& address) { return address.link_index == 2; });
  now_ += FormerAddresses::kKept;
  see();
  EXPECT_TRUE(has("192.0.2.2"));
  now_ += std::chrono::nanoseconds(1);
  see();
  EXPECT_FALSE(has("192.0.2.2"));
  EXPECT_TRUE(has("198.51.100.2"));
}

TEST_F(FormerAddressesTest, DoNotGrowWithoutBound) {
  for (unsigned i = 0; i < 1000; ++i) {
    state_.addresses = {
        {2, IpPrefix::parse(cat("10.1.", i / 250, ".", i % 250, "/24")).value(), {}, false, true}};
    now_ += std::chrono::milliseconds(1);
    see();
  }
  EXPECT_EQ(former_.addresses().size(), FormerAddresses::kMost);
  EXPECT_TRUE(has("10.1.3.249"));
  EXPECT_FALSE(has("10.1.0.0"));
}

}  // namespace inside_networks_test
}  // namespace multilink
