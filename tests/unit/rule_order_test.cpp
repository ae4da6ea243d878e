// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/rule_order.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "multilink/core/rule_selectors.hpp"
#include "seeded.hpp"

namespace multilink {
namespace rule_order_test {

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

/// As it is defined: each compared with each that is wanted before it.
std::vector<RuleStand> stands_one_by_one(const std::vector<Rule>& wanted, const std::vector<Rule>& actual) {
  std::vector<std::size_t> positions;
  std::vector<RuleStand> out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = std::find(actual.begin(), actual.end(), wanted[i]);
    const auto position = static_cast<std::size_t>(found - actual.begin());
    auto stand = found == actual.end() ? kMissing : kRight;
    for (std::size_t k = 0; k < i && stand == kRight; ++k) {
      const bool is_peer = wanted[k].family == wanted[i].family && wanted[k].priority == wanted[i].priority;
      if (is_peer && positions[k] > position && may_overlap(wanted[k], wanted[i])) stand = kTooEarly;
    }
    positions.push_back(stand == kRight ? position : actual.size());
    out.push_back(stand);
  }
  return out;
}

TEST(RuleOrder, IsAsWhenEachIsComparedWithEach) {
  auto random = seeded_random();
  const auto chance = [&](unsigned of) { return random() % of == 0; };
  const auto any_rule = [&] {
    Rule out = rule(static_cast<std::uint32_t>(1 + random() % 3));
    out.priority = chance(4) ? 1000 : 32765;
    if (chance(3)) out.mark = MarkMatch{chance(2) ? 1U : 2U, chance(2) ? 3U : 0xffU};
    if (chance(3)) out.oif = chance(2) ? "eth0" : "eth1";
    if (chance(3)) out.from = IpPrefix::parse(chance(2) ? "10.0.0.1/32" : "10.0.0.0/24").value();
    if (chance(3)) out.to = IpPrefix::parse(chance(2) ? "10.0.1.0/24" : "10.0.0.0/16").value();
    out.inverted = out.to && chance(4);
    return out;
  };
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Rule> wanted;
    for (int i = 0; i < 8; ++i) {
      const auto one = any_rule();
      if (std::find(wanted.begin(), wanted.end(), one) == wanted.end()) wanted.push_back(one);
    }
    auto actual = wanted;
    std::shuffle(actual.begin(), actual.end(), random);
    if (chance(2)) actual.resize(random() % (actual.size() + 1));
    ASSERT_EQ(compare_rules(wanted, actual), stands_one_by_one(wanted, actual));
  }
}

}  // namespace rule_order_test
}  // namespace multilink
