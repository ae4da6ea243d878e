// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/redis_keys.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace redis_keys_test {

TEST(RedisKeys, SpellsEveryNameBelowTheSite) {
  const RedisKeys keys("office");
  EXPECT_EQ(keys.uplinks(), "multilink:office:uplinks");
  EXPECT_EQ(keys.link("lte"), "multilink:office:uplink:lte:link");
  EXPECT_EQ(keys.probes("lte"), "multilink:office:uplink:lte:probes");
  EXPECT_EQ(keys.status("lte"), "multilink:office:uplink:lte:status");
  EXPECT_EQ(keys.status("lte", Family::v6), "multilink:office:uplink:lte:status:6");
  EXPECT_EQ(keys.health("lte"), "multilink:office:uplink:lte:health");
  EXPECT_EQ(keys.history_minutes("lte", Family::v4, std::chrono::year(2026) / 11 / 5),
            "multilink:office:uplink:lte:history:4:2026-11-05");
  EXPECT_EQ(keys.history_hours("lte", Family::v6, std::chrono::year(2026) / 2),
            "multilink:office:uplink:lte:history:6:hours:2026-02");
  EXPECT_EQ(keys.routing(), "multilink:office:routing");
  EXPECT_EQ(keys.events(), "multilink:office:events");
  EXPECT_EQ(keys.daemon("pingd"), "multilink:office:daemon:pingd");
  EXPECT_EQ(keys.probe_channel(), "multilink:office:probe");
  EXPECT_EQ(keys.status_channel(), "multilink:office:status");
  EXPECT_EQ(keys.routing_channel(), "multilink:office:routing");
}

}  // namespace redis_keys_test
}  // namespace multilink
