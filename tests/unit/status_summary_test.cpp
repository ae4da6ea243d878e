// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_summary.hpp"

#include <gmock/gmock.h>

#include "fakes/status_sample.hpp"

namespace multilink {
namespace status_summary_test {

using fakes::failed_over_snapshot;
using fakes::sample_snapshot;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(StatusSummary, SaysThatAllIsWell) {
  const auto summary = summarize(sample_snapshot());
  EXPECT_EQ(summary.level, StatusLevel::ok);
  EXPECT_EQ(summary.sentence, "All uplinks are up. fibre carries the traffic.");
  EXPECT_THAT(summary.findings, IsEmpty());
}

TEST(StatusSummary, NamesTheUplinkThatIsDownAndWhy) {
  const auto summary = summarize(failed_over_snapshot());
  EXPECT_EQ(summary.level, StatusLevel::attention);
  EXPECT_EQ(summary.sentence, "fibre is down. lte carries the traffic.");
  EXPECT_THAT(summary.findings,
              testing::ElementsAre("fibre is down: loss 24 % over 60 s exceeds loss_down 20 %"));
}

TEST(StatusSummary, ItsSentenceNamesTwoAndCountsMore) {
  auto snapshot = failed_over_snapshot();
  snapshot.uplinks.push_back(snapshot.uplinks[0]);
  snapshot.uplinks.back().name = "cable";
  EXPECT_EQ(summarize(snapshot).sentence, "fibre is down, cable is down. lte carries the traffic.");
  snapshot.uplinks.push_back(snapshot.uplinks[0]);
  EXPECT_EQ(summarize(snapshot).sentence, "3 uplinks are not up. lte carries the traffic.");
}

TEST(StatusSummary, SaysWhenNobodyKnowsWhoCarries) {
  auto snapshot = sample_snapshot();
  snapshot.routing = fail("no record yet");
  EXPECT_EQ(summarize(snapshot).sentence, "Which uplink carries the traffic is not known.");
}

TEST(StatusSummary, SaysThatNoUplinkIsUsable) {
  auto snapshot = failed_over_snapshot();
  snapshot.uplinks[1].usable = false;
  const auto summary = summarize(snapshot);
  EXPECT_EQ(summary.level, StatusLevel::failed);
  EXPECT_EQ(summary.sentence, "No uplink is usable. The default route stays on lte.");
}

TEST(StatusSummary, DoesNotCallFailedWhatItDoesNotKnow) {
  auto snapshot = failed_over_snapshot();
  snapshot.uplinks[1].usable = fail("'MAYBE' is neither TRUE nor FALSE");
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::unknown);
  snapshot.uplinks.clear();
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::unknown);
}

TEST(StatusSummary, DoesNotCallFailedWhatNobodyProbes) {
  auto snapshot = failed_over_snapshot();
  for (auto& uplink : snapshot.uplinks) {
    uplink.usable = false;
    uplink.health->families[Family::v4].state = HealthState::unknown;
  }
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::unknown);
  snapshot.uplinks[0].health->families[Family::v4].state = HealthState::down;
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::unknown) << "the other one may work";
  snapshot.uplinks[1].health->families[Family::v4].state = HealthState::down;
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::failed);
}

TEST(StatusSummary, SaysThatTheConfigurationIsRefused) {
  auto snapshot = sample_snapshot();
  snapshot.config_problems = {"interfaces.conf:3: weight: wrong", "interfaces.conf:4: mac: wrong"};
  const auto summary = summarize(snapshot);
  EXPECT_EQ(summary.level, StatusLevel::attention);
  EXPECT_THAT(summary.findings,
              testing::ElementsAre("the configuration file is refused, daemons that run keep to "
                                   "what they have read before: interfaces.conf:3: weight: wrong "
                                   "(and 1 more)"));
}

TEST(StatusSummary, AsksForAttentionWhenADaemonDoesNotReport) {
  auto snapshot = sample_snapshot();
  snapshot.daemons[1].record = fail("no record yet");
  const auto summary = summarize(snapshot);
  EXPECT_EQ(summary.level, StatusLevel::attention);
  EXPECT_THAT(summary.findings, Contains(HasSubstr("healthd does not report")));
}

