// SPDX-License-Identifier: GPL-2.0-or-later
// The multilinkctl executable over a real Redis.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/records.hpp"
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

TEST(Multilinkctl, ShowsTheStatusAlsoWhereTheConfigurationIsRefusedForSomethingElse) {
  const fakes::OwnDirectory directory;
  const fakes::RealRedis redis;
  const auto config = directory.write(
      "interfaces.conf", cat("[multilink]\nredis = ", redis.address().to_string(), "\n[eth0]\nweight = x\n"));
  const auto shown = multilinkctl({"--config", config, "status"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out,
              HasSubstr(cat("the configuration file is refused, daemons that run keep to what they have read "
                            "before: ",
                            config, ":4: weight: 'x' is not")));
}

TEST(Multilinkctl, RefusesAConfigurationThatDoesNotSayWhereRedisIsWithItsLines) {
  const fakes::OwnDirectory directory;
  const auto config =
      directory.write("interfaces.conf", "[multilink]\nredis = x\n[eth0]\nweight = x\nprecedence = y\n");
  const auto shown = multilinkctl({"--config", config, "status"});
  EXPECT_EQ(shown.status, 78);
  EXPECT_THAT(shown.err, StartsWith(cat("multilinkctl: ", config, ":2: redis: ")));
  EXPECT_THAT(shown.err, HasSubstr(cat("\nmultilinkctl: ", config, ":4: weight: ")));
  EXPECT_THAT(shown.err, HasSubstr(cat("\nmultilinkctl: ", config, ":5: precedence: ")));
}

TEST(Multilinkctl, ExplainsItsUsage) {
  const auto help = multilinkctl({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* word :
       {"status", "explain", "replay", "--json", "--config FILE", "--redis URL", "--help", "--version"}) {
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

TEST(Multilinkctl, ReplaysTheStoredProbesOfAnUplink) {
  const fakes::RealRedis redis;
  const fakes::OwnDirectory directory;
  const auto config =
      directory.write("interfaces.conf",
                      cat("[multilink]\nredis = ", redis.address().to_string(), "\n[eth0]\nname = fibre\n"));
  const auto replay = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"replay", "--config", config, "--uplink", "fibre"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return multilinkctl(arguments);
  };
  const auto empty = replay({});
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.err, HasSubstr("no probes of fibre are stored; does pingd run?"));

  for (int second = 0; second < 300; ++second) {
    ProbeRecord probe;
    probe.boot = "0123abcd";
    probe.sequence = static_cast<std::uint64_t>(second);
    probe.outcome = second >= 200 && second < 210 ? Outcome::lost : Outcome::answered;
    probe.rtt = std::chrono::milliseconds(probe.outcome == Outcome::lost ? 0 : 20);
    probe.sent = MonoTime(std::chrono::seconds(1000 + second));
    probe.target = *IpAddress::parse("192.0.2.1");
    redis.execute({"ZADD", "multilink:local:uplink:fibre:probes", cat(1'767'225'600'000 + second * 1000),
                   probe.encode()});
  }
  const auto text = replay({"--set", "evict_after=1min"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("fibre IPv4: 300 probes over 4 min, 10 lost (3.3 %)"));
  EXPECT_THAT(text.out, HasSubstr("\nas configured     1        1     "));
  EXPECT_THAT(text.out, HasSubstr("\nevict_after=1min  1        0     "));
  const auto json = nlohmann::json::parse(replay({"--json"}).out);
  EXPECT_EQ(json["runs"][0]["downs"], 1);
  EXPECT_EQ(json["begin"], "2026-01-01T00:00:00.000Z");

  const auto refused = replay({"--set", "evict_after=x"});
  EXPECT_EQ(refused.status, 64);
  EXPECT_THAT(refused.err, StartsWith("multilinkctl: --set: evict_after: 'x'"));
  const auto unknown = multilinkctl({"replay", "--config", config, "--uplink", "lte"});
  EXPECT_EQ(unknown.status, 64);
  EXPECT_THAT(unknown.err, HasSubstr("--uplink: 'lte' is not in "));
  EXPECT_EQ(multilinkctl({"replay"}).status, 64);
}

TEST(Multilinkctl, ReplaysAFile) {
  const fakes::OwnDirectory directory;
  std::string csv = "seconds,rtt_ms\n";
  for (int second = 0; second < 300; ++second)
    csv += cat(second, ",", second >= 200 && second < 230 ? "" : "20", "\n");
  const auto shown = multilinkctl({"replay", "--file", directory.write("probes.csv", csv)});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("probes.csv: 300 probes over 4 min, 30 lost (10 %)"));
  EXPECT_THAT(shown.out, HasSubstr("\nby default  1        1     "));
  const auto broken = multilinkctl({"replay", "--file", directory.write("broken.csv", "0,1\nx\n")});
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.err, HasSubstr("broken.csv:2: 'x' is not 'seconds,rtt_ms'"));
  const auto missing = multilinkctl({"replay", "--file", directory.path() + "/none.csv"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("No such file"));
}

}  // namespace
}  // namespace multilink
