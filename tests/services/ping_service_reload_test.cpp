// SPDX-License-Identifier: GPL-2.0-or-later
#include "services/ping_service_fixture.hpp"

namespace multilink {
namespace ping_service_reload_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

using PingServiceReloadTest = PingServiceTest;

TEST_F(PingServiceReloadTest, UnchangedUplinksKeepTheirPaceAndTheirPendingProbes) {
  start();
  scheduler_.advance(milliseconds(5010));  // the sixth probe is on its way
  const auto identifier = identifier_of(sent_through("eth0")[0].probe);
  config_.uplinks[1].weight = 5;
  config_.uplinks.push_back(uplink("wwan0"));
  reload();
  scheduler_.advance(milliseconds(4990));
  EXPECT_EQ(sent_through("eth0").size(), 11U);
  EXPECT_EQ(sent_through("eth0").back().at - sent_through("eth0").front().at, seconds(10));
  EXPECT_EQ(identifier_of(sent_through("eth0").back().probe), identifier);
  scheduler_.advance(milliseconds(500));
  EXPECT_EQ(stored_with("eth0", Outcome::answered), 11U);
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 0U);
}

TEST_F(PingServiceReloadTest, UnchangedUplinksKeepWhatTheyKnowOfTheRtt) {
  start();
  scheduler_.advance(milliseconds(60'500));
  config_.uplinks[0].loss_down = 0.5;
  reload();
  silence("eth0");
  scheduler_.advance(milliseconds(500 + 33));
  EXPECT_EQ(stored_with("eth0", Outcome::lost), 1U);
}

TEST_F(PingServiceReloadTest, ANewUplinkIsProbedAndARemovedOneLeavesRedis) {
  start();
  scheduler_.advance(seconds(3));
  plug_in("wwan0", "203.0.113.130/25", "203.0.113.129");
  config_.uplinks = {uplink("eth0"), uplink("wwan0")};
  reload();
  prober_.forget_sent();
  scheduler_.advance(seconds(5));
  EXPECT_TRUE(sent_through("eth1").empty());
  EXPECT_EQ(sent_through("wwan0").size(), 5U);
  EXPECT_TRUE(stored("eth1").empty());
  EXPECT_TRUE(as_fields(redis_.execute({"HGETALL", keys_.link("eth1")})).value().empty());
  EXPECT_GE(stored_with("wwan0", Outcome::answered), 4U);
}

TEST_F(PingServiceReloadTest, AnUplinkThatMovesToAnotherDeviceStartsAfresh) {
  start();
  scheduler_.advance(seconds(3));
  plug_in("eth2", "203.0.113.130/25", "203.0.113.129");
  auto moved = uplink("eth2");
  moved.name = "eth1";
  config_.uplinks[1] = moved;
  reload();
  scheduler_.advance(seconds(3));
  EXPECT_EQ(stored_link("eth1").device, "eth2");
  EXPECT_GE(sent_through("eth2").size(), 3U);
  EXPECT_EQ(stored_with("eth1", Outcome::lost), 0U);
}

TEST_F(PingServiceReloadTest, AnotherIntervalTakesEffectAtOnce) {
  start();
  scheduler_.advance(seconds(3));
  config_.uplinks[0].probe_interval = milliseconds(200);
  reload();
  prober_.forget_sent();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(sent_through("eth0").size(), 50U);
  EXPECT_EQ(sent_through("eth1").size(), 10U);
}

TEST_F(PingServiceReloadTest, AnotherMarkTakesEffect) {
  start();
  scheduler_.advance(seconds(1));
  config_.suite.mark_mask = 0x00ff0000;
  reload();
  scheduler_.advance(seconds(1));
  EXPECT_EQ(prober_.identity()->mark, 0x00ff0000U);
}

TEST_F(PingServiceReloadTest, IdentifiersStayUniqueThroughManyReloads) {
  start();
  for (int i = 0; i < 50; ++i) {
    const auto device = "dev" + std::to_string(i);
    plug_in(device, "10.0." + std::to_string(i) + ".2/24", "10.0." + std::to_string(i) + ".1");
    if (config_.uplinks.size() > 5) config_.uplinks.erase(config_.uplinks.begin() + i % 5);
    config_.uplinks.push_back(uplink(device));
    reload();
    prober_.forget_sent();
    scheduler_.advance(seconds(1));
    std::map<unsigned, unsigned> link_of;
    for (const auto& sent : prober_.sent()) {
      const auto [item, is_new] = link_of.emplace(identifier_of(sent.probe), sent.probe.link_index);
      ASSERT_EQ(item->second, sent.probe.link_index);
    }
    ASSERT_EQ(link_of.size(), config_.uplinks.size());
    ASSERT_LE(prober_.identity()->ids, 7U);
  }
}

}  // namespace ping_service_reload_test
}  // namespace multilink
