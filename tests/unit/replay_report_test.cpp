// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/replay_report.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace multilink {
namespace replay_report_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

UplinkConfig uplink() {
  UplinkConfig out;
  out.device = out.name = "eth0";
  out.targets = {*IpAddress::parse("192.0.2.1")};
  return out;
}

/// Ten minutes, ten probes a second, silent for 20 s from the fifth minute on.
LinkTrace with_an_outage() {
  LinkTrace out;
  for (Duration at{}; at < 10min; at += 100ms) {
    const bool is_dead = at >= 5min && at < 5min + 20s;
    out.push_back({at, is_dead ? std::nullopt : std::optional<Duration>(20ms)});
  }
  return out;
}

ReplayReport report(std::optional<WallTime> begin) {
  const auto trace = with_an_outage();
  auto out = describe_trace("eth0 IPv4", trace, begin);
  out.runs.push_back(replay_trace("as configured", uplink(), trace));
  return out;
}

TEST(ReplayReport, CountsWhatHappens) {
  const auto run = report({}).runs[0];
  EXPECT_EQ(run.suspects, 1U);
  EXPECT_EQ(run.downs, 1U);
  EXPECT_NEAR(std::chrono::duration<double>(run.not_up).count(), 30, 2);
  EXPECT_NEAR(run.probes_per_second, 1.2, 0.2);
  EXPECT_EQ(run.changes.size(), 4U);
}

TEST(ReplayReport, AnotherSettingIsAnotherOutcome) {
  auto patient = uplink();
  patient.evict_after = 60s;
  EXPECT_EQ(replay_trace("", patient, with_an_outage()).downs, 0U);
}

TEST(ReplayReport, ThePeopleSTextHasATableAndTheEvents) {
  const auto text = render_replay_text(report(WallTime(1'767'225'600s)));
  EXPECT_THAT(text, HasSubstr("eth0 IPv4: 6000 probes over 9 min, 200 lost (3.3 %)\n"));
  EXPECT_THAT(text, HasSubstr("\nas configured  1        1     "));
  EXPECT_THAT(text, HasSubstr("  2026-01-01T00:05:"));
  EXPECT_THAT(text, HasSubstr("up -> suspect: "));
  EXPECT_THAT(render_replay_text(report({})), HasSubstr("  +300."));
}

TEST(ReplayReport, TheJsonHasTheSame) {
  const auto json = nlohmann::json::parse(render_replay_json(report({})));
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["probes"], 6000);
  EXPECT_TRUE(json["begin"].is_null());
  EXPECT_EQ(json["runs"][0]["downs"], 1);
  EXPECT_EQ(json["runs"][0]["changes"][1]["to"], "suspect");
  EXPECT_NEAR(json["runs"][0]["changes"][1]["at_seconds"].get<double>(), 300.3, 1.0);
}

}  // namespace replay_report_test
}  // namespace multilink
