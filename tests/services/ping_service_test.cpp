// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/icmp_messages.hpp"
#include "services/ping_service_fixture.hpp"

#include <cerrno>

namespace multilink {
namespace ping_service_test {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(PingServiceTest, EachTickIsOneCallForAllUplinks) {
  start();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(prober_.calls(), 11U);
  EXPECT_EQ(sent_through("eth0").size(), 11U);
  EXPECT_EQ(sent_through("eth1").size(), 11U);
}

/// What the host does each second must not be all that the probes ever meet; and a call for each uplink would cost.
TEST_F(PingServiceTest, PausesAreUnevenAndTheSameForAllUplinks) {
  pace_ = pause_to_next_probe;
  start();
  scheduler_.advance(minutes(10));
  EXPECT_NEAR(prober_.calls(), 600, 30);
  const auto first = sent_through("eth0");
  const auto second = sent_through("eth1");
  ASSERT_EQ(first.size(), prober_.calls());
  ASSERT_EQ(second.size(), prober_.calls());
  std::set<Duration> pauses;
  for (std::size_t i = 1; i < first.size(); ++i) {
    EXPECT_EQ(first[i].at, second[i].at);
    const auto pause = first[i].at - first[i - 1].at;
    EXPECT_LE(pause, milliseconds(1080));
    pauses.insert(pause / milliseconds(10) * milliseconds(10));
  }
  EXPECT_GE(pauses.size(), 20U);
}

TEST_F(PingServiceTest, TargetsTakeTurnsAndEachUplinkHasAnIdentifierOfItsOwn) {
  start();
  scheduler_.advance(seconds(5));
  const auto first = sent_through("eth0");
  const auto second = sent_through("eth1");
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].probe.target, config_.uplinks[0].targets[i % 3]);
    EXPECT_EQ(identifier_of(first[i].probe), identifier_of(first[0].probe));
    EXPECT_EQ(identifier_of(second[i].probe), identifier_of(second[0].probe));
  }
  ASSERT_TRUE(prober_.identity());
  EXPECT_EQ(prober_.identity()->ids, 2U);
  EXPECT_EQ(prober_.identity()->mark, config_.suite.mark_mask);
  EXPECT_EQ(identifier_of(first[0].probe), prober_.identity()->first_id);
  EXPECT_EQ(identifier_of(second[0].probe), prober_.identity()->first_id + 1U);
}

TEST_F(PingServiceTest, IntervalsMayDiffer) {
  config_.uplinks[1].probe_interval = milliseconds(250);
  start();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(sent_through("eth0").size(), 11U);
  EXPECT_EQ(sent_through("eth1").size(), 41U);
}

TEST_F(PingServiceTest, AnswersAreStoredWithRttAndSendTime) {
  start();
  const Now began = scheduler_.now();
  scheduler_.advance(milliseconds(20));
  const auto records = stored("eth0");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].outcome, Outcome::answered);
  EXPECT_EQ(records[0].rtt, milliseconds(20));
  EXPECT_EQ(records[0].sent, began.mono);
  EXPECT_EQ(records[0].sent_wall, began.wall);
  EXPECT_EQ(records[0].target, config_.uplinks[0].targets[0]);
  EXPECT_EQ(records[0].kind, ProbeKind::regular);
  EXPECT_EQ(records[0].boot, "0123abcd");
}

TEST_F(PingServiceTest, ReadersAreToldOfEachUplinkWithNews) {
  fakes::FakeStore reader(scheduler_, redis_);
  std::vector<std::string> hints;
  reader.start({keys_.probe_channel()},
               {[] {}, [](const Error&) {},
                [&](std::string_view, std::string_view name) { hints.emplace_back(name); }});
  start();
  scheduler_.advance(seconds(5));
  hints.clear();
  silence("eth1");
  scheduler_.advance(milliseconds(990));
  // The answer of eth0, given out within kGather, and the loss on eth1.
  EXPECT_EQ(std::count(hints.begin(), hints.end(), "eth0"), 1);
  EXPECT_EQ(std::count(hints.begin(), hints.end(), "eth1"), 1);
}

TEST_F(PingServiceTest, ALossIsStoredAtTheTimeout) {
  start();
  scheduler_.advance(milliseconds(60'500));  // both targets' RTTs are well known
  silence("eth0");
  scheduler_.advance(milliseconds(500 + 29));
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 0U);
  scheduler_.advance(milliseconds(3));  // 20 ms and the least margin of 10 ms
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 1U);
}

TEST_F(PingServiceTest, ALateAnswerTurnsTheLossIntoAnAnswer) {
  prober_.set_world([](const OutgoingProbe&) {
    return fakes::ProbePath{fakes::ProbePath::End::answers, milliseconds(1500)};
  });
  start();
  scheduler_.advance(milliseconds(1100));
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 1U);
  scheduler_.advance(milliseconds(500));
  const auto records = stored("eth0");
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records[0].outcome, Outcome::answered);
  EXPECT_EQ(records[0].rtt, milliseconds(1500));
  scheduler_.advance(seconds(30));
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 0U);
}

