// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fakes/fake_log.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "fakes/fake_supervisor.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/services/health_service.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {

inline constexpr const char* kBoot = "0123abcd";

/// What a living pingd puts into Redis about links whose state the test decides: a probe a second for each
/// uplink and family that has targets and no fact against it, settled after the RTT or 1 s, and the link's facts.
class PretendedPingd {
 public:
  struct Link {
    bool is_dead = false;
    std::map<Family, LinkFact> facts{{Family::v4, LinkFact::ok}, {Family::v6, LinkFact::no_address}};
  };

  PretendedPingd(fakes::FakeScheduler& scheduler, fakes::FakeRedis& redis, std::string boot = kBoot)
      : scheduler_(scheduler), redis_(redis), boot_(std::move(boot)) {}

  Link& link(const std::string& name) { return links_[name]; }
  void forget(const std::string& name) { links_.erase(name); }
  void start() { tick(); }
  void die() { timers_.clear(); }
  void beat() {
    execute({hash_write(keys_.daemon("pingd"), DaemonRecord{42, "1", {}, std::string(16, '0')}.encode()),
             {"EXPIRE", keys_.daemon("pingd"), "15"}});
  }

  void set_fact(const std::string& name, Family family, LinkFact fact) {
    links_[name].facts[family] = fact;
    write_link(name);
    hint(name);
  }
  void write_link(const std::string& name) {
    LinkRecord record;
    record.device = name;
    record.boot = boot_;
    record.written = scheduler_.now().mono;
    for (const auto& [family, fact] : links_.at(name).facts) record.families[family].fact = fact;
    execute({hash_write(keys_.link(name), record.encode())});
  }

  ProbeRecord probe(Family family, Outcome outcome) {
    ProbeRecord out;
    out.boot = boot_;
    out.sequence = ++sequence_;
    out.outcome = outcome;
    if (outcome == Outcome::answered) out.rtt = std::chrono::milliseconds(20);
    out.sent = scheduler_.now().mono;
    out.sent_wall = scheduler_.now().wall;
    out.target = *IpAddress::parse(family == Family::v4 ? "192.0.2.1" : "2001:db8::1");
    return out;
  }
  void write(const std::string& name, const ProbeRecord& probe) {
    execute({{"ZADD", keys_.probes(name), std::to_string(probe.sent_wall.time_since_epoch().count()),
              probe.encode()}});
    hint(name);
  }
  /// The answer to a probe that was written as lost has come after all.
  void correct(const std::string& name, ProbeRecord probe, Duration rtt) {
    execute({{"ZREM", keys_.probes(name), probe.encode()}});
    probe.outcome = Outcome::answered;
    probe.rtt = rtt;
    write(name, probe);
  }
  void hint(const std::string& name) { execute({{"PUBLISH", keys_.probe_channel(), name}}); }

 private:
  void execute(const std::vector<Store::Command>& commands) {
    if (!redis_.is_answering()) return;
    for (const auto& command : commands) redis_.execute(command);
  }
  void tick() {
    timers_.erase(timers_.begin(), timers_.size() > 100 ? timers_.end() - 100 : timers_.begin());
    beat();
    for (const auto& [name, link] : links_) {
      write_link(name);
      for (const auto& [family, fact] : link.facts) {
        if (fact == LinkFact::ok) send(name, family, link.is_dead ? Outcome::lost : Outcome::answered);
      }
    }
    timers_.push_back(scheduler_.after(std::chrono::seconds(1), [this] { tick(); }));
  }
  void send(const std::string& name, Family family, Outcome outcome) {
    auto sent = probe(family, outcome);
    if (outcome == Outcome::lost) sent.waited = std::chrono::seconds(1);
    const Duration settling = *sent.settled() - sent.sent;
    timers_.push_back(scheduler_.after(settling, [this, name, sent] { write(name, sent); }));
  }

  fakes::FakeScheduler& scheduler_;
  fakes::FakeRedis& redis_;
  std::string boot_;
  RedisKeys keys_{"local"};
  std::map<std::string, Link> links_;
  std::uint64_t sequence_ = 0;
  std::vector<std::unique_ptr<Timer>> timers_;
};

