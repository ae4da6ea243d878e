// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_choice.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <string>

namespace multilink {
namespace uplink_choice_test {

constexpr auto kUp = HealthState::up;
constexpr auto kUnknown = HealthState::unknown;
constexpr auto kSuspect = HealthState::suspect;
constexpr auto kDown = HealthState::down;

Contender one(HealthState health, unsigned precedence, bool in_force = false) {
  return {true, LinkFact::ok, health, false, precedence, in_force, false};
}

Contender answering(Contender contender) {
  contender.answers = true;
  return contender;
}

Contender with_fact(LinkFact fact, Contender contender) {
  contender.fact = fact;
  return contender;
}

Contender disabled(Contender contender) {
  contender.enabled = false;
  return contender;
}

Contender waiting(Contender contender) {
  contender.waits = true;
  return contender;
}

struct Case {
  std::string name;
  std::vector<Contender> contenders;
  std::vector<std::size_t> chosen;
  bool default_in_force = true;
};

void PrintTo(const Case& one_case, std::ostream* out) {
  *out << one_case.name;
}

std::string name_of(const testing::TestParamInfo<Case>& tested) {
  return tested.param.name;
}

class UplinkChoice : public testing::TestWithParam<Case> {};

TEST_P(UplinkChoice, Holds) {
  EXPECT_EQ(choose_uplinks(GetParam().contenders, GetParam().default_in_force), GetParam().chosen);
}

INSTANTIATE_TEST_SUITE_P(
    Usable, UplinkChoice,
    testing::Values(Case{"best_up", {one(kUp, 1), one(kUp, 2, true)}, {0}},
                    Case{"best_down_next_up", {one(kDown, 1, true), one(kUp, 2)}, {1}},
                    Case{"best_suspect_next_up", {one(kSuspect, 1, true), one(kUp, 2)}, {1}},
                    Case{"tier_shares", {one(kUp, 1), one(kUp, 1), one(kUp, 2)}, {0, 1}},
                    Case{"tier_loses_a_member", {one(kUp, 1, true), one(kDown, 1, true)}, {0}},
                    Case{"order_of_the_list_is_no_precedence", {one(kUp, 2), one(kUp, 1)}, {1}},
                    Case{"unknown_in_force_stays", {one(kUnknown, 1, true), one(kUp, 2)}, {0}},
                    Case{"unknown_in_force_yields_to_better", {one(kUp, 1), one(kUnknown, 2, true)}, {0}},
                    Case{"unknown_adds_nothing", {one(kUnknown, 1), one(kUp, 2, true)}, {1}},
                    Case{"unknown_does_not_join_a_tier", {one(kUnknown, 1), one(kUp, 1, true)}, {1}},
                    Case{"first_up_after_boot", {one(kUnknown, 1), one(kUp, 2)}, {1}, false}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Facts, UplinkChoice,
    testing::Values(
        Case{"fact_overrides_health", {with_fact(LinkFact::no_carrier, one(kUp, 1, true)), one(kUp, 2)}, {1}},
        Case{"any_link_that_works_beats_a_dead_one",
             {with_fact(LinkFact::no_gateway, one(kUp, 1, true)), one(kDown, 2)},
             {1}},
        Case{"unknown_takes_over_from_a_dead_link",
             {with_fact(LinkFact::no_carrier, one(kUnknown, 1, true)), one(kUnknown, 2)},
             {1}},
        Case{
            "nobody_can_carry",
            {with_fact(LinkFact::no_carrier, one(kUp, 1, true)), with_fact(LinkFact::no_device, one(kUp, 2))},
            {}},
        Case{"disabled_is_never_chosen", {disabled(one(kUp, 1, true)), one(kDown, 2)}, {1}},
        Case{"only_disabled", {disabled(one(kUp, 1, true))}, {}}, Case{"no_uplinks", {}, {}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Waiting, UplinkChoice,
    testing::Values(
        Case{"who_waits_leaves_the_traffic_where_it_is", {waiting(one(kUp, 1)), one(kUp, 2, true)}, {1}},
        Case{"who_waits_keeps_what_it_has", {waiting(one(kUp, 1, true)), one(kUp, 2)}, {0}},
        Case{"who_waits_does_not_join_a_tier", {waiting(one(kUp, 1)), one(kUp, 1, true)}, {1}},
        Case{"who_does_not_wait_takes_over", {waiting(one(kUp, 1)), one(kUp, 2), one(kUp, 3, true)}, {1}},
        Case{"who_waits_comes_when_the_one_in_force_fails",
             {waiting(one(kUp, 1)), one(kSuspect, 2, true), one(kUp, 3)},
             {0}},
        Case{"who_waits_comes_when_the_link_in_force_is_lost",
             {waiting(one(kUp, 1)), with_fact(LinkFact::no_carrier, one(kUp, 2, true)), one(kUp, 3)},
             {0}},
        Case{"who_waits_lets_an_unknown_one_keep_it", {waiting(one(kUp, 1)), one(kUnknown, 2, true)}, {1}},
        Case{"nothing_to_wait_for", {waiting(one(kUp, 1)), one(kUp, 2)}, {0}, false},
        Case{"who_waits_helps_where_nobody_is_usable",
             {waiting(answering(one(kSuspect, 1))), one(kDown, 2, true)},
             {0}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    LeastBad, UplinkChoice,
    testing::Values(
        Case{"all_down_stays", {one(kDown, 1), one(kDown, 2, true)}, {1}},
        Case{"all_down_whole_tier_stays", {one(kDown, 1, true), one(kDown, 1, true)}, {0, 1}},
        Case{"one_that_answers_before_a_dead_one", {answering(one(kDown, 1)), one(kSuspect, 2, true)}, {0}},
        Case{"of_those_that_answer_the_one_in_force_stays",
             {answering(one(kSuspect, 1)), answering(one(kDown, 2, true))},
             {1}},
        Case{"what_answers_is_no_match_for_what_is_up", {answering(one(kDown, 1, true)), one(kUp, 2)}, {1}},
        Case{"suspect_before_down", {one(kDown, 1, true), one(kSuspect, 2)}, {1}},
        Case{"all_suspect_stays", {one(kSuspect, 1), one(kSuspect, 2, true)}, {1}},
        Case{"suspect_in_force_stays_beside_down", {one(kDown, 1), one(kSuspect, 2, true)}, {1}},
        Case{"unknown_before_suspect", {one(kSuspect, 1, true), one(kUnknown, 2)}, {1}},
        Case{"all_down_nothing_in_force", {one(kDown, 2), one(kDown, 1)}, {1}, false},
        Case{"all_unknown_nothing_in_force", {one(kUnknown, 1), one(kUnknown, 2)}, {}, false},
        Case{"unknown_and_down_nothing_in_force", {one(kUnknown, 1), one(kDown, 2)}, {}, false},
        Case{"all_unknown_and_the_carrier_gone_from_the_configuration",
             {one(kUnknown, 2), one(kUnknown, 1)},
             {1}}),
    name_of);

TEST(GivesWay, WhereAnotherOneThatIsUsableCarries) {
  const std::vector<Contender> carriers{one(kUp, 2)};
  EXPECT_TRUE(gives_way(one(kSuspect, 1), carriers));
  EXPECT_TRUE(gives_way(one(kDown, 1), carriers));
  EXPECT_TRUE(gives_way(answering(one(kDown, 1)), carriers));
  EXPECT_TRUE(gives_way(disabled(one(kDown, 1)), carriers));
  EXPECT_TRUE(gives_way(with_fact(LinkFact::no_gateway, one(kUp, 1)), carriers));
  EXPECT_TRUE(gives_way(one(kDown, 1), std::vector{one(kUnknown, 2, true)}));
  EXPECT_FALSE(gives_way(one(kUp, 1), carriers));
  auto left = one(kUp, 3);
  left.lets_go = true;
  EXPECT_TRUE(gives_way(left, carriers));
  EXPECT_FALSE(gives_way(left, {}));
  EXPECT_FALSE(gives_way(disabled(one(kUp, 1)), carriers));
}

TEST(GivesWay, NotWhereNothingUsableCarries) {
  EXPECT_FALSE(gives_way(one(kDown, 1), {}));
  EXPECT_FALSE(gives_way(one(kDown, 1), std::vector{one(kDown, 2, true)}));
  EXPECT_FALSE(gives_way(one(kSuspect, 1, true), std::vector{one(kSuspect, 1, true)}));
}

TEST(GivesWay, NotKnowingLeavesItAsItWas) {
  const std::vector<Contender> carriers{one(kUp, 2)};
  Contender unknown = one(kUnknown, 1);
  EXPECT_FALSE(gives_way(unknown, carriers));
  unknown.gave_way = true;
  EXPECT_TRUE(gives_way(unknown, carriers));
  EXPECT_FALSE(gives_way(unknown, {}));
  unknown.health = kUp;
  EXPECT_FALSE(gives_way(unknown, carriers));
}

struct PolicyCase {
  std::string name;
  std::vector<Contender> list;
  std::optional<std::size_t> chosen;
};

void PrintTo(const PolicyCase& one_case, std::ostream* out) {
  *out << one_case.name;
}

class PolicyChoice : public testing::TestWithParam<PolicyCase> {};

TEST_P(PolicyChoice, Holds) {
  EXPECT_EQ(choose_for_policy(GetParam().list), GetParam().chosen);
}

/// The precedence is that of the uplink among all, which does not count here.
INSTANTIATE_TEST_SUITE_P(
    , PolicyChoice,
    testing::Values(
        PolicyCase{"first_of_the_list_that_is_up", {one(kUp, 2), one(kUp, 1)}, 0},
        PolicyCase{"first_down_next_up", {one(kDown, 1, true), one(kUp, 2)}, 1},
        PolicyCase{"first_suspect_next_up", {one(kSuspect, 1, true), one(kUp, 2)}, 1},
        PolicyCase{"first_back", {one(kUp, 1), one(kUp, 2, true)}, 0},
        PolicyCase{"unknown_keeps_what_is", {one(kUnknown, 1), one(kUp, 2, true)}, 1},
        PolicyCase{"unknown_in_force_stays", {one(kUnknown, 1, true), one(kUp, 2)}, 0},
        PolicyCase{"unknown_at_need", {one(kUnknown, 1), one(kUnknown, 2)}, 0},
        PolicyCase{"unknown_before_suspect", {one(kSuspect, 1, true), one(kUnknown, 2)}, 1},
        PolicyCase{"suspect_alone_stays", {one(kSuspect, 1, true)}, 0},
        PolicyCase{"of_two_suspect_ones_the_one_in_force", {one(kSuspect, 1), one(kSuspect, 2, true)}, 1},
        PolicyCase{"down_is_refused", {one(kDown, 1, true), one(kDown, 2)}, std::nullopt},
        PolicyCase{"down_but_answering", {one(kDown, 1), answering(one(kDown, 2))}, 1},
        PolicyCase{"answering_before_suspect", {one(kSuspect, 1, true), answering(one(kDown, 2))}, 1},
        PolicyCase{"disabled_is_refused", {disabled(one(kUp, 1, true))}, std::nullopt},
        PolicyCase{
            "no_carrier_is_refused", {with_fact(LinkFact::no_carrier, one(kUp, 1, true))}, std::nullopt},
        PolicyCase{
            "no_carrier_next", {with_fact(LinkFact::no_carrier, one(kUp, 1, true)), one(kUnknown, 2)}, 1},
        PolicyCase{"none", {}, std::nullopt}),
    [](const testing::TestParamInfo<PolicyCase>& tested) { return tested.param.name; });

Contender drained(Contender contender) {
  contender.drained = true;
  return contender;
}

INSTANTIATE_TEST_SUITE_P(
    Drained, UplinkChoice,
    testing::Values(
        Case{"leaves_the_others_to_carry", {drained(one(kUp, 1, true)), one(kUp, 2)}, {1}},
        Case{"leaves_its_tier", {drained(one(kUp, 1, true)), one(kUp, 1, true)}, {1}},
        Case{"carries_where_no_other_is_usable", {drained(one(kUp, 1, true)), one(kSuspect, 2)}, {0}},
        Case{"carries_rather_than_an_unknown_one", {drained(one(kUp, 1, true)), one(kUnknown, 2)}, {0}},
        Case{"one_that_is_down_is_no_better_for_it", {drained(one(kDown, 1)), one(kSuspect, 2, true)}, {1}},
        Case{"all_drained_is_as_none", {drained(one(kUp, 1)), drained(one(kUp, 2, true))}, {0}}),
    name_of);

/// Over random fields: draining some takes traffic from them alone, and never leaves anybody without who had a way.
TEST(UplinkChoiceProperty, ADrainTakesNothingAwayButNewTraffic) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto up_to = [&](unsigned most) { return static_cast<unsigned>(random() % (most + 1)); };
  for (int i = 0; i < 20000; ++i) {
    std::vector<Contender> field(1 + up_to(5));
    for (auto& each : field) {
      each = one(static_cast<HealthState>(up_to(3)), 1 + up_to(2), up_to(1) == 1);
      each.enabled = up_to(4) != 0;
      if (up_to(5) == 0) each.fact = LinkFact::no_carrier;
      each.answers = up_to(2) == 0;
    }
    const auto before = choose_uplinks(field, true);
    for (auto& each : field) each.drained = up_to(2) == 0;
    const auto after = choose_uplinks(field, true);
    const auto is_free = [&](const Contender& each) { return is_usable(each) && !each.drained; };
    ASSERT_EQ(after.empty(), before.empty()) << "seed " << seed;
    for (const std::size_t chosen : after) {
      if (is_usable(field[chosen]) && field[chosen].drained) {
        ASSERT_TRUE(std::none_of(field.begin(), field.end(), is_free)) << "seed " << seed;
      }
    }
    if (std::none_of(field.begin(), field.end(), is_free)) {
      ASSERT_EQ(after, before) << "seed " << seed;
    }
  }
}

}  // namespace uplink_choice_test
}  // namespace multilink