TEST_F(PingServiceTest, AnExactUnreachableIsALossAtOnce) {
  start();
  scheduler_.advance(milliseconds(500));
  prober_.set_world([](const OutgoingProbe&) {
    return fakes::ProbePath{fakes::ProbePath::End::unreachable, milliseconds(5)};
  });
  scheduler_.advance(milliseconds(500 + 6));
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 1U);
}

TEST_F(PingServiceTest, ForgedMessagesHaveNoEffectAndAreLoggedSparingly) {
  silence("eth0");
  start();
  const auto probe = prober_.sent().at(0).probe;
  const auto other = *IpAddress::parse("203.0.113.99");
  for (int i = 0; i < 1000; ++i) {
    auto guess = probe.message;
    guess[23] = static_cast<std::uint8_t>(guess[23] + 1);
    prober_.deliver(probe.target, fakes::echo_reply_to(guess));
    prober_.deliver(other, fakes::echo_reply_to(probe.message));
    prober_.deliver(other, fakes::unreachable_for(other, probe.message));
    guess = probe.message;
    guess[2] = static_cast<std::uint8_t>(guess[2] + 1);
    prober_.deliver(other, fakes::unreachable_for(probe.target, guess));
    guess = fakes::echo_reply_to(probe.message);
    guess.pop_back();
    prober_.deliver(probe.target, guess);
  }
  scheduler_.advance(milliseconds(500));
  EXPECT_TRUE(stored("eth0").empty());
  EXPECT_EQ(log_.count("ignored an ICMP message from 203.0.113.1: does not carry the probe's random payload"),
            1U);
  EXPECT_EQ(log_.count("ignored an ICMP message"), 1U);
  scheduler_.advance(seconds(10));
  prober_.deliver(other, fakes::unreachable_for(other, probe.message));
  EXPECT_EQ(log_.count("(and 4999 others before it)"), 1U);
}

TEST_F(PingServiceTest, DuplicatesChangeNothingAndAreNotWorthALine) {
  start();
  scheduler_.advance(milliseconds(30));
  const auto probe = prober_.sent().at(0).probe;
  prober_.deliver(probe.target, fakes::echo_reply_to(probe.message));
  scheduler_.advance(milliseconds(500));
  EXPECT_EQ(stored("eth0").size(), 1U);
  EXPECT_EQ(log_.count("ignored"), 0U);
}

TEST_F(PingServiceTest, AnUplinkWithoutCarrierIsReportedAndNotProbed) {
  start();
  scheduler_.advance(milliseconds(1500));
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).fact, LinkFact::ok);
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).gateway, IpAddress::parse("198.51.100.1"));
  EXPECT_TRUE(stored_events().empty());
  kernel_.set_carrier("eth1", false);
  scheduler_.advance(milliseconds(1));
  EXPECT_EQ(stored_link("eth1").families.at(Family::v4).fact, LinkFact::no_carrier);
  EXPECT_FALSE(stored_link("eth1").carrier);
  const auto events = stored_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "link");
  EXPECT_EQ(events[0].uplink, "eth1");
  EXPECT_EQ(events[0].from, "ok");
  EXPECT_EQ(events[0].to, "no_carrier");
  EXPECT_EQ(events[0].reason, "eth1 has no carrier");
  prober_.forget_sent();
  scheduler_.advance(seconds(5));
  EXPECT_EQ(sent_through("eth0").size(), 5U);
  EXPECT_TRUE(sent_through("eth1").empty());
  kernel_.set_carrier("eth1", true);
  scheduler_.advance(seconds(5));
  EXPECT_EQ(sent_through("eth1").size(), 5U);
  EXPECT_EQ(stored_events().size(), 2U);
}

TEST_F(PingServiceTest, ADeviceMayComeLater) {
  config_.uplinks.push_back(uplink("wwan0"));
  start();
  scheduler_.advance(seconds(3));
  EXPECT_EQ(stored_link("wwan0").families.at(Family::v4).fact, LinkFact::no_device);
  plug_in("wwan0", "203.0.113.130/25", "203.0.113.129");
  scheduler_.advance(seconds(3));
  EXPECT_EQ(stored_link("wwan0").families.at(Family::v4).fact, LinkFact::ok);
  EXPECT_EQ(sent_through("wwan0").size(), 3U);
  EXPECT_EQ(stored_with("wwan0", Outcome::answered), 2U);  // the third is on its way
}

TEST_F(PingServiceTest, AChangedGatewayIsAnEvent) {
  start();
  scheduler_.advance(seconds(1));
  config_.uplinks[0].gateways[Family::v4] = *IpAddress::parse("192.0.2.254");
  reload();
  EXPECT_EQ(stored_link("eth0").families.at(Family::v4).gateway, IpAddress::parse("192.0.2.254"));
  ASSERT_EQ(stored_events().size(), 1U);
  EXPECT_EQ(stored_events()[0].reason, "eth0 has 192.0.2.2 and the gateway 192.0.2.254");
}

