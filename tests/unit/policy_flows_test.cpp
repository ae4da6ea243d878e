// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/policy_flows.hpp"

#include <gmock/gmock.h>

#include "fakes/connection_samples.hpp"

namespace multilink {
namespace policy_flows_test {

using fakes::tcp;
using fakes::translated;
using fakes::udp;

PolicyConfig named(std::string name) {
  PolicyConfig out;
  out.name = std::move(name);
  out.use = {"lte"};
  return out;
}

/// The gateway of connection_samples.hpp: wan1 is fibre, wan2 is lte.
class PolicyFlowsTest : public testing::Test {
 protected:
  PolicyFlowsTest() {
    for (const auto& [name, device] : {std::pair("fibre", "wan1"), std::pair("lte", "wan2")}) {
      auto& uplink = config_.uplinks.emplace_back();
      uplink.name = name;
      uplink.device = device;
    }
  }

  PolicyFlows flows() const { return {config_, fakes::gateway_state(), goes_by_}; }
  std::optional<std::string> policy_of(const Connection& connection) const {
    const auto flows = this->flows();
    const auto found = flows.policy_of(connection, inside_);
    return found ? std::optional(std::string(*found)) : std::nullopt;
  }
  bool may_stay(const Connection& connection, std::string_view uplink) const {
    return flows().may_stay(connection, inside_, uplink);
  }

  Config config_;
  PolicyUplinks goes_by_;
  InsideNetworks inside_ = fakes::gateway_inside();
  Connection page_ = translated(tcp("10.0.0.7:4000", "203.0.113.9:443"), "192.0.2.2");
  Connection query_ = translated(udp("10.0.0.8:4000", "203.0.113.9:53"), "192.0.2.2");
  Connection own_ = tcp("192.0.2.2:4000", "203.0.113.9:443");
};

TEST_F(PolicyFlowsTest, WithoutPoliciesEverythingIsTheMainChoices) {
  EXPECT_EQ(policy_of(page_), "");
  EXPECT_FALSE(may_stay(page_, "fibre"));
}

TEST_F(PolicyFlowsTest, EachSelectorCounts) {
  auto policy = named("it");
  const auto selects = [&](const Connection& connection) {
    config_.policies = {policy};
    return policy_of(connection) == "it";
  };
  policy.from = {IpPrefix::parse("10.0.0.7").value()};
  EXPECT_TRUE(selects(page_));
  EXPECT_FALSE(selects(query_));
  policy = named("it");
  policy.to = {IpPrefix::parse("203.0.113.0/24").value()};
  EXPECT_TRUE(selects(page_));
  EXPECT_FALSE(selects(tcp("10.0.0.7:4000", "8.8.8.8:443")));
  policy = named("it");
  policy.protocols = {ip_protocol::kTcp};
  policy.ports = {{400, 500}};
  EXPECT_TRUE(selects(page_));
  EXPECT_FALSE(selects(query_));
  EXPECT_FALSE(selects(tcp("10.0.0.7:443", "203.0.113.9:80"))) << "the destination's";
  policy = named("it");
  policy.iif = {"lan0"};
  EXPECT_TRUE(selects(page_));
  EXPECT_TRUE(selects(tcp("10.20.0.5:4000", "203.0.113.9:443"))) << "behind a router in the LAN";
  EXPECT_FALSE(selects(own_));
  policy.iif = {"lo"};
  EXPECT_TRUE(selects(own_));
  EXPECT_FALSE(selects(page_));
}

TEST_F(PolicyFlowsTest, TheDestinationIsWhereItWentAfterAllTranslation) {
  auto policy = named("it");
  policy.to = {IpPrefix::parse("203.0.113.9").value()};
  config_.policies = {policy};
  auto one = tcp("10.0.0.7:4000", "198.18.0.1:80");
  one.reply = fakes::tuple("203.0.113.9:443", "192.0.2.2:4000");
  EXPECT_EQ(policy_of(one), "it");
}

TEST_F(PolicyFlowsTest, TheFirstThatFitsHasIt) {
  auto from = named("from");
  from.from = {IpPrefix::parse("10.0.0.0/24").value()};
  auto web = named("web");
  web.protocols = {ip_protocol::kTcp};
  config_.policies = {from, web};
  EXPECT_EQ(policy_of(page_), "from");
  config_.policies = {web, from};
  EXPECT_EQ(policy_of(page_), "web");
  EXPECT_EQ(policy_of(query_), "from");
}

TEST_F(PolicyFlowsTest, WhatGoesByThisVeryUplinkStays) {
  auto web = named("web");
  web.protocols = {ip_protocol::kTcp};
  config_.policies = {web};
  goes_by_["web"][Family::v4] = "wan2";
  EXPECT_TRUE(may_stay(page_, "lte"));
  EXPECT_FALSE(may_stay(page_, "fibre"));
  EXPECT_FALSE(may_stay(query_, "lte"));
  goes_by_["web"][Family::v4] = std::nullopt;  // refused
  EXPECT_FALSE(may_stay(page_, "lte"));
}

TEST_F(PolicyFlowsTest, WhetherAMarkSelectedItIsNotKnown) {
  auto marked = named("marked");
  marked.mark = MarkMatch{1, 0xff};
  auto web = named("web");
  web.protocols = {ip_protocol::kTcp};
  config_.policies = {marked, web};
  goes_by_["marked"][Family::v4] = "wan2";
  goes_by_["web"][Family::v4] = "wan1";
  EXPECT_EQ(policy_of(page_), std::nullopt);
  EXPECT_TRUE(may_stay(page_, "lte"));
  EXPECT_TRUE(may_stay(page_, "fibre"));
}

TEST_F(PolicyFlowsTest, AnOrderIsAboutEverybodyWhoDoesNotStayOrAboutSomeOnly) {
  auto web = named("web");
  web.protocols = {ip_protocol::kTcp};
  config_.policies = {web};
  goes_by_["web"][Family::v4] = "wan2";
  EvictionOrder order{"lte", 2, Family::v4, EvictionScope::all, EvictionCause::down};
  EXPECT_FALSE(flows().is_about(order, page_, inside_));
  EXPECT_TRUE(flows().is_about(order, query_, inside_));
  order.only_of = {""};
  EXPECT_FALSE(flows().is_about(order, page_, inside_));
  EXPECT_TRUE(flows().is_about(order, query_, inside_));
  order.only_of = {"web", "mail"};
  EXPECT_TRUE(flows().is_about(order, page_, inside_));
  EXPECT_FALSE(flows().is_about(order, query_, inside_));
}

}  // namespace policy_flows_test
}  // namespace multilink
