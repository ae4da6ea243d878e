// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/syn_notifier.hpp"

#include <gmock/gmock.h>

#include "fakes/connection_samples.hpp"

namespace multilink {
namespace syn_notifier_test {

using testing::ElementsAreArray;

using Bytes = std::vector<std::uint8_t>;

/// The ones' complement sum of whole words: 0xffff over what holds its own checksum.
unsigned sum_of(const Bytes& bytes) {
  unsigned sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += bytes[i] * 256U + bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

Bytes part(const Bytes& bytes, std::size_t first, std::size_t size) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(first),
          bytes.begin() + static_cast<std::ptrdiff_t>(first + size)};
}

/// From byte 0: ports, sequence numbers, offset and flags.
const Bytes kSegment{0x01, 0xbb, 0x0f, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02};

TEST(MakeSyn, SpeaksInTheNameOfTheServerToTheClient) {
  const auto packet = make_syn(fakes::tuple("10.0.0.7:4000", "203.0.113.9:443"));
  ASSERT_EQ(packet.size(), 40U);
  EXPECT_EQ(packet[0], 0x45);
  EXPECT_EQ(packet[9], 6);
  EXPECT_THAT(part(packet, 2, 2), ElementsAreArray({0, 40}));
  EXPECT_THAT(part(packet, 12, 8), ElementsAreArray({203, 0, 113, 9, 10, 0, 0, 7}));
  EXPECT_EQ(part(packet, 20, kSegment.size()), kSegment);
  auto summed = part(packet, 12, 28);  // addresses and segment
  summed.insert(summed.end(), {0, 6, 0, 20});
  EXPECT_EQ(sum_of(summed), 0xffffU);
}

TEST(MakeSyn, InIpv6Too) {
  const auto packet = make_syn(fakes::tuple("[fd00::7]:4000", "[2001:db8:9::1]:443"));
  ASSERT_EQ(packet.size(), 60U);
  EXPECT_THAT(part(packet, 0, 8), ElementsAreArray({0x60, 0, 0, 0, 0, 20, 6, 64}));
  EXPECT_EQ(part(packet, 40, kSegment.size()), kSegment);
  auto summed = part(packet, 8, 52);
  summed.insert(summed.end(), {0, 6, 0, 20});
  EXPECT_EQ(sum_of(summed), 0xffffU);
}

}  // namespace syn_notifier_test
}  // namespace multilink