TEST_F(PingServiceTest, RoutesThatChangeTogetherAreReadOnceAndALostCarrierAtOnce) {
  start();
  kernel_.set_carrier("eth1", false);
  scheduler_.advance(seconds(1));
  const auto before = kernel_.reads();
  Route route;
  route.table = kMainTable;
  route.destination = IpPrefix::default_of(Family::v4);
  route.next_hops = {{index_of("eth0"), *IpAddress::parse("192.0.2.254")}};
  for (route.metric = 10; route.metric < 14; ++route.metric) {
    ASSERT_TRUE(kernel_.add_route(route));
    scheduler_.advance(milliseconds(1));
  }
  scheduler_.advance(milliseconds(5));
  EXPECT_EQ(kernel_.reads() - before, 1U);
  EXPECT_EQ(stored_link("eth0").families.at(Family::v4).gateway, IpAddress::parse("192.0.2.254"));
  kernel_.set_carrier("eth0", false);
  scheduler_.settle();
  EXPECT_EQ(kernel_.reads() - before, 2U);
  EXPECT_EQ(stored_link("eth0").families.at(Family::v4).fact, LinkFact::no_carrier);
}

TEST_F(PingServiceTest, AProbeThatThisHostRefusesIsNeitherLostNorSilent) {
  start();
  scheduler_.advance(milliseconds(2500));
  const auto before = stored("eth0").size();
  prober_.refuse(index_of("eth0"), EPERM);
  scheduler_.advance(minutes(1));
  EXPECT_EQ(stored("eth0").size(), before);
  EXPECT_EQ(log_.count("this host does not send probes"), 1U);
  EXPECT_EQ(log_.count("nft list ruleset", LogLevel::warning), 1U);
  prober_.refuse(index_of("eth0"), EHOSTUNREACH);
  scheduler_.advance(minutes(1));
  EXPECT_EQ(log_.count("ip route get 203.0.113"), 1U);
  prober_.refuse(index_of("eth0"), 0);
  scheduler_.advance(seconds(10));
  EXPECT_EQ(stored("eth0").size(), before + 10);
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 0U);
  EXPECT_EQ(log_.count("probes leave again"), 1U);
  EXPECT_EQ(stored_with("eth1", Outcome::lost), 0U);
}

TEST_F(PingServiceTest, NothingIsSentThatCouldNotBeHeard) {
  prober_.refuse_to_listen(ENOMEM);
  start();
  scheduler_.advance(seconds(10));
  EXPECT_TRUE(prober_.sent().empty());
  EXPECT_EQ(log_.count("cannot probe", LogLevel::error), 1U);
  EXPECT_TRUE(stored("eth0").empty());
  prober_.refuse_to_listen(0);
  scheduler_.advance(seconds(10));
  EXPECT_EQ(sent_through("eth0").size(), 10U);
}

TEST_F(PingServiceTest, IsReadyOnceTheKernelHasBeenReadAndNotBefore) {
  kernel_.fail_reads(EIO, 3);
  start();
  scheduler_.advance(milliseconds(1500));
  EXPECT_FALSE(supervisor_.is_ready);
  EXPECT_TRUE(prober_.sent().empty());
  scheduler_.advance(seconds(2));
  EXPECT_TRUE(supervisor_.is_ready);
  EXPECT_EQ(log_.count("cannot read the kernel", LogLevel::error), 1U);
  EXPECT_FALSE(prober_.sent().empty());
}

TEST_F(PingServiceTest, SaysWhatItDoes) {
  redis_.stop();
  start();
  EXPECT_TRUE(supervisor_.is_ready);
  EXPECT_EQ(supervisor_.statuses.back(), "waiting for Redis; probing 2 of 2 uplinks");
  redis_.start();
  kernel_.set_carrier("eth1", false);
  scheduler_.advance(seconds(2));
  EXPECT_EQ(supervisor_.statuses.back(), "probing 1 of 2 uplinks");
}

TEST_F(PingServiceTest, ShowsThatItLivesAndThatItEnds) {
  start();
  scheduler_.advance(minutes(1));
  const auto read = [&] {
    return DaemonRecord::decode(as_fields(redis_.execute({"HGETALL", keys_.daemon("pingd")})).value());
  };
  ASSERT_TRUE(read());
  EXPECT_EQ(read()->pid, 42);
  service_->stop();
  scheduler_.advance(Heartbeat::kAfterlife + seconds(1));
  EXPECT_FALSE(read());
}

TEST_F(PingServiceTest, AStepOfTheWallClockChangesNoProbe) {
  start();
  scheduler_.advance(milliseconds(10'005));
  scheduler_.step_wall(std::chrono::hours(1));
  scheduler_.advance(seconds(10));
  scheduler_.step_wall(-std::chrono::hours(1));
  scheduler_.advance(seconds(10));
  EXPECT_EQ(sent_through("eth0").size(), 31U);
  EXPECT_EQ(stored_with("eth0", Outcome::answered), 30U);
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 0U);
}

}  // namespace ping_service_test
}  // namespace multilink
