// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_demands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace multilink::sim {
namespace trace_demands_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

GatewayScore score(Duration avoidable, double switches, double sparable) {
  GatewayScore score;
  score.time = 1h;
  score.avoidable = avoidable;
  score.switches = switches;
  score.evictions = score.sparable = sparable;
  return score;
}

Comparison of_series(SeriesResult series) {
  if (series.joined_scores.empty()) series.joined_scores = {{"multilink", score(1s, 0, 0)}};
  return {1, {std::move(series)}, {}};
}

Comparison of_group(const GatewayScore& ours, const GatewayScore& theirs) {
  GroupResult group{"group", 3, 10};
  group.joined = {{"multilink", ours}, {"peer", theirs}};
  return {1, {}, {std::move(group)}};
}

TEST(TraceDemandsTest, WrongDownsAndUnnoticedSilencesAreNamed) {
  SeriesResult series{"series", "lte"};
  EXPECT_THAT(broken_demands(of_series(series)), IsEmpty());
  series.apart.wrong_downs = {{7, 3s, 3s, "the reason"}};
  series.apart.unnoticed = {{8, 5s, 9s, ""}};
  EXPECT_THAT(broken_demands(of_series(series)), ElementsAre(HasSubstr("segment 7 at 3 s: down"),
                                                             HasSubstr("segment 8 at 5 s: silent for 4 s")));
}

TEST(TraceDemandsTest, NothingIsFoundOnACable) {
  SeriesResult series{"series", "cable-loaded"};
  series.apart.suspects = 1;
  EXPECT_THAT(broken_demands(of_series(series)), ElementsAre(HasSubstr("on a cable")));
  series.link = "lte";
  EXPECT_THAT(broken_demands(of_series(series)), IsEmpty());
}

TEST(TraceDemandsTest, SwitchesAreFew) {
  SeriesResult series{"series", "lte"};
  series.joined_scores = {{"multilink", score(1s, 31, 0)}};
  EXPECT_THAT(broken_demands(of_series(series)), ElementsAre(HasSubstr("31 switches")));
  EXPECT_THAT(broken_demands(of_group(score(1s, 31, 0), score(2s, 0, 0))),
              ElementsAre(HasSubstr("31 switches")));
}

TEST(TraceDemandsTest, LessTimeOnADeadLinkThanAnyPeer) {
  EXPECT_THAT(broken_demands(of_group(score(9s, 0, 0), score(10s, 0, 0))), IsEmpty());
  EXPECT_THAT(broken_demands(of_group(score(10s, 0, 0), score(10s, 0, 0))),
              ElementsAre(HasSubstr("dead link")));
}

TEST(TraceDemandsTest, NoMoreSparableEvictionsThanPeersOfLikeSpeed) {
  EXPECT_THAT(broken_demands(of_group(score(9s, 0, 2), score(18s, 0, 1))),
              ElementsAre(HasSubstr("sparable")));
  EXPECT_THAT(broken_demands(of_group(score(9s, 0, 2), score(19s, 0, 1))), IsEmpty());
}

}  // namespace trace_demands_test
}  // namespace multilink::sim
