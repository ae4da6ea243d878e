// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_choice.hpp"

#include <gmock/gmock.h>

#include <map>

#include "seeded.hpp"

namespace multilink {
namespace parent_choice_test {

using std::chrono::milliseconds;
using Counts = std::map<std::string, int>;

Counts serve(ParentChoice& choice, const std::vector<ParentCandidate>& candidates, int requests) {
  Counts out;
  for (int i = 0; i < requests; ++i) ++out[choice.choose(candidates)->use];
  return out;
}

TEST(ParentChoice, SharesByWeightAndRoundTripTime) {
  struct Case {
    std::vector<ParentCandidate> candidates;
    Counts of_400;
  };
  const std::vector<Case> cases{
      {{{"a", 1, milliseconds(20)}, {"b", 1, milliseconds(20)}}, {{"a", 200}, {"b", 200}}},
      {{{"a", 3, milliseconds(20)}, {"b", 1, milliseconds(20)}}, {{"a", 300}, {"b", 100}}},
      {{{"a", 5, milliseconds(20)}, {"b", 1, milliseconds(20)}}, {{"a", 333}, {"b", 67}}},
      {{{"a", 1, milliseconds(20)}, {"b", 1, milliseconds(60)}}, {{"a", 300}, {"b", 100}}},
      {{{"a", 1, milliseconds(60)}, {"b", 3, milliseconds(60)}}, {{"a", 100}, {"b", 300}}},
      {{{"a", 1, std::chrono::microseconds(10)}, {"b", 1, Duration::zero()}}, {{"a", 200}, {"b", 200}}},
  };
  for (const auto& [candidates, wanted] : cases) {
    ParentChoice choice;
    const auto counts = serve(choice, candidates, 400);
    for (const auto& [name, count] : wanted) EXPECT_NEAR(counts.at(name), count, 2) << name;
  }
}

TEST(ParentChoice, TheAlternativeIsTheNextBest) {
  ParentChoice choice;
  const std::vector<ParentCandidate> three{
      {"a", 1, milliseconds(10)}, {"b", 1, milliseconds(20)}, {"c", 1, milliseconds(30)}};
  EXPECT_EQ(choice.choose(three), (ChosenParents{"a", "b"}));
  EXPECT_EQ(choice.choose(three), (ChosenParents{"b", "c"}));
  EXPECT_EQ(choice.choose(three), (ChosenParents{"c", "a"}));
  EXPECT_EQ(choice.choose({three[1]}), (ChosenParents{"b", std::nullopt}));
  EXPECT_EQ(choice.choose({}), std::nullopt);
}

TEST(ParentChoice, WhoIsBackHasItsShareAtOnceAndNotWhatItMissed) {
  ParentChoice choice;
  const std::vector<ParentCandidate> both{{"a", 1, milliseconds(20)}, {"b", 1, milliseconds(20)}};
  serve(choice, both, 100);
  EXPECT_EQ(serve(choice, {both[1]}, 200), (Counts{{"b", 200}}));
  EXPECT_EQ(serve(choice, both, 200), (Counts{{"a", 100}, {"b", 100}}));
}

TEST(ParentChoice, AChangeCountsFromTheNextRequestOn) {
  ParentChoice choice;
  serve(choice, {{"a", 1, milliseconds(20)}, {"b", 1, milliseconds(20)}}, 1000);
  const auto counts = serve(choice, {{"a", 9, milliseconds(20)}, {"b", 1, milliseconds(20)}}, 100);
  EXPECT_NEAR(counts.at("a"), 90, 1);
}

TEST(ParentChoice, SharesAreThoseThatComeAbout) {
  auto random = seeded_random();
  for (int run = 0; run < 50; ++run) {
    std::vector<ParentCandidate> candidates;
    for (std::size_t i = 0; i <= random() % 5; ++i) {
      candidates.push_back({std::string(1, static_cast<char>('a' + i)),
                            1 + static_cast<unsigned>(random() % 256), milliseconds(random() % 500)});
    }
    ParentChoice choice;
    constexpr int kRequests = 20000;
    auto counts = serve(choice, candidates, kRequests);
    const auto shares = shares_of(candidates);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      EXPECT_NEAR(counts[candidates[i].name], shares[i] * kRequests,
                  1 + static_cast<double>(candidates.size()));
    }
  }
}

}  // namespace parent_choice_test
}  // namespace multilink
