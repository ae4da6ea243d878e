// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_order.hpp"

#include <gmock/gmock.h>

namespace multilink {
namespace {

using testing::ElementsAre;

constexpr auto kRight = RuleStand::right;
constexpr auto kMissing = RuleStand::missing;
constexpr auto kTooEarly = RuleStand::too_early;

Rule rule(std::uint32_t table, std::uint16_t first_port = 0, std::uint16_t last_port = 0) {
  Rule out;
  out.priority = 32765;
  out.table = table;
  if (first_port != 0) out.destination_ports = PortRange{first_port, last_port};
  return out;
}

const Rule kAll = rule(1);
const Rule kLow = rule(2, 1, 99);
const Rule kHigh = rule(3, 100, 199);
const Rule kSome = rule(4, 50, 150);

TEST(RuleOrder, AllInOrder) {
  EXPECT_THAT(compare_rules({kLow, kSome, kAll}, {kLow, kSome, kAll}), ElementsAre(kRight, kRight, kRight));
  EXPECT_THAT(compare_rules({kLow, kAll}, {kLow, kSome, kAll}), ElementsAre(kRight, kRight));
}

TEST(RuleOrder, OfRulesThatCannotOverlapTheOrderDoesNotCount) {
  EXPECT_THAT(compare_rules({kLow, kHigh}, {kHigh, kLow}), ElementsAre(kRight, kRight));
  EXPECT_THAT(compare_rules({kLow, kHigh}, {kHigh}), ElementsAre(kMissing, kRight));
}

TEST(RuleOrder, BehindAMissingOneComesWhatMayOverlap) {
  EXPECT_THAT(compare_rules({kLow, kHigh, kAll}, {kHigh, kAll}), ElementsAre(kMissing, kRight, kTooEarly));
}

TEST(RuleOrder, BehindOneThatMovesComesWhatMayOverlap) {
  // kLow is missing; kSome moves behind it, and kHigh behind kSome.
  EXPECT_THAT(compare_rules({kLow, kSome, kHigh}, {kSome, kHigh}),
              ElementsAre(kMissing, kTooEarly, kTooEarly));
}

TEST(RuleOrder, ExchangedOnes) {
  EXPECT_THAT(compare_rules({kLow, kSome}, {kSome, kLow}), ElementsAre(kRight, kTooEarly));
}

TEST(RuleOrder, OfDoublesTheFirstCounts) {
  EXPECT_THAT(compare_rules({kLow, kSome}, {kSome, kLow, kSome}), ElementsAre(kRight, kTooEarly));
}

TEST(RuleOrder, OtherPrioritiesAndTheOtherFamilyAreNoMatter) {
  Rule earlier = kAll;
  earlier.priority = 1000;
  Rule six = kAll;
  six.family = Family::v6;
  EXPECT_THAT(compare_rules({earlier, kLow, six}, {kLow, six}), ElementsAre(kMissing, kRight, kRight));
}

}  // namespace
}  // namespace multilink
