// SPDX-License-Identifier: GPL-2.0-or-later
// The multilinkctl executable over a real Redis.

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/history_place.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace multilinkctl_test {

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
  EXPECT_THAT(shown.out, StartsWith("attention: fibre is down. lte carries the traffic.\n"));
  EXPECT_THAT(shown.out, HasSubstr("\nfibre   IPv4    down   FALSE   none     5 %   20.3 ms"));
  EXPECT_THAT(shown.err, IsEmpty());
}

TEST(Multilinkctl, ChecksTheStatusAsAPluginOfAMonitoringSystemDoes) {
  const fakes::RealRedis redis;
  const auto check = [&](std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"status", "--check", "--redis", redis.address().to_string()});
    return multilinkctl(more);
  };
  const auto nobody = check();
  EXPECT_EQ(nobody.status, 3);
  EXPECT_THAT(nobody.out,
              StartsWith("unknown: No uplink is known: healthd has not reported to this Redis. ("));
  auto snapshot = fakes::sample_snapshot();
  write(redis, snapshot);
  const auto good = check();
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_EQ(good.out, "ok: All uplinks are up. fibre carries the traffic.\n");
  write(redis, fakes::failed_over_snapshot());
  const auto half = check({"--no-colour"});
  EXPECT_EQ(half.status, 1);
  EXPECT_EQ(half.out,
            "attention: fibre is down. lte carries the traffic. (fibre is down: loss 24 % over 60 s exceeds "
            "loss_down 20 %)\n");
  write(redis, fakes::sample_snapshot());
  for (const auto* daemon : {"pingd", "routed"})
    redis.execute({"DEL", cat("multilink:local:daemon:", daemon)});
  EXPECT_THAT(check().out,
              testing::MatchesRegex(
                  "attention: fibre carries the traffic. .pingd does not report .*; and 1 more.\n"));
  snapshot = fakes::failed_over_snapshot();
  for (auto& uplink : snapshot.uplinks) {
    uplink.usable = false;
    for (auto& [family, usable] : uplink.usable_in) usable = false;
    for (auto& [family, health] : uplink.health->families) health.state = HealthState::down;
  }
  write(redis, snapshot);
  const auto dead = check();
  EXPECT_EQ(dead.status, 2) << dead.out;
  EXPECT_THAT(dead.out, StartsWith("failed: No uplink is usable."));
  const auto away = multilinkctl({"status", "--check", "--redis", "unix:/nonexistent/redis.sock"});
  EXPECT_EQ(away.status, 3);
  EXPECT_THAT(away.out, StartsWith("unknown: unix:/nonexistent/redis.sock: Redis gave no answer within "));
  EXPECT_THAT(away.err, IsEmpty());
  const auto refused = multilinkctl({"status", "--check", "--config", "/nonexistent/interfaces.conf"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.out, StartsWith("unknown: /nonexistent/interfaces.conf"));
  for (const auto* other : {"--json", "--watch"}) {
    EXPECT_EQ(check({other}).status, 64);
    EXPECT_THAT(check({other}).err, HasSubstr(cat("status: --check and ", other, " exclude each other")));
  }
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

TEST(Multilinkctl, MissesANotifierWhereSomebodyIsToBeTold) {
  const fakes::RealRedis redis;
  auto snapshot = fakes::sample_snapshot();
  ASSERT_EQ(snapshot.daemons.back().name, kNotifier);
  snapshot.daemons.back().record = fail("it does not run");
  write(redis, snapshot);
  const fakes::OwnDirectory directory;
  const auto shown = [&](std::string_view more) {
    const auto config = directory.write(
        "interfaces.conf", cat("[multilink]\nredis = ", redis.address().to_string(), "\n[eth0]\n", more));
    return multilinkctl({"--config", config, "status"}).out;
  };
  EXPECT_THAT(shown("[notify]\nmail = admin@example.org\n"),
              HasSubstr("notifyd does not report (it does not run, or not with this Redis, or Redis is "
                        "full): nobody is told "
                        "of what happens"));
  EXPECT_THAT(shown(""), testing::Not(HasSubstr("notifyd")));
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

TEST(Multilinkctl, SaysOnceWhatToDoWhereRedisGivesNoAnswer) {
  const fakes::OwnDirectory directory;
  const auto config =
      directory.write("interfaces.conf",
                      "[multilink]\nredis = unix:/nonexistent/redis.sock\n[eth0]\nname = fibre\n"
                      "[squid]\nenabled = yes\n");
  using Words = std::vector<std::string>;
  for (auto words :
       {Words{"history", "--uplink", "fibre"}, Words{"events"}, Words{"proxy"},
        Words{"report", "--uplink", "fibre", "--month", "2026-10"}, Words{"replay", "--uplink", "fibre"},
        Words{"config", "diff", config}, Words{"disable", "fibre"}, Words{"drill", "fibre", "--for", "1s"}}) {
    words.insert(words.end(), {"--config", config, "--redis", "unix:/nonexistent/redis.sock"});
    const auto done = multilinkctl(words);
    EXPECT_EQ(done.status, 1) << words.front();
    const auto remedy = done.err.find("; see systemctl status multilink-redis");
    ASSERT_NE(remedy, std::string::npos) << words.front() << ": " << done.err;
    EXPECT_EQ(done.err.find("systemctl", remedy + 10), std::string::npos) << done.err;
  }
  const auto doctor = multilinkctl({"doctor", "--config", config, "--redis", "unix:/nonexistent/redis.sock"});
  EXPECT_THAT(doctor.out, HasSubstr("systemctl start multilink-redis, and see journalctl"));
  EXPECT_THAT(doctor.out, testing::Not(HasSubstr("see systemctl status"))) << "it has a remedy of its own";
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

/// The first day of a month that is over, 3 minutes out at noon; as healthd writes it.
void write_january(const fakes::RealRedis& redis) {
  const HistoryTime begin = std::chrono::sys_days(std::chrono::year(2024) / 1 / 1);
  std::array<std::string, 2> strings;
  std::vector<HistoryRecord> hour;
  for (int i = 0; i < 24 * 60; ++i) {
    const bool is_out = i >= 720 && i < 723;
    HistoryRecord record;
    (is_out ? record.down : record.up) = std::chrono::seconds(60);
    record.probes = 60;
    if (is_out) record.lost = 60;
    if (!is_out) record.rtt = record.rtt_most = std::chrono::milliseconds(20);
    strings[0] += encode_history(HistoryStep::minute, record);
    hour.push_back(record);
    if (hour.size() < 60) continue;
    strings[1] += encode_history(HistoryStep::hour, merge_history(hour));
    hour.clear();
  }
  for (const auto step : {HistoryStep::minute, HistoryStep::hour}) {
    const auto key = HistoryString::of(step, begin).key(RedisKeys("local"), "lte", Family::v4);
    redis.execute({"SETRANGE", key, "0", strings.at(step == HistoryStep::minute ? 0 : 1)});
  }
}

TEST(MultilinkctlReport, TellsTheMonthAsTextJsonAndHtml) {
  const fakes::RealRedis redis;
  write_january(redis);
  const auto report = [&](std::vector<std::string> more) {
    std::vector<std::string> all{
        "report", "--uplink", "lte", "--month", "2024-01", "--redis", redis.address().to_string()};
    all.insert(all.end(), more.begin(), more.end());
    return multilinkctl(all);
  };
  const auto text = report({});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("99.792 %"));
  EXPECT_THAT(text.out, HasSubstr("2024-01-01 12:00  00:03:00  no longer known"));
  const auto json = nlohmann::json::parse(report({"--json"}).out);
  ASSERT_EQ(json["families"].size(), 1U);
  EXPECT_EQ(json["families"][0]["outages"][0]["length_s"], 180);
  EXPECT_EQ(json["families"][0]["unknown_s"], 30 * 86'400);
  EXPECT_EQ(json["families"][0]["rtt_of_minutes_ms"]["p99"], 20);
  EXPECT_THAT(report({"--html"}).out, StartsWith("<!DOCTYPE html>"));
  EXPECT_EQ(report({"--html", "--json"}).status, 64);
}

TEST(MultilinkctlReport, RefusesWhatIsNoMonthOrNoUplink) {
  EXPECT_THAT(multilinkctl({"report", "--uplink", "lte", "--month", "2024-13"}).err,
              HasSubstr("is not a month"));
  EXPECT_EQ(multilinkctl({"report", "--uplink", "lte", "--month", "9998-01"}).status, 64);
  EXPECT_EQ(multilinkctl({"report", "--month", "2024-01"}).status, 64);
  EXPECT_EQ(multilinkctl({"report", "--uplink", "a b", "--month", "2024-01"}).status, 64);
  EXPECT_EQ(multilinkctl({"history"}).status, 64);
  EXPECT_EQ(multilinkctl({"history", "--uplink", "lte", "--hours", "0"}).status, 64);
  EXPECT_EQ(multilinkctl({"history", "--uplink", "lte", "--hours", "1", "--days", "1"}).status, 64);
  EXPECT_EQ(multilinkctl({"history", "--uplink", "lte", "--redis", "unix:/nonexistent/redis.sock"}).status,
            1);
}

TEST(MultilinkctlHistory, ShowsTheLastHoursAndDays) {
  const fakes::RealRedis redis;
  const auto now = std::chrono::floor<std::chrono::minutes>(std::chrono::system_clock::now());
  HistoryRecord record;
  record.up = std::chrono::seconds(60);
  record.probes = 60;
  record.rtt = record.rtt_most = std::chrono::milliseconds(20);
  const HistoryTime time = now - std::chrono::minutes(30);
  const auto string = HistoryString::of(HistoryStep::minute, time);
  redis.execute({"SETRANGE", string.key(RedisKeys("local"), "lte", Family::v6),
                 std::to_string(string.offset(time)), encode_history(HistoryStep::minute, record)});
  const auto history = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"history", "--uplink", "lte", "--redis", redis.address().to_string()});
    return multilinkctl(more);
  };
  const auto text = history({"--hours", "1"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("IPv6    60 s  0 s      0 s   0 %   20 ms  20 ms  0 ms"));
  EXPECT_THAT(history({"--hours", "1", "--csv"}).out, HasSubstr(",\"lte\",6,60,60,0,0,0,60,0,20,20,0\r\n"));
  const auto json = nlohmann::json::parse(history({"--json", "--hours", "1"}).out);
  EXPECT_EQ(json["history"][0]["records"][0]["up_s"], 60);
  const auto* const nothing =
      "nothing is stored of this time; the first hour is kept by the minute: --hours 1\n";
  EXPECT_EQ(history({"--days", "1"}).out, nothing);
  EXPECT_EQ(history({}).out, nothing);
  redis.execute({"DEL", string.key(RedisKeys("local"), "lte", Family::v6)});
  EXPECT_EQ(history({"--hours", "1"}).out, "nothing is stored of this time\n");
}

}  // namespace multilinkctl_test
}  // namespace multilink
