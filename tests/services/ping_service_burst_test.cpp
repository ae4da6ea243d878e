// SPDX-License-Identifier: GPL-2.0-or-later
#include "services/ping_service_fixture.hpp"

namespace multilink {
namespace ping_service_burst_test {

using namespace std::chrono_literals;

/// pingd asks on when it is in question whether a link is dead.
class PingServiceBurstTest : public PingServiceTest {
 protected:
  std::size_t sent_in(Duration time, std::string_view device) {
    prober_.forget_sent();
    scheduler_.advance(time);
    return sent_through(device).size();
  }
  /// Users' packets, so many a second each way, for some time.
  void traffic(std::string_view device, Duration time, std::uint64_t received, std::uint64_t sent) {
    for (Duration passed{}; passed < time; passed += 10ms) {
      auto& count = counters_.of(index_of(device));
      count.received += received / 100;
      count.sent += sent / 100;
      scheduler_.advance(10ms);
    }
  }
};

TEST_F(PingServiceBurstTest, ACalmLinkIsProbedAtItsIntervalOnly) {
  start();
  scheduler_.advance(10s);
  EXPECT_EQ(sent_in(60s, "eth0"), 60U);
}

TEST_F(PingServiceBurstTest, AMissIsFollowedByABurstThroughThatUplinkUntilItIsSettled) {
  start();
  scheduler_.advance(10s);
  silence("eth0");
  const auto asked = sent_in(2s, "eth0");
  EXPECT_GE(asked, 20U);
  EXPECT_EQ(sent_through("eth1").size(), 2U);
  silence("eth0", false);
  scheduler_.advance(3s);
  EXPECT_EQ(sent_in(10s, "eth0"), 10U) << "calm again";
}

TEST_F(PingServiceBurstTest, ALinkThatStaysDeadIsAskedAtItsIntervalAgain) {
  start();
  scheduler_.advance(10s);
  silence("eth0");
  EXPECT_LE(sent_in(10s, "eth0"), 150U);
  EXPECT_EQ(sent_in(60s, "eth0"), 60U);
}

TEST_F(PingServiceBurstTest, BurstProbesAreRecordedAsSuch) {
  start();
  scheduler_.advance(10s);
  silence("eth0");
  scheduler_.advance(2s);
  const auto all = stored("eth0");
  const auto bursts = std::count_if(
      all.begin(), all.end(), [](const ProbeRecord& record) { return record.kind == ProbeKind::burst; });
  EXPECT_GE(bursts, 10);
}

TEST_F(PingServiceBurstTest, UsersTrafficThatFallsSilentIsAskedAboutAtOnce) {
  start();
  scheduler_.advance(10s);
  traffic("eth0", 5s, 1000, 1000);
  prober_.forget_sent();
  silence("eth0");
  traffic("eth0", 60ms, 0, 1000);
  EXPECT_GE(sent_through("eth0").size(), 2U) << "no regular probe was due";
}

TEST_F(PingServiceBurstTest, AOneWayUploadKeepsAskingNothing) {
  start();
  scheduler_.advance(10s);
  prober_.forget_sent();
  traffic("eth0", 60s, 0, 5000);
  EXPECT_LE(sent_through("eth0").size(), 61U);
}

TEST_F(PingServiceBurstTest, AnIdleLinkIsReadOnceASecond) {
  start();
  scheduler_.advance(10s);
  const unsigned before = counters_.readings();
  scheduler_.advance(60s);
  EXPECT_LE(counters_.readings() - before, 2U * 61);
}

TEST_F(PingServiceBurstTest, UplinksWithTrafficAreReadTogether) {
  start();
  scheduler_.advance(10s);
  const auto both = [&] {
    traffic("eth0", 10ms, 1000, 1000);
    auto& count = counters_.of(index_of("eth1"));
    count.received += 10;
    count.sent += 10;
  };
  for (int i = 0; i < 400; ++i) both();
  int reading_both = 0;
  int reading_one = 0;
  for (int i = 0; i < 500; ++i) {
    const unsigned before = counters_.readings();
    both();
    if (counters_.readings() - before == 2) ++reading_both;
    if (counters_.readings() - before == 1) ++reading_one;
  }
  EXPECT_EQ(reading_one, 0);
  EXPECT_GE(reading_both, 5 * 19);
  EXPECT_LE(reading_both, 5 * 22);
}

TEST_F(PingServiceBurstTest, ADeviceWhoseCountersAreGoneIsNotReadInALoop) {
  start();
  scheduler_.advance(10s);
  traffic("eth0", 5s, 1000, 1000);
  counters_.forget(index_of("eth0"));
  const unsigned before = counters_.readings();
  scheduler_.advance(2s);
  EXPECT_LE(counters_.readings() - before, 6U);
}

TEST_F(PingServiceBurstTest, AHostThatRefusesToSendIsNotAskedInALoop) {
  start();
  scheduler_.advance(10s);
  silence("eth0");
  scheduler_.advance(1100ms);
  prober_.refuse(index_of("eth0"), 1);
  const unsigned before = prober_.calls();
  scheduler_.advance(2s);
  EXPECT_LE(prober_.calls() - before, 300U);
}

TEST_F(PingServiceBurstTest, TheTrafficOfAnUplinkThatWasRemovedAsksNothingAlsoWhileTheKernelCannotBeRead) {
  start();
  traffic("eth1", 10s, 1000, 1000);
  config_.uplinks.pop_back();
  kernel_.fail_reads(ENOBUFS, 100);
  reload();
  traffic("eth1", 2s, 0, 1000);
  EXPECT_EQ(sent_in(2s, "eth1"), 0U);
}

}  // namespace ping_service_burst_test
}  // namespace multilink
