// SPDX-License-Identifier: GPL-2.0-or-later
// docs/redis-schema.md names every key, channel and field, and every token of a field.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "multilink/core/admin_order.hpp"
#include "multilink/core/drill.hpp"
#include "multilink/core/proxy_record.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/heartbeat.hpp"

namespace multilink {
namespace redis_schema_files_test {

class RedisSchema : public testing::Test {
 protected:
  static std::string read_document() {
    const std::ifstream file(MULTILINK_SOURCE_DIR "/docs/redis-schema.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  /// The text between the heading of a record and the next heading.
  std::string section(std::string_view record) const {
    const auto heading = cat("\n### ", record, "\n");
    const auto start = document_.find(heading);
    if (start == std::string::npos) return {};
    return document_.substr(start, document_.find("\n##", start + heading.size()) - start);
  }

  void documents(std::string_view record, const Fields& fields) const {
    for (const auto& [field, unused] : fields) {
      const bool of_family = field.starts_with("4.") || field.starts_with("6.");
      const auto row = cat("\n| `", of_family ? "<4\\|6>" + field.substr(1) : field, "` |");
      EXPECT_NE(section(record).find(row), std::string::npos) << record << ": " << row;
    }
  }

  const std::string document_ = read_document();
};

TEST_F(RedisSchema, NamesEveryKeyAndChannel) {
  const RedisKeys keys("<site>");
  auto family_status = keys.status("<uplink>", Family::v4);
  family_status.replace(family_status.size() - 1, 1, "<4\\|6>");
  const auto day = std::chrono::year(2026) / 11 / 5;
  const auto named = [](std::string key, std::string_view date, std::string_view word) {
    key.replace(key.find(date), date.size(), word);
    return key.replace(key.find(":4:"), 3, ":<4\\|6>:");
  };
  const auto history = named(keys.history_minutes("<uplink>", Family::v4, day), "2026-11-05", "<YYYY-MM-DD>");
  const auto hours =
      named(keys.history_hours("<uplink>", Family::v4, {day.year(), day.month()}), "2026-11", "<YYYY-MM>");
  for (const auto& key :
       {keys.uplinks(), keys.link("<uplink>"), keys.probes("<uplink>"), keys.status("<uplink>"),
        family_status, history, hours, keys.health("<uplink>"), keys.routing(), keys.proxy("<uplink>"),
        keys.admin("<uplink>"), keys.drill(), keys.admin_channel(), keys.events(), keys.daemon("<daemon>"),
        keys.notified("<receiver>"), keys.probe_channel(), keys.status_channel(), keys.routing_channel()}) {
    EXPECT_NE(document_.find(cat("\n| `", key, "` |")), std::string::npos) << key;
  }
}

TEST_F(RedisSchema, NamesEveryField) {
  LinkRecord link;
  HealthRecord health;
  RoutingRecord routing;
  for (const Family family : kFamilies) {
    link.families[family];
    health.families[family];
    routing.families[family];
  }
  documents("link", link.encode());
  documents("health", health.encode());
  documents("routing", routing.encode());
  documents("events", EventRecord{}.encode());
  documents("daemon", DaemonRecord{}.encode());
  documents("proxy", ProxyRecord{}.encode());
  documents("admin", AdminRecord{}.encode());
  documents("drill", DrillRecord{}.encode());
}

TEST_F(RedisSchema, NamesEveryToken) {
  for (const auto fact : {LinkFact::ok, LinkFact::no_device, LinkFact::admin_down, LinkFact::no_carrier,
                          LinkFact::no_address, LinkFact::no_gateway}) {
    EXPECT_NE(section("link").find(cat('`', to_string(fact), '`')), std::string::npos) << to_string(fact);
  }
  for (const auto state : {HealthState::unknown, HealthState::up, HealthState::suspect, HealthState::down}) {
    EXPECT_NE(section("health").find(cat('`', to_string(state), '`')), std::string::npos) << to_string(state);
  }
}

TEST_F(RedisSchema, ItsExampleOfAProbeIsOne) {
  const auto text = section("probes");
  const auto start = text.find("\n0badcafe:");
  ASSERT_NE(start, std::string::npos);
  const auto example = text.substr(start + 1, text.find('\n', start + 1) - start - 1);
  const auto probe = ProbeRecord::decode(example, 1000);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_EQ(probe->encode(), example);
}

TEST_F(RedisSchema, TellsHowLongADaemonsRecordLives) {
  const auto row = cat(std::chrono::duration_cast<std::chrono::seconds>(Heartbeat::kTimeToLive).count(),
                       " s, written anew every ",
                       std::chrono::duration_cast<std::chrono::seconds>(Heartbeat::kPeriod).count(), " s");
  EXPECT_NE(document_.find(row), std::string::npos) << row;
}

}  // namespace redis_schema_files_test
}  // namespace multilink
