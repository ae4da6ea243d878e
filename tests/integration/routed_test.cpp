// SPDX-License-Identifier: GPL-2.0-or-later
// The routed executable on a real kernel and a real Redis. The test is healthd, the DHCP client and whoever
// meddles.

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace routed_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

fakes::ProgramResult try_ip(std::string_view arguments) {
  std::vector<std::string> argv{"/sbin/ip"};
  for (const auto word : split(arguments, ' ')) argv.emplace_back(word);
  return fakes::run_program({argv});
}

std::string ip(std::string_view arguments) {
  const auto result = try_ip(arguments);
  EXPECT_EQ(result.status, 0) << "ip " << arguments << ": " << result.err;
  return result.out;
}

bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

/// Two uplinks with a default each as DHCP clients set them (one without a metric), and a LAN.
class Routed : public testing::Test {
 protected:
  Routed() {
    fakes::enter_own_network();
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1;  // a new namespace has what the host has
    redis_ = std::make_unique<fakes::RealRedis>();
    for (const std::string name : {"up0", "up1", "lan0"}) {
      ip(cat("link add ", name, " type veth peer name ", name, "p"));
      ip(cat("link set ", name, " up"));
      ip(cat("link set ", name, "p up"));
    }
    ip("addr add 10.0.0.1/24 dev lan0");
    ip("addr add 192.0.2.2/24 dev up0");
    ip("addr add 198.51.100.2/24 dev up1");
    ip("route add default via 192.0.2.1 dev up0");
    ip("route add default via 198.51.100.1 dev up1 metric 200");
    config_ = directory_.write(
        "interfaces.conf", cat("[multilink]\nredis = ", redis_->address().to_string(), "\n[up0]\n[up1]\n"));
  }

  void start() {
    routed_ = std::make_unique<fakes::BackgroundProgram>(
        fakes::ProgramCall{{MULTILINK_BIN_DIR "/routed", "--config", config_}});
  }
  void start_with_both_up() {
    say("up0", HealthState::up);
    say("up1", HealthState::up);
    start();
    ASSERT_TRUE(eventually([&] { return routing().find("up0/up0/1/192.0.2.1") != std::string::npos; }));
  }
  void stop() {
    kill(routed_->pid(), SIGKILL);
    routed_.reset();
  }
  fakes::ProgramResult run(const std::string& option) {
    return fakes::run_program({{MULTILINK_BIN_DIR "/routed", "--config", config_, option}});
  }

  void say(const std::string& name, HealthState state) {
    HealthRecord record;
    record.device = name;
    record.boot = read_boot_id().value();
    record.families[Family::v4].state = state;
    redis_->execute(hash_write(keys_.health(name), record.encode()));
    redis_->execute({"PUBLISH", keys_.status_channel(), name});
  }
  std::string routing() {
    const auto fields = as_fields(redis_->execute({"HGETALL", keys_.routing()}));
    return fields && fields->contains("4.active") ? fields->at("4.active") : "";
  }
  bool carries(std::string_view device) {
    return ip("route get 203.0.113.9").find(cat("dev ", device, ' ')) != std::string::npos;
  }
  static std::string everything() { return ip("-4 route show table all") + ip("rule show"); }
  /// Sorted: the order of rules of one priority is of no importance.
  static std::multiset<std::string> everything_sorted() {
    const auto text = everything();
    std::multiset<std::string> lines;
    for (const auto line : split(text, '\n')) lines.emplace(line);
    return lines;
  }

  fakes::OwnDirectory directory_;
  std::unique_ptr<fakes::RealRedis> redis_;
  std::string config_;
  RedisKeys keys_{"local"};
  std::unique_ptr<fakes::BackgroundProgram> routed_;
};

TEST_F(Routed, FollowsHealthAndCarrierAndTellsWhatItReadBack) {
  start_with_both_up();
  EXPECT_TRUE(carries("up0"));
  say("up0", HealthState::down);
  EXPECT_TRUE(eventually([&] { return carries("up1"); }));
  EXPECT_TRUE(eventually([&] { return routing() == "up1/up1/1/198.51.100.1"; }));
  say("up0", HealthState::up);
  EXPECT_TRUE(eventually([&] { return carries("up0"); }));
  redis_->kill();
  ip("link set up0p down");
  EXPECT_TRUE(eventually([&] { return carries("up1"); })) << "without Redis";
}

