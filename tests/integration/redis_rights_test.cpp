// SPDX-License-Identifier: GPL-2.0-or-later
// config/redis.acl and config/redis.conf in a real redis-server: each user may run what its daemon runs, on the
// keys that docs/redis-schema.md gives it, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "fakes/real_redis.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace redis_rights_test {

using fakes::RealRedis;
using Names = std::set<std::string>;

const RedisKeys kKeys("office.1");

const std::array<std::string, 2> kHistory{
    kKeys.history_minutes("lte", Family::v4, std::chrono::year(2026) / 11 / 5),
    kKeys.history_hours("lte", Family::v6, std::chrono::year(2026) / 11)};
const Names kAllKeys{kKeys.uplinks(),
                     kKeys.link("lte"),
                     kKeys.probes("lte"),
                     kKeys.status("lte"),
                     kKeys.status("lte", Family::v4),
                     kKeys.status("lte", Family::v6),
                     kKeys.health("lte"),
                     kKeys.admin("lte"),
                     kKeys.drill(),
                     kHistory[0],
                     kHistory[1],
                     kKeys.routing(),
                     kKeys.events(),
                     kKeys.daemon("pingd"),
                     kKeys.daemon("healthd"),
                     kKeys.daemon("routed"),
                     kKeys.proxy("lte"),
                     kKeys.daemon("notifyd"),
                     kKeys.notified("webhook")};
const Names kAllChannels{kKeys.probe_channel(), kKeys.status_channel(), kKeys.routing_channel(),
                         kKeys.admin_channel()};
const Names kStatuses{kKeys.status("lte"), kKeys.status("lte", Family::v4), kKeys.status("lte", Family::v6)};

Names join_sets(Names a, const Names& b) {
  a.insert(b.begin(), b.end());
  return a;
}

/// What a user may do; everything else must be refused.
struct Rights {
  const char* user;
  Names commands;
  Names reads;
  Names writes;
  Names channels;
};

const std::vector<Rights> kRights{
    {"pingd",
     {"ping", "multi", "exec", "hset", "hdel", "del", "zadd", "zrem", "zremrangebyscore", "zremrangebyrank",
      "pexpire", "xadd", "publish"},
     {},
     {kKeys.link("lte"), kKeys.probes("lte"), kKeys.events(), kKeys.daemon("pingd")},
     {kKeys.probe_channel()}},
    {"healthd",
     {"ping",          "multi",     "exec", "get",      "getrange", "hgetall",  "zrange",
      "zrangebyscore", "xrevrange", "set",  "setrange", "hset",     "hdel",     "del",
      "zadd",          "xadd",      "xdel", "pexpire",  "publish",  "subscribe"},
     join_sets(kStatuses,
               {kKeys.uplinks(), kKeys.link("lte"), kKeys.probes("lte"), kKeys.health("lte"),
                kKeys.admin("lte"), kHistory[0], kHistory[1], kKeys.events(), kKeys.daemon("pingd")}),
     join_sets(kStatuses, {kKeys.uplinks(), kKeys.health("lte"), kHistory[0], kHistory[1], kKeys.events(),
                           kKeys.daemon("healthd")}),
     {kKeys.probe_channel(), kKeys.status_channel(), kKeys.admin_channel()}},
    {"routed",
     {"ping", "multi", "exec", "hgetall", "hset", "hdel", "del", "pexpire", "xadd", "publish", "subscribe"},
     {kKeys.health("lte"), kKeys.drill(), kKeys.routing()},
     {kKeys.routing(), kKeys.events(), kKeys.daemon("routed")},
     {kKeys.status_channel(), kKeys.routing_channel(), kKeys.admin_channel()}},
    {"squid",
     {"ping", "multi", "exec", "hgetall", "hset", "del", "pexpire", "subscribe"},
     {kKeys.health("lte")},
     {kKeys.proxy("lte")},
     {kKeys.status_channel()}},
    {"notifyd",
     {"ping", "multi", "exec", "get", "set", "hset", "hdel", "del", "xrange", "xrevrange", "pexpire",
      "subscribe"},
     {kKeys.events(), kKeys.notified("webhook")},
     {kKeys.notified("webhook"), kKeys.daemon("notifyd")},
     {kKeys.status_channel(), kKeys.routing_channel()}},
    {"reader", {"ping", "get", "getrange", "hgetall", "zrange", "xrevrange"}, kAllKeys, {}, {}},
    {"admin",
     {"ping", "multi", "exec", "hgetall", "zrange", "xrevrange", "hset", "del", "pexpire", "publish",
      "bgsave"},
     kAllKeys,
     {kKeys.admin("lte"), kKeys.drill()},
     {kKeys.admin_channel()}},
};

enum class Kind { reads, writes };

