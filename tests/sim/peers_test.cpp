// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/peers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace multilink::sim {
namespace peers_test {

using namespace std::chrono_literals;

constexpr Duration kRtt = 20ms;
constexpr int kRuns = 201;

double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

Carry silent_between(Duration from, Duration to) {
  return [=](Duration at) { return at >= from && at < to ? std::nullopt : std::optional<Duration>(kRtt); };
}

const Rule& peer(std::string_view name) {
  return *std::ranges::find(kPeers, name, &Rule::name);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// The outage of a flow that follows the rule when a link that has run well for minutes falls silent: until the decision,
/// and the round-trip time that passes before the other link's first answer.
double median_outage(const Rule& rule) {
  std::mt19937_64 random(1);
  std::vector<double> outages;
  for (int run = 0; run < kRuns; ++run) {
    const auto decisions = rule.follow(silent_between(5min, Duration::max()), 10min, random);
    EXPECT_EQ(decisions.size(), 1U) << rule.name;
    if (!decisions.empty()) outages.push_back(seconds(decisions.front().when - 5min + kRtt));
  }
  return median(outages);
}

/// How long after the repair the link is used again. The repair comes one to three seconds after the switch.
double median_return(const Rule& rule) {
  std::vector<double> returns;
  for (unsigned run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(run);
    const auto before = rule.follow(silent_between(5min, Duration::max()), 10min, random);
    const Duration repair = before.front().when + 1s + 2000ms * run / kRuns;
    random.seed(run);
    const auto decisions = rule.follow(silent_between(5min, repair), 20min, random);
    EXPECT_EQ(decisions.size(), 2U) << rule.name;
    if (decisions.size() == 2) returns.push_back(seconds(decisions[1].when - repair));
  }
  return median(returns);
}

TEST(PeersTest, ASilentBlackHoleIsFoundInTheTimeThatWasMeasured) {
  // Medians, in s, of the real programs in a lab: a flow of 1000 packets a second, RTT 20 ms. (mwan3's is computed.)
  EXPECT_NEAR(median_outage(peer("keepalived")), 3.340, 0.15 * 3.340);
  EXPECT_NEAR(median_outage(peer("lsm")), 7.950, 0.15 * 7.950);
  EXPECT_NEAR(median_outage(peer("dpinger")), 14.765, 0.15 * 14.765);
  EXPECT_NEAR(median_outage(peer("shell loop")), 5.793, 0.15 * 5.793);
  EXPECT_NEAR(median_outage(peer("mwan3")), 125, 5);
}

TEST(PeersTest, ARepairedLinkIsUsedAgainInTheTimeThatWasMeasured) {
  EXPECT_NEAR(median_return(peer("keepalived")), 6.3, 0.15 * 6.3);
  EXPECT_NEAR(median_return(peer("lsm")), 96, 0.15 * 96);
  EXPECT_NEAR(median_return(peer("dpinger")), 57, 0.15 * 57);
  EXPECT_NEAR(median_return(peer("shell loop")), 2.7, 0.15 * 2.7);
}

TEST(PeersTest, AGoodLinkIsLeftAlone) {
  std::mt19937_64 random(1);
  for (const auto& rule : kPeers) {
    EXPECT_TRUE(rule.follow(silent_between(0s, 0s), 1h, random).empty()) << rule.name;
  }
}

TEST(PeersTest, AnAnswerInBetweenBeginsTheCountAnew) {
  std::mt19937_64 random(1);
  // Of each four seconds one second and a half are silent: never three pings in a row.
  const Carry stutter = [](Duration at) {
    return at % 4s < 1500ms ? std::nullopt : std::optional<Duration>(kRtt);
  };
  EXPECT_TRUE(peer("keepalived").follow(stutter, 10min, random).empty());
  EXPECT_TRUE(peer("shell loop").follow(stutter, 10min, random).empty());
  EXPECT_FALSE(peer("dpinger").follow(stutter, 10min, random).empty());
  EXPECT_FALSE(peer("lsm").follow(stutter, 10min, random).empty());
}

TEST(PeersTest, DpingerAlsoLooksAtTheRoundTripTime) {
  std::mt19937_64 random(1);
  const Carry slow = [](Duration at) { return std::optional<Duration>(at < 5min ? 20ms : 1000ms); };
  const auto decisions = peer("dpinger").follow(slow, 10min, random);
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_NEAR(seconds(decisions.front().when - 5min), 31, 3);
}

}  // namespace peers_test
}  // namespace multilink::sim