TEST(StatusSummary, SaysWhatAMissingNotifierMeans) {
  auto snapshot = sample_snapshot();
  snapshot.daemons[3].record = fail("no record yet");
  EXPECT_THAT(summarize(snapshot).findings,
              Contains("notifyd does not report (no record yet): nobody is told of what happens"));
  snapshot.daemons[0].record->notifies = true;
  leave_out_idle_notifier(snapshot);
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::attention) << "pingd knows of a receiver";
  snapshot.daemons[0].record->notifies = false;
  leave_out_idle_notifier(snapshot);
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::ok);
  EXPECT_EQ(snapshot.daemons.size(), 3U);
}

TEST(StatusSummary, AsksForAttentionWhenRoutingIsOutOfSync) {
  auto snapshot = sample_snapshot();
  snapshot.routing->sync = "cannot add a rule: Operation not permitted";
  EXPECT_THAT(summarize(snapshot).findings, Contains("routing: cannot add a rule: Operation not permitted"));
}

TEST(StatusSummary, AsksForAttentionWhenNothingCarriesTheDefault) {
  auto snapshot = sample_snapshot();
  snapshot.routing->families[Family::v4].active.clear();
  const auto summary = summarize(snapshot);
  EXPECT_EQ(summary.level, StatusLevel::attention);
  EXPECT_EQ(summary.sentence, "No uplink of multilink carries the default route.");
}

TEST(StatusSummary, LeavesDisabledUplinksInPeace) {
  auto snapshot = failed_over_snapshot();
  snapshot.uplinks[0].health->enabled = false;
  EXPECT_EQ(summarize(snapshot).level, StatusLevel::ok);
}

TEST(StatusSummary, TellsTheFamiliesApartWhereThereAreTwo) {
  auto snapshot = sample_snapshot();
  auto& fibre = snapshot.uplinks[0];
  fibre.link->families[Family::v6].addresses = {*IpAddress::parse("2001:db8::2")};
  fibre.health->families[Family::v6].state = HealthState::down;
  fibre.health->families[Family::v6].reason = "no answer";
  EXPECT_THAT(summarize(snapshot).findings, testing::ElementsAre("fibre (IPv6) is down: no answer"));
  EXPECT_EQ(summarize(snapshot).sentence, "fibre (IPv6) is down. fibre carries the traffic.");
  fibre.health->families[Family::v4].state = HealthState::down;
  EXPECT_EQ(summarize(snapshot).sentence, "fibre is down. fibre carries the traffic.");
}

TEST(StatusSummary, NamesWhoCarriesEachFamilyWhereTheyDiffer) {
  auto snapshot = sample_snapshot();
  auto& families = snapshot.routing->families;
  families[Family::v6] = families.at(Family::v4);
  EXPECT_EQ(summarize(snapshot).sentence, "All uplinks are up. fibre carries the traffic.");
  families.at(Family::v6).active = {{"lte", "wwan0", std::nullopt, 1}};
  EXPECT_EQ(summarize(snapshot).sentence, "All uplinks are up. fibre carries IPv4; lte carries IPv6.");
  families.at(Family::v6).active.clear();
  EXPECT_EQ(summarize(snapshot).sentence, "All uplinks are up. fibre carries the traffic.");
}

TEST(StatusSummary, SaysThatRecordsWereRefused) {
  auto snapshot = sample_snapshot();
  snapshot.problems = {{"multilink:local:events", "garbage"}};
  EXPECT_THAT(summarize(snapshot).findings, Contains("records in Redis that were refused: 1"));
}

TEST(StatusSummary, TellsWhatSomebodyHasOrdered) {
  auto snapshot = fakes::sample_snapshot();
  snapshot.uplinks[0].health->admin = AdminMode::drained;
  snapshot.routing->drill = "lte";
  EXPECT_THAT(summarize(snapshot).findings,
              testing::IsSupersetOf({"fibre is drained by its administrator, but still carries the traffic",
                                     "a drill makes lte a black hole"}));
  snapshot.uplinks[0].health->admin_until = WallTime(std::chrono::seconds(1'793'872'800));
  snapshot.routing->families.at(Family::v4).active.front().uplink = "lte";
  const auto summary = summarize(snapshot);
  EXPECT_EQ(summary.level, StatusLevel::attention);
  EXPECT_THAT(
      summary.findings,
      Contains(
          "fibre is drained by its administrator until 2026-11-05T10:00:00.000Z: nothing new goes by it"));
}

}  // namespace status_summary_test
}  // namespace multilink
