// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/route_service.hpp"

#include <cerrno>

#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_service_test {

using fakes::address;
using fakes::default_via;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(RouteServiceTest, AtTheFirstStartNothingIsKnownAndNoDefaultIsTouched) {
  start();
  EXPECT_TRUE(routed_->supervisor.is_ready);
  EXPECT_EQ(owned_default(kernel_.read().value(), Family::v4, {}), nullptr);
  EXPECT_THAT(owned(), Contains(HasSubstr("table 7001"))) << "so that probes leave by their own uplink";
  EXPECT_THAT(active(), IsEmpty());
  say("eth1", HealthState::up);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_THAT(active(), ElementsAre("eth1"));
}

TEST_F(RouteServiceTest, FailsOverAndBackAtAHint) {
  start_with_both_up();
  say("eth0", HealthState::down, "loss 24 % over 60 s");
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_THAT(active(), ElementsAre("eth1"));
  say("eth0", HealthState::up, "clean for 10 s");
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RouteServiceTest, TheNewDefaultIsThereBeforeTheAddressGivesWay) {
  start_with_both_up();
  const auto before = owned();
  say("eth0", HealthState::suspect, "silent");
  scheduler_.settle();
  EXPECT_EQ(carrier_from("192.0.2.2"), "eth1");
  ASSERT_EQ(kernel_.applied().size(), 6U);
  ASSERT_TRUE(std::holds_alternative<PrependRoute>(kernel_.applied().front()));
  EXPECT_EQ(std::get<PrependRoute>(kernel_.applied().front()).route.table, kMainTable);
  EXPECT_TRUE(std::holds_alternative<DeleteRoute>(kernel_.applied().back()));
  for (std::size_t i = 1; i < 5; ++i) {
    ASSERT_TRUE(std::holds_alternative<DeleteRule>(kernel_.applied()[i]));
    EXPECT_EQ(std::get<DeleteRule>(kernel_.applied()[i]).rule.from, fakes::prefix("192.0.2.2/32"));
  }
  say("eth0", HealthState::down, "silent for 3 s");
  scheduler_.settle();
  EXPECT_EQ(kernel_.applied().size(), 6U);
  say("eth0", HealthState::up);
  scheduler_.settle();
  EXPECT_EQ(owned(), before);
}

TEST_F(RouteServiceTest, TheAddressOfABackupGivesWayAndComesBackToo) {
  start_with_both_up();
  const auto before = owned();
  say("eth1", HealthState::down);
  scheduler_.settle();
  EXPECT_EQ(carrier_from("198.51.100.2"), "eth0");
  EXPECT_EQ(kernel_.applied().size(), 4U);
  say("eth0", HealthState::down);
  scheduler_.settle();
  EXPECT_EQ(owned(), before) << "nobody is usable, and no address gives way";
}

TEST_F(RouteServiceTest, TheAddressGivesWayAtCarrierLossAndUntilTheLinkIsTrustedAgain) {
  start_with_both_up();
  kernel_.set_carrier("eth0", false);
  scheduler_.settle();
  EXPECT_EQ(carrier_from("192.0.2.2"), "eth1");
  kernel_.set_carrier("eth0", true);
  scheduler_.advance(seconds(3));
  EXPECT_EQ(carrier_from("192.0.2.2"), "eth1");
  say("eth0", HealthState::up);
  scheduler_.settle();
  EXPECT_EQ(carrier_from("192.0.2.2"), "eth0");
}

TEST_F(RouteServiceTest, ARuleOfOthersBeforeOursIsPrecededAndWhereThatCannotBeItIsSaidOnce) {
  start_with_both_up();
  const auto ordinary = owned();
  Rule theirs;
  theirs.table = 51820;
  ASSERT_TRUE(kernel_.add_rule_before_all(theirs));
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 910 oif eth0")));
  EXPECT_TRUE(std::holds_alternative<AddRule>(kernel_.applied().front()));
  EXPECT_TRUE(std::holds_alternative<DeleteRule>(kernel_.applied().back()));
  Rule first = theirs;
  first.priority = 50;
  ASSERT_TRUE(kernel_.add_rule(first));
  scheduler_.advance(minutes(1));
  EXPECT_EQ(owned(), ordinary);
  EXPECT_EQ(log_.count("the rule of others with priority 50 goes before multilink's", LogLevel::warning), 1U);
  ASSERT_TRUE(kernel_.delete_rule(first));
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 910 oif eth0")));
  theirs.priority = 1009;
  ASSERT_TRUE(kernel_.delete_rule(theirs));
  scheduler_.settle();
  EXPECT_EQ(owned(), ordinary);
}

