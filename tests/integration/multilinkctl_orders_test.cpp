// SPDX-License-Identifier: GPL-2.0-or-later
// The multilinkctl executable writes the administrator's orders into a real Redis.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/admin_order.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/ports/store.hpp"

namespace multilink {
namespace multilinkctl_orders_test {

using testing::HasSubstr;

const RedisKeys kKeys("local");

class MultilinkctlOrders : public testing::Test {
 protected:
  explicit MultilinkctlOrders(const std::vector<std::string>& redis_settings = {}) : redis_(redis_settings) {
    for (const auto& command : fakes::commands_to_write(fakes::sample_snapshot())) redis_.execute(command);
  }
  fakes::ProgramResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), MULTILINK_BIN_DIR "/multilinkctl");
    arguments.insert(arguments.end(), {"--redis", redis_.address().to_string()});
    return fakes::run_program({arguments});
  }
  Fields fields(const std::string& key) const { return as_fields(redis_.execute({"HGETALL", key})).value(); }

  fakes::RealRedis redis_;
};

TEST_F(MultilinkctlOrders, WithoutHealthdTheOrderIsWrittenAndSaidToWait) {
  const auto done = run({"drain", "fibre", "--for", "10min"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("the order is written, but healthd has not taken it up"));
  const auto asked = AdminRecord::decode(fields(kKeys.admin("fibre")));
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->mode, AdminMode::drained);
  EXPECT_EQ(*asked->until - asked->since, std::chrono::minutes(10));
}

