// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_hash.hpp"

#include <gtest/gtest.h>

#include <set>

namespace multilink {
namespace config_hash_test {

Config two_uplinks() {
  Config config;
  config.uplinks.resize(2);
  config.uplinks[0].device = config.uplinks[0].name = "eth0";
  config.uplinks[1].device = config.uplinks[1].name = "eth1";
  return config;
}

TEST(ConfigHash, IsSixteenHexDigitsAndTheSameForTheSameValues) {
  const auto hash = config_hash(two_uplinks());
  EXPECT_EQ(hash.size(), 16U);
  EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(hash, config_hash(two_uplinks()));
}

TEST(ConfigHash, ChangesWithEveryKindOfValue) {
  std::set<std::string> seen{config_hash(two_uplinks())};
  const auto is_new = [&](auto change) {
    auto config = two_uplinks();
    change(config);
    return seen.insert(config_hash(config)).second;
  };
  EXPECT_TRUE(is_new([](Config& c) { c.suite.site = "paris"; }));
  EXPECT_TRUE(is_new([](Config& c) { c.suite.hash = Hash::address; }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].weight = 2; }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[1].weight = 2; }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].masquerade = {Family::v4}; }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].metered = Duration::zero(); }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].loss_down = 0.25; }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].up_after = std::chrono::seconds(11); }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].latency_down = std::chrono::seconds(1); }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].targets = {*IpAddress::parse("192.0.2.1")}; }));
  EXPECT_TRUE(is_new([](Config& c) { c.uplinks[0].gateways[Family::v4] = *IpAddress::parse("192.0.2.1"); }));
  EXPECT_TRUE(is_new([](Config& c) { c.squid.enabled = true; }));
  EXPECT_TRUE(is_new([](Config& c) { c.squid.listen[0].port = 8080; }));
  EXPECT_TRUE(is_new([](Config& c) { c.policies.resize(1); }));
  EXPECT_TRUE(is_new([](Config& c) { c.policies.resize(2); }));
  EXPECT_TRUE(is_new([](Config& c) {
    c.policies.resize(1);
    c.policies[0].name = "voice";
  }));
  EXPECT_TRUE(is_new([](Config& c) {
    c.policies.resize(1);
    c.policies[0].use = {"eth1"};
  }));
  EXPECT_TRUE(is_new([](Config& c) {
    c.policies.resize(1);
    c.policies[0].ports = {{443, 443}};
  }));
  EXPECT_TRUE(is_new([](Config& c) { std::swap(c.uplinks[0], c.uplinks[1]); }));
}

}  // namespace config_hash_test
}  // namespace multilink
