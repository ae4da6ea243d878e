// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/echo_packet.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/icmp_messages.hpp"
#include "seeded.hpp"

namespace multilink {
namespace echo_packet_test {

using Message = std::vector<std::uint8_t>;

const EchoRequest kRequest{0x1234, 0x0102030405060708, 0x1122334455667788};
const IpAddress kTarget = *IpAddress::parse("198.51.100.7");
const IpAddress kTarget6 = *IpAddress::parse("2001:db8::7");

/// An unreachable as a router makes it: `options` bytes of IPv4 options, the first `quoted` bytes of the
/// probe.
Message unreachable_v4(const EchoRequest& request, std::size_t options = 0, std::size_t quoted = 24) {
  Message out{3, 1, 0, 0, 0, 0, 0, 0};
  Message header(20 + options);
  header[0] = static_cast<std::uint8_t>(0x40 | ((20 + options) / 4));
  header[8] = 61;
  header[9] = 1;
  std::copy_n(kTarget.bytes().begin(), 4, header.begin() + 16);
  out.insert(out.end(), header.begin(), header.end());
  const auto probe = build_echo_request(Family::v4, request);
  out.insert(out.end(), probe.begin(), probe.begin() + static_cast<std::ptrdiff_t>(quoted));
  fakes::fill_icmp_checksum(out);
  return out;
}

Message unreachable_v6(const EchoRequest& request) {
  Message out{1, 0, 0, 0, 0, 0, 0, 0};
  Message header(40);
  header[0] = 0x60;
  header[6] = 58;
  std::copy_n(kTarget6.bytes().begin(), 16, header.begin() + 24);
  out.insert(out.end(), header.begin(), header.end());
  const auto probe = build_echo_request(Family::v6, request);
  out.insert(out.end(), probe.begin(), probe.end());
  return out;
}

std::string refusal(Family family, const Message& message) {
  const auto parsed = parse_icmp(family, message);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(EchoPacket, RequestIsLaidOutAsOnTheWire) {
  const Message expected{8,    0,    0xdf, 0xab, 0x12, 0x34, 0x07, 0x08, 0x01, 0x02, 0x03, 0x04,
                         0x05, 0x06, 0x07, 0x08, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  auto message = build_echo_request(Family::v4, kRequest);
  auto checked = expected;
  fakes::fill_icmp_checksum(checked);
  EXPECT_EQ(message, checked);
  EXPECT_EQ(echo_checksum(kRequest), (message[2] << 8) | message[3]);
}

TEST(EchoPacket, V6RequestLeavesTheChecksumToTheKernel) {
  const auto message = build_echo_request(Family::v6, kRequest);
  EXPECT_EQ(message[0], 128);
  EXPECT_EQ(message[2], 0);
  EXPECT_EQ(message[3], 0);
}

TEST(EchoPacket, RepliesAreReadBack) {
  const auto parsed = parse_icmp(Family::v4, fakes::echo_reply_to(build_echo_request(Family::v4, kRequest)));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(std::get<EchoReply>(*parsed), (EchoReply{kRequest}));

  auto v6 = build_echo_request(Family::v6, kRequest);
  v6[0] = 129;
  const auto parsed_v6 = parse_icmp(Family::v6, v6);
  ASSERT_TRUE(parsed_v6) << parsed_v6.error().message;
  EXPECT_EQ(std::get<EchoReply>(*parsed_v6), (EchoReply{kRequest}));
}

TEST(EchoPacket, WrongRepliesAreRefusedWithTheReason) {
  const auto good = fakes::echo_reply_to(build_echo_request(Family::v4, kRequest));
  auto broken = good;
  broken[20] ^= 1;
  EXPECT_EQ(refusal(Family::v4, broken), "ICMP message with a wrong checksum");
  auto coded = good;
  coded[1] = 1;
  fakes::fill_icmp_checksum(coded);
  EXPECT_EQ(refusal(Family::v4, coded), "echo reply with code 1");
  auto longer = good;
  longer.resize(26);
  EXPECT_EQ(refusal(Family::v4, longer), "echo reply of 26 bytes, not 24");
  auto other_sequence = good;
  other_sequence[7] ^= 1;
  fakes::fill_icmp_checksum(other_sequence);
  EXPECT_EQ(refusal(Family::v4, other_sequence),
            "echo reply whose header and payload disagree on the sequence");
  EXPECT_EQ(refusal(Family::v4, build_echo_request(Family::v4, kRequest)), "ICMP type 8");
  EXPECT_EQ(refusal(Family::v4, {0, 0, 0}), "ICMP message of 3 bytes");
}

TEST(EchoPacket, EightQuotedBytesAreEnoughForIpv4) {
  for (const std::size_t options : {0U, 4U, 40U}) {
    for (const std::size_t quoted : {8U, 24U}) {
      const auto parsed = parse_icmp(Family::v4, unreachable_v4(kRequest, options, quoted));
      ASSERT_TRUE(parsed) << parsed.error().message;
      EXPECT_TRUE(std::get<Unreachable>(*parsed).quotes(kRequest, kTarget));
    }
  }
}

TEST(EchoPacket, AQuoteMustMatchInEveryPart) {
  const auto quotes = [](const EchoRequest& quoted, const IpAddress& target) {
    return std::get<Unreachable>(*parse_icmp(Family::v4, unreachable_v4(quoted, 0, 8)))
        .quotes(kRequest, target);
  };
  ASSERT_TRUE(quotes(kRequest, kTarget));
  EXPECT_FALSE(quotes(kRequest, *IpAddress::parse("198.51.100.8")));
  EXPECT_FALSE(quotes({0x1235, kRequest.sequence, kRequest.nonce}, kTarget));
  EXPECT_FALSE(quotes({kRequest.identifier, kRequest.sequence + 1, kRequest.nonce}, kTarget));
  EXPECT_FALSE(quotes({kRequest.identifier, kRequest.sequence, kRequest.nonce + 1}, kTarget));
}

TEST(EchoPacket, UnfitQuotesAreRefusedWithTheReason) {
  const auto changed = [](std::size_t at, std::uint8_t value) {
    auto message = unreachable_v4(kRequest);
    message[at] = value;
    fakes::fill_icmp_checksum(message);
    return refusal(Family::v4, message);
  };
  EXPECT_EQ(changed(1, 4), "unreachable that only asks for smaller packets");
  EXPECT_EQ(changed(8, 0x65), "unreachable that does not quote an IPv4 packet");
  EXPECT_EQ(changed(8, 0x44), "unreachable that does not quote an IPv4 packet");
  EXPECT_EQ(changed(8, 0x4f), "unreachable with a truncated quote");
  EXPECT_EQ(changed(8 + 7, 1), "unreachable that quotes a later fragment");
  EXPECT_EQ(changed(8 + 9, 17), "unreachable that quotes protocol 17");
  EXPECT_EQ(changed(28, 0), "unreachable that quotes ICMP type 0 code 0");
  EXPECT_EQ(refusal(Family::v4, unreachable_v4(kRequest, 0, 7)), "unreachable with a truncated quote");
  Message empty{3, 1, 0, 0, 0, 0, 0, 0};
  fakes::fill_icmp_checksum(empty);
  EXPECT_EQ(refusal(Family::v4, empty), "unreachable with a truncated quote");
}

TEST(EchoPacket, Ipv6QuotesMustHoldTheWholeProbe) {
  const auto good = unreachable_v6(kRequest);
  const auto parsed = parse_icmp(Family::v6, good);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto& unreachable = std::get<Unreachable>(*parsed);
  EXPECT_TRUE(unreachable.quotes(kRequest, kTarget6));
  EXPECT_FALSE(unreachable.quotes({kRequest.identifier, kRequest.sequence, kRequest.nonce + 1}, kTarget6));
  EXPECT_FALSE(unreachable.quotes(kRequest, kTarget));

  auto truncated = good;
  truncated.pop_back();
  EXPECT_EQ(refusal(Family::v6, truncated), "unreachable with a truncated quote");
  auto extended = good;
  extended[8 + 6] = 44;  // a fragment header
  EXPECT_EQ(refusal(Family::v6, extended), "unreachable that quotes next header 44");
  auto other = good;
  other[8] = 0x45;
  EXPECT_EQ(refusal(Family::v6, other), "unreachable that does not quote an IPv6 packet");
}

TEST(EchoPacket, WhatWasBuiltIsReadBackWhateverTheValues) {
  auto random = seeded_random();
  for (int i = 0; i < 2000; ++i) {
    const EchoRequest request{static_cast<std::uint16_t>(random()), random(), random()};
    const auto parsed = parse_icmp(Family::v4, fakes::echo_reply_to(build_echo_request(Family::v4, request)));
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_EQ(std::get<EchoReply>(*parsed).echoed, request);
    const auto quoted = parse_icmp(Family::v4, unreachable_v4(request, 4 * (random() % 11), 8));
    ASSERT_TRUE(quoted) << quoted.error().message;
    ASSERT_TRUE(std::get<Unreachable>(*quoted).quotes(request, kTarget));
  }
}

TEST(EchoPacket, NoBytesAreReadBeyondTheMessage) {
  auto random = seeded_random();
  for (int i = 0; i < 20000; ++i) {
    const Family family = random() % 2 == 0 ? Family::v4 : Family::v6;
    auto message = family == Family::v6 ? unreachable_v6(kRequest)
                   : random() % 2 == 0  ? unreachable_v4(kRequest, 4 * (random() % 11))
                                        : fakes::echo_reply_to(build_echo_request(Family::v4, kRequest));
    for (std::uint64_t flips = random() % 4; flips > 0; --flips) {
      message[random() % message.size()] = static_cast<std::uint8_t>(random());
    }
    message.resize(random() % (message.size() + 1));
    message.shrink_to_fit();
    if (family == Family::v4 && message.size() >= 4) fakes::fill_icmp_checksum(message);
    const auto parsed = parse_icmp(family, message);
    ASSERT_TRUE(parsed || !parsed.error().message.empty());
  }
}

}  // namespace echo_packet_test
}  // namespace multilink
