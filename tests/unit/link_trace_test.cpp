// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_trace.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace link_trace_test {

using namespace std::chrono_literals;

LinkTrace parse(std::string_view text) {
  return parse_link_trace(text, "a.csv").value();
}

std::string error_of(std::string_view text) {
  const auto trace = parse_link_trace(text, "a.csv");
  return trace ? "accepted" : trace.error().message;
}

TEST(LinkTraceTest, ReadsSecondsAndRoundTripTimesRelativeToTheFirst) {
  EXPECT_EQ(parse("# link: cable\n\nseconds,rtt_ms\n10.5,20\r\n10.7,\n10.9,34000.25\n"),
            (LinkTrace{{0ms, 20ms}, {200ms, std::nullopt}, {400ms, 34000250us}}));
}

TEST(LinkTraceTest, TakesTheTimeOfDayAndTheMarkOfAnEditor) {
  EXPECT_EQ(parse("\xef\xbb\xbf"
                  "seconds,rtt_ms\n1767225600.5,20\n1767225601.5,20\n"),
            (LinkTrace{{0s, 20ms}, {1s, 20ms}}));
}

TEST(LinkTraceTest, RefusesWhatIsNoSeriesWithFileAndLine) {
  EXPECT_EQ(error_of("# nothing\n"), "a.csv: holds no probe; one line each is expected, 'seconds,rtt_ms'");
  EXPECT_EQ(error_of("0,1\n2\n"), "a.csv:2: '2' is not 'seconds,rtt_ms' (an empty rtt_ms for a lost probe)");
  EXPECT_EQ(error_of("0,1\nx,1\n"), "a.csv:2: seconds: 'x' is not a number from 0 to 9000000000");
  EXPECT_EQ(error_of("-1,1\n"), "a.csv:1: seconds: '-1' is not a number from 0 to 9000000000");
  EXPECT_EQ(error_of("0,lost\n"),
            "a.csv:1: rtt_ms: 'lost' is not a number from 0 to 3600000; leave it empty for a lost probe");
  EXPECT_EQ(error_of("0,nan\n").substr(0, 8), "a.csv:1:");
  EXPECT_EQ(error_of("1,1\n0,1\n"), "a.csv:2: seconds run backwards; sort the lines by the time of sending");
  EXPECT_EQ(error_of("seconds,rtt_ms\nseconds,rtt_ms\n").substr(0, 8), "a.csv:2:");
}

TEST(LinkTraceTest, BetweenAnswersAProbeTakesAsLongAsItsNeighbours) {
  const auto trace = parse("0,20\n1,40\n2,40");
  TracePlayer player(trace);
  EXPECT_EQ(player.carry(0ms), 20ms);
  EXPECT_EQ(player.carry(500ms), 30ms);
  EXPECT_EQ(player.carry(1s), 40ms);
  EXPECT_EQ(player.carry(5s), 40ms);
}

TEST(LinkTraceTest, ASingleLostSampleIsOneLostProbe) {
  const auto trace = parse("0,20\n1,\n2,20");
  TracePlayer player(trace);
  EXPECT_EQ(player.carry(900ms), 20ms);
  EXPECT_EQ(player.carry(1100ms), std::nullopt);
  EXPECT_EQ(player.carry(1110ms), 20ms);
  EXPECT_EQ(player.carry(2s), 20ms);
}

TEST(LinkTraceTest, TwoLostInARowAreSilenceUntilTheNextAnswer) {
  const auto trace = parse("0,20\n1,\n2,\n3,30\n4,30");
  TracePlayer player(trace);
  EXPECT_EQ(player.carry(999ms), 20ms);
  for (auto at = 1000ms; at < 3s; at += 10ms) EXPECT_EQ(player.carry(at), std::nullopt);
  EXPECT_EQ(player.carry(3s), 30ms);
}

TEST(LinkTraceTest, ALateAnswerKeepsTheOrderOfArrival) {
  const auto trace = parse("0,20\n0.2,3000\n0.4,2800\n0.6,20");
  TracePlayer player(trace);
  EXPECT_EQ(200ms + player.carry(200ms).value(), 3200ms);
  EXPECT_EQ(300ms + player.carry(300ms).value(), 3200ms);
  EXPECT_EQ(400ms + player.carry(400ms).value(), 3200ms);
}

TEST(LinkTraceTest, BeforeTheFirstAndAfterTheLastSampleTheseCount) {
  const auto trace = parse("0,\n1,20\n2,\n3,");
  TracePlayer player(trace);
  EXPECT_EQ(player.carry(0ms), std::nullopt);
  EXPECT_EQ(player.carry(10ms), 20ms);
  EXPECT_EQ(player.carry(9s), std::nullopt);
}

}  // namespace link_trace_test
}  // namespace multilink
