// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/event_text.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace multilink {
namespace event_text_test {

EventRecord sample() {
  EventRecord event;
  event.id = "0123abcd-1";
  event.at = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 5));
  event.source = "healthd";
  event.kind = "health";
  event.uplink = "fibre";
  event.family = Family::v4;
  event.from = "up";
  event.to = "suspect";
  event.reason = "12 probes in a row were lost";
  event.chain = std::chrono::microseconds(1500);
  return event;
}

TEST(EventText, IsALineInColumns) {
  EXPECT_EQ(
      render_event_text(sample()),
      "2026-11-05T00:00:00.000Z  health  fibre       IPv4  up -> suspect       12 probes in a row were lost "
      "(1.5 ms from the deciding probe)\n");
  EventRecord bare;
  bare.kind = "config";
  EXPECT_EQ(render_event_text(bare), "1970-01-01T00:00:00.000Z  config  -\n");
}

TEST(EventText, LetsNoControlCharacterIntoTheTerminal) {
  auto event = sample();
  event.uplink = event.reason = event.from = event.kind = "\x1b[2J\n\r";
  const auto text = render_event_text(event);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST(EventText, AsJsonIsOneLineWithTheMembersOfTheStatus) {
  const auto text = render_event_json(sample());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["to"], "suspect");
  EXPECT_EQ(json["chain_ms"], 1.5);
  EXPECT_EQ(json["took_ms"], nullptr);
}

}  // namespace event_text_test
}  // namespace multilink
