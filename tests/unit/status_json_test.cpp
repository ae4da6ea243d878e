// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_json.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fakes/status_sample.hpp"

namespace multilink {
namespace status_json_test {

using nlohmann::json;

TEST(StatusJson, HoldsWhatTheSnapshotHolds) {
  const json out = json::parse(render_status_json(fakes::sample_snapshot()));
  EXPECT_EQ(out["version"], 1);
  EXPECT_EQ(out["site"], "local");
  EXPECT_EQ(out["at"], "2026-11-05T10:00:00.000Z");
  EXPECT_EQ(out["summary"], json::parse(R"({"level": "ok",
    "sentence": "All uplinks are up. fibre carries the traffic.", "findings": []})"));
  ASSERT_EQ(out["uplinks"].size(), 2U);
  EXPECT_EQ(out["uplinks"][0]["families"]["4"], json::parse(R"({
    "status": true, "carries_default": true, "state": "up", "since": "2026-11-05T09:57:00.000Z",
    "reason": "first answer", "event": "0123abcd-1f", "probes": 60, "loss": 0.05, "rtt_ms": 20.3,
    "jitter_ms": 1.2, "answers": false, "damping_ms": 0.0, "baseline": 0.01, "targets_set_aside": [], "link": "ok", "addresses": ["198.51.100.2"], "gateway": "198.51.100.1",
    "recent_probes": {"settled": 20, "lost": 1, "last": {"sent": "2026-11-05T09:59:59.000Z",
      "target": "192.0.2.1", "answered": true, "rtt_ms": 20.1}}})"));
  EXPECT_EQ(out["uplinks"][1]["families"]["4"]["carries_default"], false);
  EXPECT_EQ(out["routing"],
            json::parse(R"({"sync": "in_sync", "warnings": [], "drill": null, "families": {"4": {
    "active": [{"uplink": "fibre", "device": "eth0", "gateway": "198.51.100.1", "weight": 1}],
    "since": "2026-11-05T09:57:00.000Z", "event": "0123abcd-1f", "decided_to_kernel_ms": 0.25,
    "chain_ms": 0.875, "policies": {}}}})"));
  EXPECT_EQ(out["daemons"][0], json::parse(R"({"name": "pingd", "reports": true, "pid": 100,
    "version": "0.1.0", "started": "2026-11-05T09:55:00.000Z", "config_hash": "0123456789abcdef"})"));
  EXPECT_EQ(out["events"][0], json::parse(R"({"id": "0123abcd-1f", "at": "2026-11-05T09:57:00.000Z",
    "source": "healthd", "kind": "health", "uplink": "fibre", "family": "4", "from": "unknown", "to": "up",
    "reason": "first answer", "took_ms": 21.0, "chain_ms": 0.64})"));
  EXPECT_EQ(out["problems"], json::array());
}

TEST(StatusJson, GivesThePoliciesTheirUplinks) {
  auto snapshot = fakes::sample_snapshot();
  snapshot.routing->families[Family::v4].policies = {{"voice", "lte"}, {"backup", ""}};
  const auto out = json::parse(render_status_json(snapshot));
  EXPECT_EQ(out["routing"]["families"]["4"]["policies"], json::parse(R"({"backup": null, "voice": "lte"})"));
}

TEST(StatusJson, GivesAnUplinkItsFacts) {
  auto uplink = json::parse(render_status_json(fakes::failed_over_snapshot()))["uplinks"][0];
  uplink.erase("families");
  EXPECT_EQ(uplink, json::parse(R"({"name": "fibre", "device": "eth0", "carrier": true, "status": false,
    "precedence": 1, "weight": 1, "enabled": true, "admin": null, "admin_until": null,
    "proxy": null})"));
}

TEST(StatusJson, GivesTheOrderOfTheAdministratorAndADrill) {
  auto snapshot = fakes::sample_snapshot();
  snapshot.uplinks[0].health->admin = AdminMode::drained;
  snapshot.uplinks[0].health->admin_until = WallTime(std::chrono::seconds(1'793'872'800));
  snapshot.routing->drill = "lte";
  const auto out = json::parse(render_status_json(snapshot));
  EXPECT_EQ(out["uplinks"][0]["admin"], "drained");
  EXPECT_EQ(out["uplinks"][0]["admin_until"], "2026-11-05T10:00:00.000Z");
  EXPECT_EQ(out["uplinks"][1]["admin"], nullptr);
  EXPECT_EQ(out["routing"]["drill"]["uplink"], "lte");
}

TEST(StatusJson, IsNullWhereNothingIsKnown) {
  auto snapshot = fakes::sample_snapshot();
  auto& fibre = snapshot.uplinks[0];
  fibre.link = fail("no record yet");
  fibre.health = fail("no record yet");
  fibre.usable = fail("not written yet");
  fibre.recent.clear();
  snapshot.routing = fail("no record yet");
  snapshot.daemons[0].record = fail("no record yet");
  const json out = json::parse(render_status_json(snapshot));
  for (const auto* key : {"device", "carrier", "status", "precedence", "weight", "enabled"}) {
    EXPECT_TRUE(out["uplinks"][0].at(key).is_null()) << key;
  }
  const json& family = out["uplinks"][0]["families"]["4"];
  for (const auto* key : {"carries_default", "since", "event", "loss", "rtt_ms", "link", "recent_probes"}) {
    EXPECT_TRUE(family.at(key).is_null()) << key;
  }
  EXPECT_EQ(family["state"], "unknown");
  EXPECT_EQ(family["reason"], "no record yet");
  EXPECT_TRUE(out.at("routing").is_null());
  EXPECT_EQ(out["daemons"][0],
            json::parse(R"({"name": "pingd", "reports": false, "reason": "no record yet"})"));
}

TEST(StatusJson, IsValidWhateverIsInRedis) {
  auto snapshot = fakes::sample_snapshot();
  const std::string attack = "\"\\\n\x01</script>\xFF" + std::string(10'240, 'x');
  snapshot.uplinks[0].name = attack;
  snapshot.problems = {{attack, attack}};
  const json out = json::parse(render_status_json(snapshot));
  EXPECT_EQ(out["uplinks"][0]["name"], "\"\\\n\x01</script>\uFFFD" + std::string(10'240, 'x'));
}

}  // namespace status_json_test
}  // namespace multilink