TEST_F(RouteServiceTest, ALostHintCostsNoMoreThanASweep) {
  start_with_both_up();
  redis_.lose_hints(true);
  say("eth0", HealthState::down);
  scheduler_.advance(HealthReader::kSweep + milliseconds(1));
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(RouteServiceTest, TheEventTellsWhatWhyAndHowLong) {
  start_with_both_up();
  const auto before = events().size();
  say("eth0", HealthState::down, "loss 24 % over 60 s");
  scheduler_.settle();
  ASSERT_EQ(events().size(), before + 1);
  const auto event = events().back();
  EXPECT_EQ(event.source, "routed");
  EXPECT_EQ(event.kind, "route");
  EXPECT_EQ(event.family, Family::v4);
  EXPECT_EQ(event.from, "eth0");
  EXPECT_EQ(event.to, "eth1");
  EXPECT_EQ(event.reason, "eth0 down: loss 24 % over 60 s");
  EXPECT_EQ(event.id, EventRecord::make_id("0123abcd", MonoTime(Duration(last_event_)))) << "healthd's event";
  ASSERT_TRUE(event.took);
  const auto routing_record = routing().families.at(Family::v4);
  EXPECT_EQ(routing_record.event, event.id);
  EXPECT_EQ(routing_record.since, event.at);
  EXPECT_EQ(routing().sync, "in_sync");
  scheduler_.advance(minutes(1));
  EXPECT_EQ(events().size(), before + 1) << "nothing changed, so nothing is told";
}

TEST_F(RouteServiceTest, TheEventTellsHowLongTheChainTookFromTheProbeThatDecided) {
  start_with_both_up();
  const auto decided = scheduler_.now().mono;
  scheduler_.advance(milliseconds(2));
  say("eth0", HealthState::suspect, "", "", decided);
  scheduler_.settle();
  EXPECT_EQ(events().back().decided, decided);
  EXPECT_EQ(events().back().chain, scheduler_.now().mono - decided);
  EXPECT_EQ(routing().families.at(Family::v4).chain, events().back().chain);
  say("eth0", HealthState::up);
  scheduler_.settle();
  EXPECT_EQ(events().back().to, "eth0");
  EXPECT_EQ(events().back().chain, std::nullopt) << "no probe decided";
}

TEST_F(RouteServiceTest, ASwitchLongAfterAVerdictIsNotTheChains) {
  start_with_both_up();
  say("eth1", HealthState::down);
  scheduler_.settle();
  say("eth0", HealthState::down, "", "", scheduler_.now().mono);
  scheduler_.advance(minutes(1));
  ASSERT_EQ(carrier(), "eth0") << "nowhere to go";
  say("eth1", HealthState::up);
  scheduler_.settle();
  ASSERT_EQ(carrier(), "eth1");
  EXPECT_THAT(events().back().reason, HasSubstr("eth0 down"));
  EXPECT_EQ(events().back().chain, std::nullopt);
}

TEST_F(RouteServiceTest, CarrierLossActsAtOnceAndWithoutRedis) {
  start_with_both_up();
  redis_.stop();
  scheduler_.advance(seconds(1));
  kernel_.set_carrier("eth0", false);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_THAT(routed_->supervisor.statuses.back(), HasSubstr("waiting for Redis"));
  scheduler_.advance(minutes(5));
  EXPECT_EQ(carrier(), "eth1");
  redis_.start();
  scheduler_.advance(seconds(1));
  EXPECT_THAT(active(), ElementsAre("eth1"));
  EXPECT_EQ(events().back().reason, "eth0 has no carrier") << "what happened meanwhile is told";
}

TEST_F(RouteServiceTest, AStaleUpDoesNotBringTheTrafficBackWithTheCarrier) {
  start_with_both_up();
  kernel_.set_carrier("eth0", false);
  scheduler_.advance(seconds(3));
  kernel_.set_carrier("eth0", true);
  scheduler_.advance(seconds(3));
  EXPECT_EQ(carrier(), "eth1");
  say("eth0", HealthState::down);
  scheduler_.advance(seconds(8));
  EXPECT_EQ(carrier(), "eth1");
  say("eth0", HealthState::up);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RouteServiceTest, ABlinkThatHealthdNeverSawIsForgivenInUpAfter) {
  start_with_both_up();
  kernel_.set_carrier("eth0", false);
  scheduler_.settle();
  kernel_.set_carrier("eth0", true);
  scheduler_.advance(config_.uplinks[0].up_after - seconds(1));
  EXPECT_EQ(carrier(), "eth1");
  scheduler_.advance(seconds(3));
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RouteServiceTest, TheOnlyUplinkCarriesAgainAsSoonAsItsCarrierIsBack) {
  config_.uplinks.pop_back();
  say("eth0", HealthState::up);
  start();
  scheduler_.advance(seconds(1));
  const auto before = owned();
  kernel_.set_admin_up("eth0", false);
  scheduler_.advance(seconds(1));
  kernel_.set_admin_up("eth0", true);
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "192.0.2.1", "eth0", 100)));
  scheduler_.settle();
  EXPECT_EQ(owned(), before);
}

