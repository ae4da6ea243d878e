// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fakes/fake_accounts.hpp"
#include "fakes/fake_chains.hpp"
#include "fakes/fake_connections.hpp"
#include "fakes/fake_kernel.hpp"
#include "fakes/fake_leases.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/fake_packet_filter.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "fakes/fake_supervisor.hpp"
#include "fakes/fake_sysctls.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/default_place.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/services/route_service.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {

inline constexpr auto kInternet = "203.0.113.9";

/// routed on fakes: a host with the uplinks eth0 and eth1 and a LAN, both up by healthd's word. The test itself is
/// healthd.
class RouteServiceTest : public testing::Test {
 protected:
  RouteServiceTest() {
    fakes::add_two_uplinks_and_lan(kernel_);
    kernel_.watch([this](const KernelChange& change) {
      if (on_change_) on_change_(change);
    });
  }

  /// A process of routed: what ends with it ends here.
  struct Process {
    /// Lets several processes, one after another, watch the same kernel.
    class Kernel final : public multilink::Kernel {
     public:
      explicit Kernel(RouteServiceTest& test) : test_(test) {}
      ~Kernel() override { test_.on_change_ = {}; }
      Result<KernelState> read() override { return test_.kernel_.read(); }
      void watch(std::function<void(const KernelChange&)> on_change) override {
        test_.on_change_ = std::move(on_change);
      }
      Result<void> apply(const RouteOperation& operation) override {
        if (!std::exchange(test_.has_applied_, true)) test_.reads_before_apply_ = test_.kernel_.reads();
        if (test_.on_apply_) test_.on_apply_();
        return test_.kernel_.apply(operation);
      }

     private:
      RouteServiceTest& test_;
    };

    explicit Process(RouteServiceTest& test)
        : kernel(test),
          store(test.scheduler_, test.redis_),
          service({test.scheduler_,
                   kernel,
                   test.leases_,
                   store,
                   supervisor,
                   test.log_,
                   {test.filter_, test.connections_, test.sockets_, test.clients_},
                   {test.sysctls_, test.changed_settings_, test.chains_},
                   test.accounts_},
                  test.config_, "0123abcd", {}) {}

    Kernel kernel;
    fakes::FakeStore store;
    fakes::FakeSupervisor supervisor;
    RouteService service;
  };

  void start() {
    routed_ = std::make_unique<Process>(*this);
    routed_->service.start();
    scheduler_.settle();
  }
  /// As with kill -9.
  void kill() {
    leases_.watch({});
    filter_.watch({});
    routed_.reset();
  }

  void start_with_both_up() {
    say("eth0", HealthState::up);
    say("eth1", HealthState::up);
    start();
    scheduler_.advance(std::chrono::seconds(2));
    ASSERT_EQ(carrier(), "eth0");
    kernel_.forget_applied();
  }

  void reload() {
    routed_->service.reload(config_);
    scheduler_.settle();
  }

  /// healthd's word: the record and the hint.
  void say(const std::string& name, HealthState state, const std::string& reason = "",
           const std::string& device = "", std::optional<MonoTime> decided = {}) {
    HealthRecord record;
    record.device = device.empty() ? name : device;
    record.boot = boot_;
    record.written = scheduler_.now().mono;
    auto& said = record.families[Family::v4];
    said.state = state;
    said.since = scheduler_.now().wall;
    said.reason = reason;
    said.decided = decided;
    said.event = EventRecord::make_id("0123abcd", MonoTime(Duration(++last_event_)));
    redis_.execute(hash_write(keys_.health(name), record.encode()));
    redis_.execute({"PUBLISH", keys_.status_channel(), name});
  }

  std::string carrier() { return kernel_.carrier_of({.destination = fakes::address(kInternet)}); }

  std::string carrier_from(std::string_view source) {
    return kernel_.carrier_of({.destination = fakes::address(kInternet), .from = fakes::address(source)});
  }

  RoutingRecord routing() {
    return RoutingRecord::decode(as_fields(redis_.execute({"HGETALL", keys_.routing()})).value()).value();
  }
  std::vector<std::string> active() {
    std::vector<std::string> out;
    const auto record = routing();
    for (const auto& active : record.families.at(Family::v4).active) out.push_back(active.uplink);
    return out;
  }
  std::vector<EventRecord> events() {
    const auto reply = redis_.execute({"XRANGE", keys_.events(), "-", "+"});
    std::vector<EventRecord> out;
    for (const auto& entry : std::get<Reply::Array>(reply.value)) {
      const auto fields = as_fields(std::get<Reply::Array>(entry.value).at(1));
      out.push_back(EventRecord::decode(fields.value()).value());
    }
    return out;
  }

  std::vector<std::string> owned() { return fakes::owned_lines(kernel_); }
  void delete_everything_owned() {
    const RoutingNumbers numbers;
    const auto state = kernel_.read().value();
    for (const auto& route : state.routes) {
      if (route.protocol == numbers.protocol) (void)kernel_.delete_route(route);
    }
    for (const auto& rule : state.rules) {
      if (rule.protocol == numbers.protocol) (void)kernel_.delete_rule(rule);
    }
  }

  Config config_ = fakes::two_uplinks();
  RedisKeys keys_{"local"};
  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  fakes::FakeLeases leases_{scheduler_};
  fakes::FakePacketFilter filter_{scheduler_};
  fakes::FakeConnections connections_;
  fakes::FakeSockets sockets_;
  fakes::FakeClients clients_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeLog log_;
  fakes::FakeSysctls sysctls_;
  fakes::FakeChangedSettings changed_settings_;
  fakes::FakeChains chains_;
  fakes::FakeAccounts accounts_;
  std::function<void(const KernelChange&)> on_change_;
  std::function<void()> on_apply_;  ///< before each change of the kernel
  bool has_applied_ = false;
  unsigned reads_before_apply_ = 0;  ///< of the kernel
  std::unique_ptr<Process> routed_;
  std::int64_t last_event_ = 0;
  std::string boot_ = "0123abcd";  ///< that healthd writes
};

}  // namespace multilink
