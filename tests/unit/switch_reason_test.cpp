// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/switch_reason.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace switch_reason_test {

constexpr MonoTime kDecided{std::chrono::hours(1)};

SwitchParty leaves(HealthState health, LinkFact fact = LinkFact::ok) {
  return {"fibre", true, false, fact, health, "loss 24 %", "e-left", kDecided};
}

SwitchParty joins(HealthState health) {
  return {"lte", false, true, LinkFact::ok, health, "clean for 10 s", "e-joined", {}};
}

TEST(SwitchReason, ALostLinkExplainsItWhateverItsHealth) {
  const auto reason =
      explain_switch({leaves(HealthState::down, LinkFact::no_carrier), joins(HealthState::up)});
  EXPECT_EQ(reason.text, "fibre has no carrier");
  EXPECT_EQ(reason.event, "");
  EXPECT_EQ(reason.decided, std::nullopt);
}

TEST(SwitchReason, TheHealthOfTheOneThatLeft) {
  for (const auto state : {HealthState::suspect, HealthState::down}) {
    const auto reason = explain_switch({joins(HealthState::up), leaves(state)});
    EXPECT_EQ(reason.text, "fibre " + std::string(to_string(state)) + ": loss 24 %");
    EXPECT_EQ(reason.event, "e-left");
    EXPECT_EQ(reason.decided, kDecided);
  }
}

TEST(SwitchReason, ThatTheAdministratorHasDrainedOneOrDoesSoNoLonger) {
  auto drained = leaves(HealthState::up);
  drained.drained = true;
  EXPECT_EQ(explain_switch({joins(HealthState::up), drained}).text, "fibre is drained by its administrator");
  auto back = joins(HealthState::up);
  back.undrained = true;
  EXPECT_EQ(explain_switch({leaves(HealthState::up), back}).text, "lte is no longer drained");
  EXPECT_EQ(explain_switch({leaves(HealthState::down), back}).text, "fibre down: loss 24 %");
}

TEST(SwitchReason, TheOneThatCameUpIfNobodyIsAtFault) {
  const auto reason = explain_switch({leaves(HealthState::up), joins(HealthState::up)});
  EXPECT_EQ(reason.text, "lte up: clean for 10 s");
  EXPECT_EQ(reason.event, "e-joined");
}

TEST(SwitchReason, NothingIsMadeUp) {
  EXPECT_EQ(explain_switch({leaves(HealthState::unknown), joins(HealthState::unknown)}).text, "");
  EXPECT_EQ(explain_switch({}).text, "");
}

}  // namespace switch_reason_test
}  // namespace multilink
