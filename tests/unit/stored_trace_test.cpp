// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/stored_trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace multilink {
namespace stored_trace_test {

using namespace std::chrono_literals;

ProbeRecord probe(int second, Outcome outcome, const char* target = "192.0.2.1",
                  const char* boot = "00000002") {
  ProbeRecord out;
  out.boot = boot;
  out.sequence = static_cast<std::uint64_t>(second);
  out.outcome = outcome;
  out.rtt = outcome == Outcome::answered ? 20ms : 0ms;
  out.sent = MonoTime(1h + second * 1s);
  out.sent_wall = WallTime(1'700'000'000s + second * 1s);
  out.target = *IpAddress::parse(target);
  return out;
}

TEST(StoredTrace, IsInOrderOfSendingAndBeginsWithTheFirst) {
  const auto stored = trace_of_stored({probe(12, Outcome::lost), probe(10, Outcome::answered)});
  EXPECT_EQ(stored.trace, (LinkTrace{{0s, 20ms}, {2s, std::nullopt}}));
  EXPECT_EQ(stored.begin, WallTime(1'700'000'010s));
  EXPECT_TRUE(trace_of_stored({}).trace.empty());
}

TEST(StoredTrace, ProbesOfAnotherBootAreLeftOut) {
  const auto stored =
      trace_of_stored({probe(1, Outcome::answered, "192.0.2.1", "00000001"), probe(5, Outcome::answered),
                       probe(900, Outcome::lost, "192.0.2.1", "00000003"), probe(6, Outcome::answered)});
  EXPECT_EQ(stored.trace, (LinkTrace{{0s, 20ms}, {1s, 20ms}}));
}

TEST(StoredTrace, ADeadTargetIsNoLoss) {
  std::vector<ProbeRecord> probes;
  for (int second = 0; second < 300; ++second) {
    probes.push_back(second % 2 == 0 ? probe(second, Outcome::answered)
                                     : probe(second, Outcome::lost, "198.51.100.1"));
  }
  const auto stored = trace_of_stored(probes);
  const auto lost =
      std::ranges::count_if(stored.trace, [](const TraceSample& sample) { return !sample.rtt.has_value(); });
  EXPECT_LE(lost, 5) << "until it was set aside";
}

}  // namespace stored_trace_test
}  // namespace multilink
