// SPDX-License-Identifier: GPL-2.0-or-later
// The multilinkctl executable over a real Redis.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

fakes::ProgramResult multilinkctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MULTILINK_BIN_DIR "/multilinkctl");
  return fakes::run_program({arguments});
}

void write(const fakes::RealRedis& redis, const StatusSnapshot& snapshot) {
  for (const auto& command : fakes::commands_to_write(snapshot)) redis.execute(command);
}

TEST(Multilinkctl, ShowsTheStatus) {
  const fakes::RealRedis redis;
  write(redis, fakes::failed_over_snapshot());
  const auto shown = multilinkctl({"--redis", redis.address().to_string(), "status"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, StartsWith("attention: lte carries the traffic.\n"));
  EXPECT_THAT(shown.out, HasSubstr("\nfibre   IPv4    down   FALSE   standby  5 %   20.3 ms"));
  EXPECT_THAT(shown.err, IsEmpty());
}

TEST(Multilinkctl, ShowsTheStatusAsJson) {
  const fakes::RealRedis redis;
  write(redis, fakes::sample_snapshot());
  const auto shown = multilinkctl({"status", "--json", "--redis", redis.address().to_string()});
  EXPECT_EQ(shown.status, 0) << shown.err;
  const auto json = nlohmann::json::parse(shown.out);
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["uplinks"][0]["families"]["4"]["carries_default"], true);
  EXPECT_EQ(json["problems"], nlohmann::json::array());
}

TEST(Multilinkctl, FindsRedisAndTheSiteInTheConfiguration) {
  const fakes::RealRedis redis;
  auto snapshot = fakes::sample_snapshot();
  snapshot.site = "berlin";
  write(redis, snapshot);
  const fakes::OwnDirectory directory;
  const auto config =
      directory.write("interfaces.conf",
                      cat("[multilink]\nredis = ", redis.address().to_string(), "\nsite = berlin\n[eth0]\n"));
  const auto shown = multilinkctl({"--config", config, "status", "--json"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(nlohmann::json::parse(shown.out)["site"], "berlin");
  EXPECT_EQ(nlohmann::json::parse(shown.out)["uplinks"].size(), 2U);
}

TEST(Multilinkctl, LogsInWithTheCredentialOfTheServiceManager) {
  const fakes::RealRedis redis({"user reader on >word ~* resetchannels -@all +@read +@connection"});
  const fakes::OwnDirectory directory;
  const std::vector<std::string> argv{MULTILINK_BIN_DIR "/multilinkctl", "--redis",
                                      redis.address().to_string(), "status"};
  const auto with = [&](const std::string& login) {
    directory.write("redis", login);
    return fakes::run_program({argv, {{"CREDENTIALS_DIRECTORY", directory.path()}}});
  };
  EXPECT_EQ(with("reader word\n").status, 0);
  const auto refused = with("reader wrong\n");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("WRONGPASS"));
  const auto garbage = with("reader\n");
  EXPECT_EQ(garbage.status, 78);
  EXPECT_THAT(garbage.err, HasSubstr("/redis: not a line of two words; write: user password"));
  EXPECT_EQ(with("\n").status, 0) << "no user where Redis asks for none";
}

TEST(Multilinkctl, SaysWhyRedisCannotBeRead) {
  const auto shown = multilinkctl({"--redis", "unix:/nonexistent/redis.sock", "status"});
  EXPECT_EQ(shown.status, 1);
  EXPECT_THAT(shown.out, IsEmpty());
  EXPECT_THAT(shown.err,
              StartsWith("multilinkctl: unix:/nonexistent/redis.sock: Redis gave no answer within "));
  EXPECT_THAT(shown.err, HasSubstr("No such file or directory"));
}

TEST(Multilinkctl, RefusesABadConfigurationWithItsLines) {
  const fakes::OwnDirectory directory;
  const auto config = directory.write("interfaces.conf", "[eth0]\nweight = x\nprecedence = y\n");
  const auto shown = multilinkctl({"--config", config, "status"});
  EXPECT_EQ(shown.status, 78);
  EXPECT_THAT(shown.err, StartsWith(cat("multilinkctl: ", config, ":2: weight: ")));
  EXPECT_THAT(shown.err, HasSubstr(cat("\nmultilinkctl: ", config, ":3: precedence: ")));
}

TEST(Multilinkctl, ExplainsItsUsage) {
  const auto help = multilinkctl({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* word : {"status", "--json", "--config FILE", "--redis URL", "--help", "--version"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
  const auto version = multilinkctl({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("multilinkctl [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Multilinkctl, RefusesWrongUsage) {
  const std::vector<std::vector<std::string>> wrong{
      {}, {"stats"}, {"status", "now"}, {"--jason", "status"}, {"--config"}, {"--redis", "x", "status"}};
  for (const auto& arguments : wrong) {
    const auto shown = multilinkctl(arguments);
    EXPECT_EQ(shown.status, 64) << join(arguments, " ");
    EXPECT_THAT(shown.out, IsEmpty());
    EXPECT_THAT(shown.err, HasSubstr("multilinkctl --help"));
  }
}

}  // namespace
}  // namespace multilink