TEST_F(Routed, RenewalsWithoutAMetricNeverFailAndTheRouteStays) {
  start_with_both_up();
  for (int i = 0; i < 50; ++i) {
    ip("route del default via 192.0.2.1 dev up0");
    EXPECT_TRUE(carries("up0"));
    ip("route add default via 192.0.2.1 dev up0");
    EXPECT_TRUE(carries("up0"));
  }
}

TEST_F(Routed, WhatOthersDeleteIsPutBack) {
  start_with_both_up();
  const auto before = everything_sorted();
  ip("route flush table 7001");
  ip("route del default proto 109");
  for (const auto* priority : {"1010", "1020", "1021", "1030", "1031", "1040", "1041", "1050", "1051"}) {
    ip(cat("rule del pref ", priority, " protocol 109"));
  }
  EXPECT_TRUE(eventually([&] { return everything_sorted() == before; })) << everything();
}

TEST_F(Routed, AfterACrashItAdoptsPlansNothingAndClearsEverything) {
  const auto before = everything();
  start_with_both_up();
  stop();
  EXPECT_THAT(everything(), HasSubstr("proto 109"));
  const auto plan = run("--plan");
  EXPECT_EQ(plan.status, 0) << plan.err;
  EXPECT_EQ(plan.out, "nothing to change\n");
  const auto cleared = run("--clear");
  EXPECT_EQ(cleared.status, 0) << cleared.err;
  EXPECT_EQ(everything(), before);
  EXPECT_THAT(run("--clear").out, IsEmpty());
}

TEST_F(Routed, ClearBesideARunningRoutedSaysThatItPutsAllBack) {
  start_with_both_up();
  const auto cleared = run("--clear");
  EXPECT_EQ(cleared.status, 0) << cleared.err;
  EXPECT_THAT(cleared.err, HasSubstr("another routed of site 'local' runs"));
  EXPECT_THAT(cleared.err, HasSubstr("puts back what is removed here"));
}

TEST_F(Routed, WithoutTheRightsItSaysWhatItTakes) {
  start_with_both_up();
  stop();
  const auto refused = fakes::run_program({{"/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all",
                                            MULTILINK_BIN_DIR "/routed", "--clear"}});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("takes CAP_NET_ADMIN: start it as root, or by its unit"));
}

TEST_F(Routed, ClearNeedsNoConfiguration) {
  const auto before = everything();
  start_with_both_up();
  stop();
  directory_.write("interfaces.conf", "[multilink]\nnonsense = 1\n");
  EXPECT_EQ(run("--plan").status, 78);
  const auto cleared = run("--clear");
  EXPECT_EQ(cleared.status, 0) << cleared.err;
  EXPECT_THAT(cleared.err, IsEmpty());
  EXPECT_EQ(everything(), before);
}

TEST_F(Routed, PlanAndClearExcludeEachOther) {
  start_with_both_up();
  stop();
  const auto before = everything();
  for (const auto* other : {"--plan", "--check"}) {
    const auto refused =
        fakes::run_program({{MULTILINK_BIN_DIR "/routed", "--config", config_, other, "--clear"}});
    EXPECT_EQ(refused.status, 64);
    EXPECT_THAT(refused.err, HasSubstr("exclude each other"));
  }
  EXPECT_EQ(everything(), before);
}

TEST_F(Routed, ThePlanIsMadeOfCommandsThatTheShellTakes) {
  say("up0", HealthState::up);
  say("up1", HealthState::up);
  const auto plan = run("--plan");
  ASSERT_EQ(plan.status, 0) << plan.err;
  EXPECT_THAT(everything(), Not(HasSubstr("proto 109"))) << "a plan changes nothing";
  EXPECT_THAT(plan.out, HasSubstr("\ntable inet multilink {\n"));
  const auto done = fakes::run_program({{"/bin/sh", "-e", "-c", plan.out}});
  EXPECT_EQ(done.status, 0) << done.err << plan.out;
  EXPECT_EQ(run("--plan").out, "nothing to change\n");
}

TEST_F(Routed, WithoutRedisThePlanSaysWhatItDoesNotKnow) {
  redis_->kill();
  const auto plan = run("--plan");
  EXPECT_EQ(plan.status, 0);
  EXPECT_THAT(plan.out, HasSubstr("# the health of up0 in IPv4 is unknown"));
  EXPECT_THAT(plan.out, Not(HasSubstr("prepend default via 192.0.2.1 dev up0 proto 109 metric")));
}

}  // namespace routed_test
}  // namespace multilink
