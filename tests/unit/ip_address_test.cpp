// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/ip_address.hpp"

#include <gtest/gtest.h>

#include <set>

#include "seeded.hpp"

namespace multilink {
namespace ip_address_test {

using std::string_view_literals::operator""sv;

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress{});
}

IpPrefix prefix(std::string_view text) {
  const auto parsed = IpPrefix::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpPrefix{});
}

IpAddress random_address(std::mt19937_64& random) {
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = random() % 3 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(random());
  if (random() % 2 == 0) return IpAddress::from_v6(bytes);
  return IpAddress::from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

TEST(IpAddress, FamiliesHaveOneDigitTokens) {
  for (const Family family : kFamilies) EXPECT_EQ(parse_family(to_string(family)), family);
  for (const auto bad : {"", "5", "v4", "44"}) EXPECT_EQ(parse_family(bad), std::nullopt) << bad;
}

TEST(IpAddress, ParsesBothFamiliesAndWritesThemCanonically) {
  EXPECT_EQ(address("192.0.2.1"), IpAddress::from_v4({192, 0, 2, 1}));
  EXPECT_EQ(address("192.0.2.1").family(), Family::v4);
  EXPECT_EQ(address("192.0.2.1").size(), 4U);
  EXPECT_EQ(address("2001:DB8:0:0::1").to_string(), "2001:db8::1");
  EXPECT_EQ(address("2001:db8::1").family(), Family::v6);
  EXPECT_EQ(address("2001:db8::1").size(), 16U);
  EXPECT_EQ(IpAddress{}.to_string(), "0.0.0.0");
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const auto bad :
       {""sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.01"sv, "192.0.2.1 "sv, " 192.0.2.1"sv, "192.0.2.1/32"sv,
        "3221225985"sv, "0xc0000201"sv, "1.2.3.4.5"sv, ":"sv, ":::"sv, "2001:db8::1::2"sv, "fe80::1%eth0"sv,
        "[2001:db8::1]"sv, "2001:db8::12345"sv, "localhost"sv, "192.0.2.1\0"sv,
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"sv}) {
    EXPECT_EQ(IpAddress::parse(bad), std::nullopt) << bad;
  }
}

TEST(IpAddress, AnyAddressSurvivesTheRoundTripThroughText) {
  auto random = seeded_random();
  for (int round = 0; round < 2000; ++round) {
    const auto any = random_address(random);
    EXPECT_EQ(IpAddress::parse(any.to_string()), any) << any.to_string();
  }
}

TEST(IpAddress, KnowsTheSpecialRanges) {
  EXPECT_TRUE(address("0.0.0.0").is_unspecified());
  EXPECT_TRUE(address("::").is_unspecified());
  EXPECT_FALSE(address("0.0.0.1").is_unspecified());
  EXPECT_TRUE(address("127.255.0.1").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_FALSE(address("1::1").is_loopback());
  EXPECT_FALSE(address("128.0.0.1").is_loopback());
  EXPECT_TRUE(address("224.0.0.0").is_multicast());
  EXPECT_TRUE(address("239.255.255.255").is_multicast());
  EXPECT_FALSE(address("240.0.0.0").is_multicast());
  EXPECT_TRUE(address("ff02::1").is_multicast());
  EXPECT_FALSE(address("fe02::1").is_multicast());
  EXPECT_TRUE(address("169.254.1.1").is_link_local());
  EXPECT_FALSE(address("169.253.1.1").is_link_local());
  EXPECT_TRUE(address("fe80::1").is_link_local());
  EXPECT_TRUE(address("febf::1").is_link_local());
  EXPECT_FALSE(address("fec0::1").is_link_local());
}

TEST(IpAddress, IPv4SortsBeforeIPv6AndEachByItsBytes) {
  const std::set<IpAddress> sorted{address("::"), address("10.0.0.1"), address("9.255.0.1"), address("::1")};
  const std::vector<IpAddress> order(sorted.begin(), sorted.end());
  EXPECT_EQ(order, (std::vector<IpAddress>{address("9.255.0.1"), address("10.0.0.1"), address("::"),
                                           address("::1")}));
}

TEST(IpPrefix, ParsesAPrefixAndAnAddressAlone) {
  EXPECT_EQ(prefix("192.0.2.7/24"), (IpPrefix{address("192.0.2.7"), 24}));
  EXPECT_EQ(prefix("192.0.2.7").length, 32);
  EXPECT_EQ(prefix("2001:db8::1").length, 128);
  EXPECT_EQ(prefix("2001:db8::1/64").to_string(), "2001:db8::1/64");
  for (const auto bad : {"", "/24", "192.0.2.0/", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/-1",
                         "192.0.2.0/24/24", "192.0.2.0/ 24", "192.0.2.0/256", "192.0.2.0/255.255.255.0"}) {
    EXPECT_EQ(IpPrefix::parse(bad), std::nullopt) << bad;
  }
}

TEST(IpPrefix, TheNetworkHasNoHostBits) {
  EXPECT_EQ(prefix("192.0.2.135/25").network(), prefix("192.0.2.128/25"));
  EXPECT_EQ(prefix("192.0.2.135/0").network(), IpPrefix::default_of(Family::v4));
  EXPECT_EQ(prefix("192.0.2.135/32").network(), prefix("192.0.2.135/32"));
  EXPECT_EQ(prefix("2001:db8:0:ffff::1/49").network(), prefix("2001:db8:0:8000::/49"));
  EXPECT_EQ(prefix("2001:db8::1/0").network(), IpPrefix::default_of(Family::v6));
}

TEST(IpPrefix, ContainsItsOwnAndNothingBesides) {
  EXPECT_TRUE(prefix("192.0.2.128/25").contains(address("192.0.2.255")));
  EXPECT_FALSE(prefix("192.0.2.128/25").contains(address("192.0.2.127")));
  EXPECT_TRUE(IpPrefix::default_of(Family::v4).contains(address("8.8.8.8")));
  EXPECT_FALSE(IpPrefix::default_of(Family::v4).contains(address("::")));
  EXPECT_FALSE(IpPrefix::default_of(Family::v6).contains(address("0.0.0.0")));
  EXPECT_TRUE(IpPrefix::default_of(Family::v6).is_default());
  EXPECT_FALSE(prefix("0.0.0.0/1").is_default());
}

TEST(IpPrefix, HoldsTwoAddressesExactlyIfTheyAgreeInItsLength) {
  auto random = seeded_random();
  for (int round = 0; round < 2000; ++round) {
    const auto one = random_address(random);
    auto bytes = one.bytes();
    const auto flipped = static_cast<unsigned>(random() % (one.size() * 8));
    bytes[flipped / 8] = static_cast<std::uint8_t>(bytes[flipped / 8] ^ (0x80U >> (flipped % 8)));
    const auto other = one.family() == Family::v6
                           ? IpAddress::from_v6(bytes)
                           : IpAddress::from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
    const auto length = static_cast<std::uint8_t>(random() % (one.size() * 8 + 1));
    EXPECT_EQ((IpPrefix{one, length}.contains(other)), flipped >= length)
        << one.to_string() << ' ' << other.to_string() << " /" << int{length};
  }
}

}  // namespace ip_address_test
}  // namespace multilink