TEST_F(RouteServiceTest, WithEverythingDownTheLeastBadStays) {
  start_with_both_up();
  const auto before = owned();
  for (const auto* name : {"eth1", "eth0"}) say(name, HealthState::down);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_EQ(owned(), before);
  for (const auto* name : {"eth0", "eth1"}) kernel_.set_carrier(name, false);
  scheduler_.advance(minutes(1));
  EXPECT_NE(owned_default(kernel_.read().value(), Family::v4, {}), nullptr);
  EXPECT_EQ(kernel_.carrier_of({.destination = address("10.0.0.7")}), "lan");
  kernel_.set_carrier("eth1", true);
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
}

TEST_F(RouteServiceTest, WithoutRedisTheLastHealthCounts) {
  start_with_both_up();
  say("eth0", HealthState::down);
  scheduler_.settle();
  redis_.stop();
  redis_.lose_data();
  scheduler_.advance(hours(1));
  EXPECT_EQ(carrier(), "eth1");
  redis_.start();
  scheduler_.advance(minutes(1));
  EXPECT_EQ(carrier(), "eth1") << "a key that is missing says nothing";
  EXPECT_THAT(active(), ElementsAre("eth1")) << "and our own record is there again";
}

TEST_F(RouteServiceTest, UnknownRemovesNothing) {
  start_with_both_up();
  for (const auto* name : {"eth0", "eth1"}) say(name, HealthState::unknown);
  scheduler_.advance(minutes(1));
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_THAT(kernel_.applied(), IsEmpty());
}

TEST_F(RouteServiceTest, AnUplinkFoundByItsMacIsBelievedUnderAnyDeviceName) {
  HealthRecord record;
  record.device = "eth9";
  record.boot = boot_;
  EXPECT_FALSE(speaks_of(record, config_.uplinks[0], "0123abcd"));
  config_.uplinks[0].mac = "02:00:00:00:00:02";
  EXPECT_TRUE(speaks_of(record, config_.uplinks[0], "0123abcd"));
}

TEST_F(RouteServiceTest, StartsWithoutRedisAndJoinsWhenItComes) {
  redis_.stop();
  start();
  EXPECT_TRUE(routed_->supervisor.is_ready);
  scheduler_.advance(minutes(1));
  redis_.start();
  say("eth0", HealthState::up);
  scheduler_.advance(seconds(1));
  EXPECT_EQ(carrier(), "eth0");
}

TEST_F(RouteServiceTest, GarbageInTheKeysAndOnTheChannelChangesNothingAndIsLoggedOnce) {
  start_with_both_up();
  redis_.execute({"HSET", keys_.health("eth0"), "4.state", "dead\x01"});
  redis_.execute({"DEL", keys_.health("eth1")});
  redis_.execute({"SET", keys_.health("eth1"), "garbage"});
  for (const auto* name : {"eth0", "eth1", "", "nobody", "\xff\x00"}) {
    redis_.execute({"PUBLISH", keys_.status_channel(), name});
  }
  scheduler_.advance(minutes(5));
  EXPECT_EQ(carrier(), "eth0");
  EXPECT_THAT(kernel_.applied(), IsEmpty());
  EXPECT_EQ(log_.count(keys_.health("eth0"), LogLevel::warning), 1U);
  EXPECT_EQ(log_.count(keys_.health("eth1"), LogLevel::warning), 1U);
  EXPECT_EQ(log_.count("no uplink is called", LogLevel::warning), 1U);
}

TEST_F(RouteServiceTest, TheEndOfARemovedUplinkIsNoGarbage) {
  start_with_both_up();
  config_.uplinks.pop_back();
  reload();
  redis_.execute({"PUBLISH", keys_.status_channel(), "eth1"});
  scheduler_.settle();
  EXPECT_EQ(log_.count("no uplink is called"), 0U);
}

TEST_F(RouteServiceTest, ItsOwnRecordIsThereAgainWhateverSomebodyMakesOfIt) {
  start_with_both_up();
  redis_.execute({"DEL", keys_.routing()});
  redis_.execute({"SET", keys_.routing(), "garbage"});
  scheduler_.advance(RoutingReporter::kRefresh + 3 * RoutingReporter::kRetry);
  EXPECT_THAT(active(), ElementsAre("eth0"));
  redis_.execute({"HSET", keys_.routing(), "4.active", "eth9/eth9/1/"});
  scheduler_.advance(RoutingReporter::kRefresh);
  EXPECT_THAT(active(), ElementsAre("eth0"));
}

