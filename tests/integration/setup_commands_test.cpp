// SPDX-License-Identifier: GPL-2.0-or-later
// `multilinkctl events`, `config` and `status --watch` over a real Redis, and on a real terminal.
#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace setup_commands_test {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kBinary = MULTILINK_BIN_DIR "/multilinkctl";

fakes::ProgramResult multilinkctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kBinary);
  return fakes::run_program({arguments});
}

void add_event(const fakes::RealRedis& redis, const std::string& reason) {
  EventRecord event;
  event.id = "0123abcd-1";
  event.at = WallTime(std::chrono::seconds(1'700'000'000));
  event.source = "healthd";
  event.kind = "health";
  event.uplink = "fibre";
  event.family = Family::v4;
  event.from = "up";
  event.to = "down";
  event.reason = reason;
  Store::Command command{"XADD", RedisKeys("local").events(), "*"};
  for (const auto& [field, value] : event.encode()) command.insert(command.end(), {field, value});
  redis.execute(command);
}

TEST(MultilinkctlEvents, ShowsTheLastOnesOldestFirst) {
  const fakes::RealRedis redis;
  const auto url = redis.address().to_string();
  EXPECT_EQ(multilinkctl({"events", "--redis", url}).out, "no events yet\n");
  for (const auto* reason : {"first", "second", "third"}) add_event(redis, reason);
  const auto shown = multilinkctl({"events", "--redis", url, "--count", "2"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out,
              StartsWith("2023-11-14T22:13:20.000Z  health  fibre       IPv4  up -> down          second\n"));
  EXPECT_THAT(shown.out, EndsWith("third\n"));
  const auto json = multilinkctl({"events", "--redis", url, "--count", "1", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["reason"], "third");
  redis.execute({"XADD", RedisKeys("local").events(), "*", "a", "b"});
  EXPECT_THAT(multilinkctl({"events", "--redis", url}).err, HasSubstr("1 of its entries are no events"));
}

TEST(MultilinkctlEvents, RefusesAWrongCountAndSaysThatRedisIsAway) {
  for (const auto* count : {"0", "x", "10001", "-1"})
    EXPECT_EQ(multilinkctl({"events", "--count", count, "--redis", "unix:/nonexistent"}).status, 64) << count;
  const auto away = multilinkctl({"events", "--redis", "unix:/nonexistent/redis.sock"});
  EXPECT_EQ(away.status, 1);
  EXPECT_THAT(away.err, HasSubstr("unix:/nonexistent/redis.sock: Redis gave no answer"));
}

TEST(MultilinkctlEvents, FollowsAcrossARestartOfRedis) {
  fakes::RealRedis redis;
  add_event(redis, "before");
  auto following = std::async(std::launch::async, [url = redis.address().to_string()] {
    // In the foreground timeout sends one signal; otherwise a second one, to its group, which may come after the handler has gone.
    return fakes::run_program({{"/usr/bin/timeout", "--foreground", "--preserve-status", "-s", "INT", "6",
                                kBinary, "events", "--follow", "--count", "1", "--redis", url}});
  });
  std::this_thread::sleep_for(1s);
  add_event(redis, "while it watches");
  std::this_thread::sleep_for(500ms);
  redis.kill();
  std::this_thread::sleep_for(500ms);
  redis.start();
  std::this_thread::sleep_for(500ms);
  add_event(redis, "after the restart");
  const auto shown = following.get();
  EXPECT_EQ(shown.status, 0);
  std::vector<std::string> reasons;
  for (const auto line : split(shown.out, '\n'))
    reasons.emplace_back(line.substr(std::min<std::size_t>(line.size(), 72)));
  EXPECT_THAT(reasons, testing::ElementsAre("before", "while it watches", "after the restart", ""));
  EXPECT_THAT(shown.err, AllOf(HasSubstr("; waiting for it\n"), HasSubstr(": is there again\n")));
}

TEST(MultilinkctlConfig, ChecksAsTheDaemonsDo) {
  const fakes::OwnDirectory directory;
  const auto good = directory.write("good", "[eth0]\n[eth1]\n");
  const auto bad = directory.write("bad", "[eth0]\nweight = x\nfoo = 1\n");
  EXPECT_EQ(multilinkctl({"config", "check", good}).out,
            fakes::run_program({{MULTILINK_BIN_DIR "/pingd", "--check", "--config", good}}).out);
  const auto refused = multilinkctl({"config", "check", bad});
  EXPECT_EQ(refused.status, 78);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("bad:2: weight: 'x'"), HasSubstr("bad:3: foo:"), HasSubstr("2 errors")));
  const auto json = multilinkctl({"config", "check", bad, "--json"});
  EXPECT_EQ(json.status, 78);
  EXPECT_EQ(nlohmann::json::parse(json.out)["errors"][1]["line"], 3);
  EXPECT_EQ(multilinkctl({"config", "check", "--config", good}).status, 0);
  EXPECT_EQ(multilinkctl({"config", "chuck"}).status, 64);
}

TEST(MultilinkctlConfig, TellsTheDifferenceFromWhatADaemonGoesBy) {
  fakes::enter_own_network();
  const fakes::RealRedis redis;
  const fakes::OwnDirectory directory;
  const auto head =
      cat("[multilink]\nredis = ", redis.address().to_string(), "\ntargets = 192.0.2.1, 192.0.2.2\n");
  const auto file = directory.write("interfaces.conf", head + "[eth0]\nname = fibre\n[eth1]\n");
  const auto diff = [&](std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--config", file, "config", "diff"});
    return multilinkctl(more);
  };
  const auto nobody = diff();
  EXPECT_EQ(nobody.status, 1);
  EXPECT_THAT(nobody.err, AllOf(HasSubstr("no daemon says"), HasSubstr("--against OTHER")));

  const fakes::BackgroundProgram pingd({{MULTILINK_BIN_DIR "/pingd", "--config", file}});
  for (int i = 0; i < 100 && diff().status == 1; ++i) std::this_thread::sleep_for(100ms);
  const auto same = diff();
  EXPECT_EQ(same.status, 0) << same.err;
  EXPECT_EQ(same.out, cat("No difference between ", file, " and pingd.\n"));
  directory.write(
      "interfaces.conf",
      head + "[eth0]\nname = fibre\nweight = 3\n[eth1]\n[notify]\nwebhook = https://h.example/SECRET\n");
  const auto other = diff();
  EXPECT_EQ(other.status, 2) << other.err;
  EXPECT_THAT(other.out, AllOf(StartsWith(cat("From pingd to ", file, ":\n  uplink fibre: weight 1 -> 3 (")),
                               HasSubstr("notify: has changed"), Not(HasSubstr("SECRET"))));
  const auto json = nlohmann::json::parse(diff({"--json"}).out);
  EXPECT_EQ(json["comparisons"][0]["with"][0], "pingd");
  EXPECT_EQ(json["comparisons"][0]["changes"][0]["after"], "3");
}

/// The output of a command on a terminal of its own, which is interrupted after a while.
std::string on_terminal(const std::string& arguments, std::map<std::string, std::string> environment = {}) {
  environment.insert({{"TERM", "xterm"}, {"PATH", "/usr/bin:/bin"}, {"SHELL", "/bin/sh"}});
  return fakes::run_program({{"/usr/bin/script", "-qec",
                              cat("timeout --foreground --preserve-status -s INT 2 ", kBinary, " ", arguments,
                                  "; echo \"status $?\""),
                              "/dev/null"},
                             environment})
      .out;
}

TEST(MultilinkctlStatus, IsInColourOnATerminalOnly) {
  const fakes::RealRedis redis;
  for (const auto& command : fakes::commands_to_write(fakes::failed_over_snapshot())) redis.execute(command);
  const auto status = cat("status --redis ", redis.address().to_string());
  EXPECT_THAT(on_terminal(status),
              AllOf(HasSubstr("\x1b[33mattention\x1b[0m: fibre is down. lte carries the traffic."),
                    HasSubstr("fibre   IPv4    \x1b[1;31mdown\x1b[0m   FALSE")));
  EXPECT_THAT(on_terminal(status, {{"NO_COLOR", "1"}}),
              AllOf(Not(HasSubstr("\x1b")), HasSubstr("IPv4    down   F")));
  EXPECT_THAT(on_terminal(status + " --no-colour"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(on_terminal(status + " --no-color"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(multilinkctl({"status", "--redis", redis.address().to_string()}).out, Not(HasSubstr("\x1b")));
}

TEST(MultilinkctlStatus, WatchesUntilItIsInterruptedAndLeavesTheTerminalAsItWas) {
  const fakes::RealRedis redis;
  for (const auto& command : fakes::commands_to_write(fakes::sample_snapshot())) redis.execute(command);
  const auto shown = on_terminal(cat("status --watch 0.3 --redis ", redis.address().to_string()));
  EXPECT_THAT(shown, AllOf(StartsWith("\x1b[?1049h\x1b[?25l\x1b[H"), HasSubstr("Ctrl-C ends"),
                           EndsWith("\x1b[?25h\x1b[?1049lstatus 0\r\n")));
  std::size_t frames = 0;
  for (auto at = shown.find("\x1b[H"); at != std::string::npos; at = shown.find("\x1b[H", at + 1)) ++frames;
  EXPECT_GE(frames, 3U);
  EXPECT_THAT(on_terminal("status --watch 0.3 --redis unix:/nonexistent/redis.sock"),
              EndsWith("\x1b[?25h\x1b[?1049lstatus 0\r\n"));
}

TEST(MultilinkctlStatus, WatchesWithoutATerminalOneBelowTheOther) {
  const fakes::RealRedis redis;
  for (const auto& command : fakes::commands_to_write(fakes::sample_snapshot())) redis.execute(command);
  const auto shown =
      fakes::run_program({{"/usr/bin/timeout", "--preserve-status", "-s", "INT", "1.5", kBinary, "status",
                           "--watch=0.4", "--redis", redis.address().to_string()}});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.out, Not(HasSubstr("\x1b")));
  EXPECT_NE(shown.out.find("ok: "), shown.out.rfind("ok: "));
  for (const auto* seconds : {"0", "x", "0.1", "3601", "-5"}) {
    EXPECT_EQ(multilinkctl({"status", cat("--watch=", seconds), "--redis", "unix:/x"}).status, 64) << seconds;
  }
  EXPECT_EQ(multilinkctl({"status", "5"}).status, 64);
}

}  // namespace setup_commands_test
}  // namespace multilink
