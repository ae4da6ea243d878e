// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/connection_adoption.hpp"

#include <gmock/gmock.h>

#include <cerrno>

#include "fakes/connection_samples.hpp"
#include "fakes/fake_connections.hpp"

namespace multilink {
namespace {

using fakes::kMask;

class ConnectionAdoption : public testing::Test {
 protected:
  ConnectionAdoption() {
    connections_.add(fakes::translated(fakes::tcp("10.0.0.7:4000", "203.0.113.9:443", 0xff), "198.51.100.2"));
    connections_.add(fakes::tcp("[2001:db8:1::2]:4000", "[2001:db8:9::1]:443"));
    connections_.add(fakes::tcp("10.0.0.7:4000", "10.20.0.1:443"));
  }
  Result<std::size_t> adopt() {
    return adopt_connections(connections_, uplinks_, fakes::gateway_inside(), kMask);
  }
  std::vector<std::uint32_t> marks() const {
    std::vector<std::uint32_t> out;
    for (const auto& one : connections_.entries()) out.push_back(one.mark);
    return out;
  }

  fakes::FakeConnections connections_;
  std::vector<AdoptingUplink> uplinks_{
      {1, {IpPrefix::parse("192.0.2.2/24").value(), IpPrefix::parse("2001:db8:1::2/64").value()}},
      {2, {IpPrefix::parse("198.51.100.2/24").value()}}};
};

TEST_F(ConnectionAdoption, MarksEachByItsUplinkAndLeavesTheRest) {
  EXPECT_EQ(adopt(), 2U);
  EXPECT_THAT(marks(), testing::ElementsAre(0x020000ff, 0x01000000, 0));
  EXPECT_EQ(adopt(), 0U);
}

TEST_F(ConnectionAdoption, AFailureOfOneFamilyLeavesTheOtherItsMarks) {
  connections_.fail(EAGAIN, 1);
  const auto result = adopt();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, EAGAIN);
  EXPECT_THAT(marks(), testing::ElementsAre(0xff, 0x01000000, 0));
}

}  // namespace
}  // namespace multilink