/// How multilink words its commands; KEY stands for the key.
const std::vector<std::pair<Kind, Store::Command>> kShapes{
    {Kind::reads, {"get", "KEY"}},
    {Kind::reads, {"getrange", "KEY", "0", "15"}},
    {Kind::reads, {"hgetall", "KEY"}},
    {Kind::reads, {"zrange", "KEY", "0", "-1", "WITHSCORES"}},
    {Kind::reads, {"zrangebyscore", "KEY", "1", "2", "WITHSCORES"}},
    {Kind::reads, {"xrange", "KEY", "(1-1", "+", "COUNT", "32"}},
    {Kind::reads, {"xrevrange", "KEY", "+", "-", "COUNT", "20"}},
    {Kind::writes, {"set", "KEY", "TRUE"}},
    {Kind::writes, {"setrange", "KEY", "16", "bytes"}},
    {Kind::writes, {"hset", "KEY", "field", "value"}},
    {Kind::writes, {"hdel", "KEY", "field"}},
    {Kind::writes, {"del", "KEY"}},
    {Kind::writes, {"zadd", "KEY", "1", "member"}},
    {Kind::writes, {"zrem", "KEY", "member"}},
    {Kind::writes, {"zremrangebyscore", "KEY", "-inf", "(1"}},
    {Kind::writes, {"zremrangebyrank", "KEY", "0", "-20001"}},
    {Kind::writes, {"pexpire", "KEY", "15000"}},
    {Kind::writes, {"xdel", "KEY", "1-1"}},
    {Kind::writes, {"xadd", "KEY", "MAXLEN", "~", "10000", "*", "id", "x"}},
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(MULTILINK_SOURCE_DIR "/" + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// Lines for redis.conf: the users with a password each, and a default user for the test in place of none.
std::vector<std::string> users() {
  std::vector<std::string> out;
  for (auto line : lines_of("config/redis.acl")) {
    if (line == "user default off") line = "user default on nopass ~* &* +@all";
    const auto word = line.find("@PASSWORD@");
    if (word != std::string::npos) line.replace(word, 10, ">secret");
    out.push_back(std::move(line));
  }
  return out;
}

class RedisRights : public testing::Test {
 protected:
  bool may(const char* user, const Store::Command& command) const {
    Store::Command question{"ACL", "DRYRUN", user};
    question.insert(question.end(), command.begin(), command.end());
    const auto reply = redis_.execute(question);
    EXPECT_FALSE(std::holds_alternative<Reply::Failure>(reply.value)) << join(question, " ");
    return as_string(reply) == "OK";
  }

  RealRedis redis_{users()};
};

TEST_F(RedisRights, TheDefaultUserIsOffAndThereAreNoOthers) {
  const auto lines = lines_of("config/redis.acl");
  ASSERT_EQ(lines.size(), kRights.size() + 1);
  EXPECT_EQ(lines.front(), "user default off");
  for (std::size_t i = 0; i < kRights.size(); ++i) {
    EXPECT_TRUE(
        lines[i + 1].starts_with(cat("user ", kRights[i].user, " on @PASSWORD@ resetkeys resetchannels ")));
  }
}

TEST_F(RedisRights, TheCommandsOfEachUserAreThoseOfItsDaemon) {
  for (const auto& rights : kRights) {
    const auto reply = redis_.execute({"ACL", "GETUSER", rights.user});
    const auto& fields = std::get<Reply::Array>(reply.value);
    const auto label = std::find(fields.begin(), fields.end(), Reply{std::string("commands")});
    ASSERT_NE(label, fields.end());
    const auto text = as_string(*std::next(label)).value();
    Names commands;
    for (const auto word : split(text, ' ')) {
      if (word != "-@all") commands.insert(std::string(word.substr(1)));
    }
    EXPECT_TRUE(text.starts_with("-@all ")) << text;
    EXPECT_EQ(commands, rights.commands) << rights.user;
  }
}

TEST_F(RedisRights, EachReadsAndWritesItsKeysOnly) {
  for (const auto& rights : kRights) {
    for (const auto& [kind, shape] : kShapes) {
      const auto& mine = kind == Kind::reads ? rights.reads : rights.writes;
      for (const auto& key : join_sets(kAllKeys, {"dump.rdb", "multilink:office.1:other"})) {
        auto command = shape;
        command[1] = key;
        const bool of_suite = kAllKeys.contains(key) || key.starts_with("multilink:");
        const bool expected = rights.commands.contains(shape[0]) &&
                              (mine.contains(key) || (of_suite && kind == Kind::reads && mine == kAllKeys));
        EXPECT_EQ(may(rights.user, command), expected) << rights.user << ": " << join(command, " ");
      }
    }
  }
}

TEST_F(RedisRights, EachHearsAndSpeaksOnItsChannelsOnly) {
  for (const auto& rights : kRights) {
    for (const auto& channel : join_sets(kAllChannels, {"other"})) {
      const bool mine = rights.channels.contains(channel);
      EXPECT_EQ(may(rights.user, {"publish", channel, "lte"}), mine && rights.commands.contains("publish"))
          << rights.user << " " << channel;
      EXPECT_EQ(may(rights.user, {"subscribe", channel}), mine && rights.commands.contains("subscribe"))
          << rights.user << " " << channel;
    }
  }
}

TEST(RedisConf, IsPrivateBoundedAndGoesOnWithoutADisk) {
  auto config = lines_of("config/redis.conf");
  ASSERT_FALSE(config.empty());
  std::erase_if(config, [](const std::string& line) {  // what the test's server has elsewhere
    return line.starts_with("unixsocket ") || line.starts_with("dir ");
  });
  const RealRedis redis(config);
  const auto value = [&](const std::string& name) {
    return as_fields(redis.execute({"CONFIG", "GET", name})).value().at(name);
  };
  EXPECT_EQ(value("port"), "0");
  EXPECT_EQ(value("save"), "3600 1");
  EXPECT_EQ(value("stop-writes-on-bgsave-error"), "no");
  EXPECT_EQ(value("appendonly"), "no");
  EXPECT_EQ(value("maxmemory-policy"), "noeviction");
  EXPECT_GT(parse_number<long>(value("maxmemory")).value(), 0);
  EXPECT_EQ(value("hz"), "1");
}

}  // namespace redis_rights_test
}  // namespace multilink
