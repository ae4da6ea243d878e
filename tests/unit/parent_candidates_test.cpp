// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_candidates.hpp"

#include <gmock/gmock.h>

namespace multilink {
namespace parent_candidates_test {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

class ParentCandidates : public testing::Test {
 protected:
  void say(const std::string& name, HealthState v4, HealthState v6 = HealthState::down) {
    auto& record = health_[name];
    record.families[Family::v4].state = v4;
    record.families[Family::v4].rtt = milliseconds(4);
    record.families[Family::v6].state = v6;
    record.families[Family::v6].rtt = milliseconds(6);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& each : parent_candidates(uplinks_, health_)) out.push_back(each.name);
    return out;
  }

  std::vector<ParentUplink> uplinks_{{"a"}, {"b"}, {"paid", true}};
  std::map<std::string, HealthRecord> health_;
};

TEST_F(ParentCandidates, AreThoseThatAreUp) {
  EXPECT_THAT(names(), IsEmpty());
  say("b", HealthState::up);
  EXPECT_THAT(names(), ElementsAre("b"));
  say("a", HealthState::up);
  EXPECT_THAT(names(), ElementsAre("a", "b"));
  say("b", HealthState::suspect);
  EXPECT_THAT(names(), ElementsAre("a"));
  health_["a"].enabled = false;
  EXPECT_THAT(names(), IsEmpty());
  say("stranger", HealthState::up);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ParentCandidates, ADrainedOneServesOnlyWhereNoOtherCan) {
  say("a", HealthState::up);
  say("b", HealthState::up);
  health_["a"].admin = AdminMode::drained;
  EXPECT_THAT(names(), ElementsAre("b"));
  say("b", HealthState::down);
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(ParentCandidates, HaveTheWeightAndTheTimeOfTheirRecord) {
  say("a", HealthState::up);
  health_["a"].weight = 7;
  EXPECT_THAT(parent_candidates(uplinks_, health_), ElementsAre(ParentCandidate{"a", 7, milliseconds(4)}));
  say("a", HealthState::down, HealthState::up);
  EXPECT_THAT(parent_candidates(uplinks_, health_), ElementsAre(ParentCandidate{"a", 7, milliseconds(6)}));
}

TEST_F(ParentCandidates, AMeteredOneServesWhereNoOtherDoes) {
  say("a", HealthState::up);
  say("paid", HealthState::up);
  EXPECT_THAT(names(), ElementsAre("a"));
  say("a", HealthState::down);
  EXPECT_THAT(names(), ElementsAre("paid"));
}

TEST_F(ParentCandidates, WithoutIpv4NoneServesBesideOneThatHasIt) {
  say("a", HealthState::down, HealthState::up);
  say("b", HealthState::up, HealthState::down);
  EXPECT_THAT(names(), ElementsAre("b"));
  say("b", HealthState::down, HealthState::up);
  EXPECT_THAT(names(), ElementsAre("a", "b"));
}

TEST_F(ParentCandidates, WhereNobodyKnowsAllGoOn) {
  say("a", HealthState::unknown);
  say("b", HealthState::unknown);
  EXPECT_THAT(names(), ElementsAre("a", "b"));
  say("b", HealthState::down);
  EXPECT_THAT(names(), ElementsAre("a"));
  say("b", HealthState::up);
  EXPECT_THAT(names(), ElementsAre("b"));
}

}  // namespace parent_candidates_test
}  // namespace multilink