TEST_F(RouteServiceTest, SomebodyDeletesEverythingAndItIsPutBackAtOnce) {
  start_with_both_up();
  const auto before = owned();
  delete_everything_owned();
  scheduler_.settle();
  EXPECT_EQ(owned(), before);
  EXPECT_EQ(log_.count("brought the kernel in line"), 2U) << "once at the start";
}

TEST_F(RouteServiceTest, AfterAnOverrunEverythingIsReadAnew) {
  start_with_both_up();
  const auto before = owned();
  kernel_.lose_notifications();
  delete_everything_owned();
  scheduler_.settle();
  EXPECT_EQ(owned(), before);
}

TEST_F(RouteServiceTest, ARestartLosesNothingAndKeepsTheIndices) {
  start_with_both_up();
  say("eth0", HealthState::down, "loss");
  scheduler_.settle();
  const auto since = routing().families.at(Family::v4);
  const auto before = owned();
  kill();
  std::swap(config_.uplinks[0], config_.uplinks[1]);
  kernel_.forget_applied();
  redis_.freeze();
  start();
  scheduler_.advance(seconds(1));
  EXPECT_THAT(kernel_.applied(), IsEmpty()) << "adopted, though nothing is known yet";
  redis_.thaw();
  scheduler_.advance(seconds(5));
  EXPECT_THAT(kernel_.applied(), IsEmpty());
  EXPECT_EQ(owned(), before);
  EXPECT_EQ(routing().families.at(Family::v4), since) << "the last switch is still told";
}

TEST_F(RouteServiceTest, AStopLeavesTheKernelAndTakesTheHeartbeatAway) {
  start_with_both_up();
  EXPECT_EQ(redis_.execute({"HGETALL", keys_.daemon("routed")}).value.index(), 3U);
  const auto before = owned();
  routed_->service.stop();
  scheduler_.settle();
  kill();
  scheduler_.advance(Heartbeat::kAfterlife + seconds(1));
  EXPECT_EQ(owned(), before);
  EXPECT_THAT(as_fields(redis_.execute({"HGETALL", keys_.daemon("routed")})).value(), IsEmpty());
}

TEST_F(RouteServiceTest, AChangeOfPrecedenceByReloadAddsBeforeItDeletes) {
  start_with_both_up();
  config_.uplinks = {fakes::uplink("eth1", 1), fakes::uplink("eth0", 2)};
  reload();
  EXPECT_EQ(carrier(), "eth1");
  ASSERT_EQ(kernel_.applied().size(), 2U);
  EXPECT_TRUE(std::holds_alternative<PrependRoute>(kernel_.applied()[0]));
  EXPECT_TRUE(std::holds_alternative<DeleteRoute>(kernel_.applied()[1]));
  EXPECT_EQ(events().back().reason, "the configuration has changed");
}

TEST_F(RouteServiceTest, AnUplinkThatIsNoLongerConfiguredIsClearedAndANewOneIsFitted) {
  start_with_both_up();
  kernel_.add_link("eth2");
  kernel_.add_address("eth2", "100.64.3.2/24");
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "100.64.3.1", "eth2", 300)));
  config_.uplinks = {fakes::uplink("eth2", 1), fakes::uplink("eth1", 2)};
  reload();
  EXPECT_THAT(owned(), Not(Contains(HasSubstr("eth0"))));
  EXPECT_EQ(carrier(), "eth1") << "of the new one nothing is known";
  say("eth2", HealthState::up);
  scheduler_.advance(seconds(1));
  EXPECT_EQ(carrier(), "eth2");
  EXPECT_THAT(owned(), Contains(HasSubstr("oif eth2 lookup 7003")));
  EXPECT_THAT(owned(), Contains(HasSubstr("oif eth1 lookup 7002")));
}

TEST_F(RouteServiceTest, ANewAddressGatewayOrDeviceTakesEffectAtOnce) {
  start_with_both_up();
  kernel_.add_address("eth1", "198.51.100.77/24");
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("pref 1041 from 198.51.100.77 lookup 7002")));
  ASSERT_TRUE(kernel_.add_route(default_via(kernel_, "198.51.100.9", "eth1", 150)));
  scheduler_.settle();
  EXPECT_THAT(owned(), Contains(HasSubstr("default via 198.51.100.9 dev eth1 table 7002")));
  kernel_.remove_link("eth0");
  scheduler_.settle();
  EXPECT_EQ(carrier(), "eth1");
  EXPECT_EQ(events().back().reason, "eth0 has no device");
}

}  // namespace route_service_test
}  // namespace multilink
