// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fakes/fake_counters.hpp"
#include "fakes/fake_kernel.hpp"
#include "fakes/fake_leases.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/fake_prober.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "fakes/fake_supervisor.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/services/ping_service.hpp"

namespace multilink {

/// pingd on fakes: a host with the uplinks eth0 and eth1, both in order, and three targets.
class PingServiceTest : public testing::Test {
 protected:
  PingServiceTest() {
    config_.uplinks = {uplink("eth0"), uplink("eth1")};
    plug_in("eth0", "192.0.2.2/24", "192.0.2.1");
    plug_in("eth1", "198.51.100.2/24", "198.51.100.1");
  }

  static UplinkConfig uplink(const std::string& device) {
    UplinkConfig out;
    out.device = out.name = device;
    for (const char* target : {"203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::1"}) {
      out.targets.push_back(*IpAddress::parse(target));
    }
    return out;
  }

  void plug_in(const std::string& device, const std::string& prefix, const std::string& gateway) {
    const unsigned index = kernel_.add_link(device);
    kernel_.add_address(device, prefix);
    Route route;
    route.table = kMainTable;
    route.destination = IpPrefix::default_of(Family::v4);
    route.metric = 100 + index;
    route.next_hops = {{index, *IpAddress::parse(gateway)}};
    ASSERT_TRUE(kernel_.add_route(route));
  }

  void start() {
    DaemonRecord self;
    self.pid = 42;
    self.version = "1.2.3";
    service_ = std::make_unique<PingService>(
        PingPorts{scheduler_, kernel_, leases_, prober_, counters_, store_, supervisor_, log_}, config_,
        "0123abcd", self, [this] { return random_(); }, RoutingNumbers{}, pace_);
    service_->start();
    scheduler_.settle();
  }

  void reload() {
    service_->reload(config_);
    scheduler_.settle();
  }

  unsigned index_of(std::string_view device) { return kernel_.link(device).index; }

  /// Everything sent through the device is lost from now on, or answered again.
  void silence(std::string_view device, bool on = true) {
    if (on) {
      silent_.insert(index_of(device));
    } else {
      silent_.erase(index_of(device));
    }
  }

  /// The uplink's probes in Redis, oldest first.
  std::vector<ProbeRecord> stored(const std::string& name) {
    const auto members =
        as_scored(redis_.execute({"ZRANGE", keys_.probes(name), "0", "-1", "WITHSCORES"})).value();
    std::vector<ProbeRecord> out;
    for (const auto& [member, score] : members) out.push_back(ProbeRecord::decode(member, score).value());
    return out;
  }

  std::size_t stored_with(const std::string& name, Outcome outcome) {
    const auto all = stored(name);
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const ProbeRecord& record) { return record.outcome == outcome; }));
  }

  LinkRecord stored_link(const std::string& name) {
    const auto fields = as_fields(redis_.execute({"HGETALL", keys_.link(name)}));
    return LinkRecord::decode(fields.value()).value();
  }

  std::vector<EventRecord> stored_events() {
    const auto reply = redis_.execute({"XRANGE", keys_.events(), "-", "+"});
    std::vector<EventRecord> out;
    for (const auto& entry : std::get<Reply::Array>(reply.value)) {
      const auto fields = as_fields(std::get<Reply::Array>(entry.value).at(1));
      out.push_back(EventRecord::decode(fields.value()).value());
    }
    return out;
  }

  /// The probes that left through the device.
  std::vector<fakes::FakeProber::Sent> sent_through(std::string_view device) {
    std::vector<fakes::FakeProber::Sent> out;
    for (const auto& sent : prober_.sent()) {
      if (sent.probe.link_index == index_of(device)) out.push_back(sent);
    }
    return out;
  }

  static unsigned identifier_of(const OutgoingProbe& probe) {
    return (unsigned{probe.message[4]} << 8) | probe.message[5];
  }

  Config config_;
  RedisKeys keys_{"local"};
  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  fakes::FakeLeases leases_{scheduler_};
  fakes::FakeProber prober_{scheduler_};
  fakes::FakeCounters counters_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeStore store_{scheduler_, redis_};
  fakes::FakeSupervisor supervisor_;
  fakes::FakeLog log_;
  std::mt19937_64 random_{7};
  /// At even intervals, so that a test can count.
  PingService::Pace pace_ = [](Duration interval, std::uint64_t) { return interval; };
  std::set<unsigned> silent_;
  std::unique_ptr<PingService> service_;

 private:
  void SetUp() override {
    prober_.set_world([this](const OutgoingProbe& probe) {
      return silent_.count(probe.link_index) != 0 ? fakes::ProbePath{fakes::ProbePath::End::silent}
                                                  : fakes::ProbePath{};
    });
  }
};

}  // namespace multilink
