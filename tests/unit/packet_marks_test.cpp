// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/packet_marks.hpp"

#include <gtest/gtest.h>

#include <set>

#include "seeded.hpp"

namespace multilink {
namespace packet_marks_test {

TEST(PacketMarks, TheDefaultMaskHolds62UplinksAndTheProbes) {
  constexpr PacketMarks marks(0x3f000000);
  static_assert(marks.uplinks() == 62);
  static_assert(marks.of_uplink(1) == 0x01000000);
  static_assert(marks.of_uplink(62) == 0x3e000000);
  static_assert(marks.of_probes() == 0x3f000000);
  EXPECT_EQ(marks.match(2), (MarkMatch{0x02000000, 0x3f000000}));
}

TEST(PacketMarks, TheWidestMaskAndTheNarrowest) {
  EXPECT_EQ(PacketMarks(0xffffffff).uplinks(), 0xfffffffeU);
  EXPECT_EQ(PacketMarks(0xffffffff).of_uplink(0xfffffffe), 0xfffffffeU);
  EXPECT_EQ(PacketMarks(0x3).uplinks(), 2U);
  EXPECT_EQ(PacketMarks(0xc0000000).of_uplink(2), 0x80000000U);
}

TEST(PacketMarks, WhateverOthersPutBesideItIsNoMatter) {
  constexpr PacketMarks marks(0x3f000000);
  EXPECT_EQ(marks.uplink_of(0x02080000), 2U) << "and Tailscale's";
  EXPECT_EQ(marks.uplink_of(0xc2ffffff), 2U);
  EXPECT_EQ(marks.uplink_of(0xc0ffffff), std::nullopt);
  EXPECT_EQ(marks.uplink_of(0xffffffff), std::nullopt) << "a probe's";
}

TEST(PacketMarks, EachUplinkHasOneOfItsOwnWithinTheMask) {
  auto random = seeded_random();
  for (int round = 0; round < 1000; ++round) {
    const auto bits = 2 + static_cast<unsigned>(random() % 11);
    const auto shift = static_cast<unsigned>(random() % (33 - bits));
    const PacketMarks marks(((1U << bits) - 1) << shift);
    const auto others = static_cast<std::uint32_t>(random()) & ~marks.mask();
    std::set<std::uint32_t> seen{0, marks.of_probes()};
    for (unsigned index = 1; index <= marks.uplinks(); ++index) {
      const auto mark = marks.of_uplink(index);
      ASSERT_EQ(mark & ~marks.mask(), 0U);
      ASSERT_TRUE(seen.insert(mark).second);
      ASSERT_EQ(marks.uplink_of(mark | others), index);
    }
  }
}

}  // namespace packet_marks_test
}  // namespace multilink