/// healthd on fakes, with pingd as above: uplinks eth0 and eth1, IPv4 in order, no IPv6 address.
class HealthServiceTest : public testing::Test {
 protected:
  HealthServiceTest() {
    config_.uplinks = {uplink("eth0", 1), uplink("eth1", 2)};
    pingd_.link("eth0");
    pingd_.link("eth1");
  }

  static UplinkConfig uplink(const std::string& device, unsigned precedence) {
    UplinkConfig out;
    out.device = out.name = device;
    out.precedence = precedence;
    out.targets = {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")};
    return out;
  }

  void start_healthd() {
    store_ = std::make_unique<fakes::FakeStore>(scheduler_, redis_);
    DaemonRecord self;
    self.pid = 4711;
    self.version = "1.2.3";
    service_ = std::make_unique<HealthService>(HealthService::Parts{scheduler_, *store_, supervisor_, log_},
                                               config_, kBoot, self);
    service_->start();
    scheduler_.settle();
  }
  void kill_healthd() {
    service_.reset();
    store_.reset();
  }
  /// pingd and healthd, and time for the uplinks to be up.
  void start_both() {
    pingd_.start();
    start_healthd();
    run(std::chrono::seconds(30));
  }
  void reload() {
    service_->reload(config_);
    scheduler_.settle();
  }
  void run(Duration span) { scheduler_.advance(span); }
  /// How long it takes, in steps of 100 ms, until `status` of the uplink is so.
  Duration time_until(const std::string& name, const std::string& wanted, Duration most) {
    Duration passed{};
    for (; status(name) != wanted && passed < most; passed += std::chrono::milliseconds(100)) {
      run(std::chrono::milliseconds(100));
    }
    return passed;
  }

  std::string text(const std::string& key) { return as_string(redis_.execute({"GET", key})).value_or("-"); }
  std::string status(const std::string& name) { return text(keys_.status(name)); }
  HealthRecord health(const std::string& name) {
    const auto fields = as_fields(redis_.execute({"HGETALL", keys_.health(name)}));
    if (!fields) return {};
    const auto record = HealthRecord::decode(*fields);
    if (!record) ADD_FAILURE() << record.error().message;
    return record.value_or(HealthRecord{});
  }
  HealthRecord::PerFamily v4(const std::string& name) { return health(name).families[Family::v4]; }
  bool exists(const std::string& key) {
    return std::get<std::int64_t>(redis_.execute({"PTTL", key}).value) != -2;
  }
  std::vector<EventRecord> events(const std::string& name) {
    std::vector<EventRecord> out;
    const auto reply = redis_.execute({"XRANGE", keys_.events(), "-", "+"});
    for (const auto& entry : std::get<Reply::Array>(reply.value)) {
      auto event = EventRecord::decode(as_fields(std::get<Reply::Array>(entry.value)[1]).value());
      if (event->uplink == name && event->family == Family::v4) out.push_back(*std::move(event));
    }
    return out;
  }

  Config config_;
  RedisKeys keys_{"local"};
  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
  PretendedPingd pingd_{scheduler_, redis_};
  fakes::FakeSupervisor supervisor_;
  fakes::FakeLog log_;
  std::unique_ptr<fakes::FakeStore> store_;
  std::unique_ptr<HealthService> service_;
};

/// Every value that the status of an uplink ever had, as somebody sees who reads at each hint, and each 50 ms.
class StatusWatcher {
 public:
  StatusWatcher(fakes::FakeScheduler& scheduler, fakes::FakeRedis& redis, std::string key)
      : scheduler_(scheduler), redis_(redis), key_(std::move(key)) {
    look();
  }
  std::vector<std::string> seen;

 private:
  void look() {
    const auto value = as_string(redis_.execute({"GET", key_}));
    if (value && (seen.empty() || seen.back() != *value)) seen.push_back(*value);
    timer_ = scheduler_.after(std::chrono::milliseconds(50), [this] { look(); });
  }
  fakes::FakeScheduler& scheduler_;
  fakes::FakeRedis& redis_;
  std::string key_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace multilink