TEST_F(MultilinkctlOrders, EnableTakesTheKeyAway) {
  redis_.execute({"HSET", kKeys.admin("fibre"), "whatever", "it is"});
  const auto done = run({"enable", "fibre"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "fibre: in use, neither disabled nor drained\n");
  EXPECT_TRUE(fields(kKeys.admin("fibre")).empty());
}

TEST_F(MultilinkctlOrders, WhatCannotBeIsRefusedAndWritesNothing) {
  EXPECT_THAT(run({"disable", "cable"}).err, HasSubstr("no uplink is called 'cable'; there is: fibre, lte"));
  EXPECT_EQ(run({"disable", "cable"}).status, 64);
  EXPECT_EQ(run({"disable"}).status, 64);
  EXPECT_EQ(run({"disable", "fibre", "--for", "0s"}).status, 64);
  EXPECT_EQ(run({"disable", "fibre", "--for", "367d"}).status, 64);
  EXPECT_EQ(run({"enable", "fibre", "--for", "1h"}).status, 64);
  EXPECT_EQ(run({"drain", "fibre", "--timeout", "1s"}).status, 64);
  EXPECT_EQ(run({"drain", "fibre", "--json"}).status, 64);
  EXPECT_EQ(run({"drain", "fibre", "--wait", "--timeout", "soon"}).status, 64);
  EXPECT_EQ(run({"drill", "fibre", "--for", "11min"}).status, 64);
  EXPECT_EQ(run({"drill", "fibre"}).status, 64);
  EXPECT_EQ(run({"drill"}).status, 64);
  EXPECT_EQ(run({"drill", "cable", "--for", "1s"}).status, 64);
  EXPECT_TRUE(fields(kKeys.admin("fibre")).empty());
  EXPECT_TRUE(fields(kKeys.drill()).empty());
}

TEST_F(MultilinkctlOrders, AskedOfAnUplinkThatIsNotThereTheHistoryNamesThoseThatAre) {
  const auto history = run({"history", "--uplink", "cable"});
  EXPECT_EQ(history.status, 64);
  EXPECT_THAT(history.err, HasSubstr("history: no uplink is called 'cable'; there is: fibre, lte"));
  EXPECT_EQ(run({"report", "--uplink", "cable", "--month", "2024-01"}).status, 64);
  EXPECT_EQ(run({"history", "--uplink", "fibre"}).status, 0);
}

TEST_F(MultilinkctlOrders, WordsThatAreNoCommandAreToldWhy) {
  EXPECT_THAT(run({"config", "chek"}).err, HasSubstr("say 'config check' or 'config diff'"));
  EXPECT_THAT(run({"disable", "fibre", "lte"}).err,
              HasSubstr("disable: 'lte' is one word too many; it takes one"));
  EXPECT_THAT(run({"drill", "fibre"}).err, HasSubstr("--for is missing"));
  EXPECT_THAT(run({"report", "--uplink", "fibre"}).err, HasSubstr("--month is missing"));
}

TEST_F(MultilinkctlOrders, AnOptionGivenTwiceIsRefusedButForSet) {
  const std::vector<std::vector<std::string>> twice{{"status", "--json", "--json"},
                                                    {"status", "--watch", "--watch=5"},
                                                    {"status", "--no-color", "--no-colour"},
                                                    {"events", "--count", "1", "--count", "2"},
                                                    {"history", "--uplink", "fibre", "--uplink", "lte"},
                                                    {"drain", "fibre", "--for", "1h", "--for", "2h"},
                                                    {"drill", "fibre", "--for", "1s", "--for", "2s"},
                                                    {"doctor", "--config", "/a", "--config", "/b"}};
  for (const auto& words : twice) {
    const auto refused = run(words);
    EXPECT_EQ(refused.status, 64) << words[0];
    EXPECT_THAT(refused.err, HasSubstr("is given 2 times; say it once")) << words[0];
  }
  EXPECT_TRUE(fields(kKeys.admin("fibre")).empty());
  EXPECT_THAT(run({"replay", "--uplink", "fibre", "--set", "loss_up=1%", "--set", "loss_down=30%"}).err,
              testing::Not(HasSubstr("say it once")));
}

TEST_F(MultilinkctlOrders, ADrillThatRoutedDoesNotAnswerIsTakenBack) {
  const auto done = run({"drill", "fibre", "--for", "1s"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("routed has not answered"));
  EXPECT_TRUE(fields(kKeys.drill()).empty());
}

TEST_F(MultilinkctlOrders, AFullRedisIsToldOfWithTheRemedy) {
  redis_.execute({"CONFIG", "SET", "maxmemory", "1"});
  for (const std::vector<std::string>& words : {std::vector<std::string>{"drain", "fibre"},
                                                std::vector<std::string>{"drill", "fibre", "--for", "1s"}}) {
    const auto done = run(words);
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.err, HasSubstr("Redis refuses it: OOM command not allowed"));
    EXPECT_THAT(done.err,
                HasSubstr("'maxmemory'; raise maxmemory in /etc/multilink/redis.conf, then systemctl "
                          "restart multilink-redis\n"));
  }
  EXPECT_TRUE(fields(kKeys.admin("fibre")).empty());
}

class MultilinkctlAsReader : public MultilinkctlOrders {
 protected:
  MultilinkctlAsReader()
      : MultilinkctlOrders({"user reader on >word resetkeys %R~multilink:* -@all +@read +@connection"}) {}
};

TEST_F(MultilinkctlAsReader, WhoMayOnlyReadOrdersNothing) {
  const fakes::OwnDirectory directory;
  directory.write("redis", "reader word\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"disable", "fibre"}, std::vector<std::string>{"drain", "fibre"},
        std::vector<std::string>{"drill", "fibre", "--for", "1s"}}) {
    std::vector<std::string> argv{MULTILINK_BIN_DIR "/multilinkctl", "--redis", redis_.address().to_string()};
    argv.insert(argv.end(), words.begin(), words.end());
    const auto done = fakes::run_program({argv, {{"CREDENTIALS_DIRECTORY", directory.path()}}});
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.err, HasSubstr("NOPERM"));
  }
  EXPECT_TRUE(fields(kKeys.admin("fibre")).empty());
}

}  // namespace multilinkctl_orders_test
}  // namespace multilink
