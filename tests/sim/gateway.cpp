// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/gateway.hpp"

#include <algorithm>
#include <queue>
#include <utility>

#include "fakes/fake_accounts.hpp"
#include "fakes/fake_chains.hpp"
#include "fakes/fake_connections.hpp"
#include "fakes/fake_leases.hpp"
#include "fakes/fake_packet_filter.hpp"
#include "fakes/fake_sysctls.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto kBoot = "0123abcd";
constexpr Duration kTidyEvery = 10min;

/// A thousand hours of lines would fill the memory.
class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

class NoSupervisor final : public Supervisor {
 public:
  void ready() override {}
  void status(std::string_view) override {}
};

std::string device(std::size_t uplink) {
  return cat("wan", uplink);
}

Config configure(std::vector<SimulatedUplink>& uplinks) {
  Config config;
  for (std::size_t i = 0; i < uplinks.size(); ++i) {
    auto& uplink = uplinks[i].config;
    uplink.device = uplink.name = device(i);
    uplink.precedence = static_cast<unsigned>(i + 1);
    uplink.targets.clear();
    for (std::size_t t = 0; t < Simulation::kTargets; ++t) uplink.targets.push_back(Simulation::target(t));
    config.uplinks.push_back(uplink);
  }
  return config;
}

}  // namespace

/// The host's devices: what they carry, and how much they have counted.
class SimulatedGateway::Host final : public TrafficCounters {
 public:
  Host(fakes::FakeScheduler& scheduler, std::vector<SimulatedUplink>& uplinks)
      : kernel(scheduler), prober(scheduler), scheduler_(scheduler), begin_(scheduler.now().mono) {
    for (std::size_t i = 0; i < uplinks.size(); ++i) {
      const auto name = device(i);
      Wire wire{with_outages(uplinks[i].link, uplinks[i].outages), uplinks[i].traffic};
      wires_.emplace(kernel.add_link(name), std::move(wire));
      kernel.add_address(name, cat("10.0.", i, ".2/24"));
      (void)kernel.add_route(
          fakes::default_via(kernel, cat("10.0.", i, ".1"), name, static_cast<std::uint32_t>(100 + i)));
    }
    prober.set_world([this](const OutgoingProbe& probe) {
      auto& wire = wires_.at(probe.link_index);
      const Duration now = scheduler_.now().mono - begin_;
      wire.note_probe(now);
      const auto rtt = wire.link(now, index_of_target(probe.target));
      if (rtt) wire.answers.push(now + *rtt);
      return rtt ? fakes::ProbePath{fakes::ProbePath::End::answers, *rtt}
                 : fakes::ProbePath{fakes::ProbePath::End::silent};
    });
  }

  /// Users' packets and the probes.
  std::optional<TrafficCount> read(unsigned link_index) override {
    auto& wire = wires_.at(link_index);
    const Duration now = scheduler_.now().mono - begin_;
    for (; !wire.answers.empty() && wire.answers.top() <= now; wire.answers.pop()) ++wire.answered;
    auto count = wire.traffic(now);
    count.sent += wire.probes;
    count.received += wire.answered;
    return count;
  }

  std::uint64_t probes(std::size_t uplink) const { return wire(uplink).probes; }
  std::uint64_t questions(std::size_t uplink) const { return wire(uplink).questions; }

  fakes::FakeKernel kernel;
  fakes::FakeProber prober;

 private:
  struct Wire {
    SimulatedLink link;
    SimulatedTraffic traffic;
    std::uint64_t probes = 0;
    std::priority_queue<Duration, std::vector<Duration>, std::greater<>> answers{};  // on their way
    std::uint64_t answered = 0;
    Duration last_probe{};
    bool is_asking = false;
    std::uint64_t questions = 0;

    void note_probe(Duration now) {
      ++probes;
      const bool is_urgent = now - std::exchange(last_probe, now) <= Inquiry::kBurstSpacing;
      if (!std::exchange(is_asking, is_urgent) && is_urgent) ++questions;
    }
  };

  const Wire& wire(std::size_t uplink) const {
    return std::next(wires_.begin(), static_cast<long>(uplink))->second;
  }

  fakes::FakeScheduler& scheduler_;
  MonoTime begin_;
  std::map<unsigned, Wire> wires_;  // by device index, in the order of the uplinks
};

struct SimulatedGateway::Daemons {
  /// Several daemons watch one kernel.
  class SharedKernel final : public Kernel {
   public:
    SharedKernel(fakes::FakeKernel& kernel, std::vector<std::function<void(const KernelChange&)>>& watchers,
                 std::function<void()> on_apply)
        : kernel_(kernel), watchers_(watchers), on_apply_(std::move(on_apply)) {}
    Result<KernelState> read() override { return kernel_.read(); }
    void watch(std::function<void(const KernelChange&)> on_change) override {
      watchers_.push_back(std::move(on_change));
    }
    Result<void> apply(const RouteOperation& operation) override {
      auto applied = kernel_.apply(operation);
      on_apply_();
      return applied;
    }

   private:
    fakes::FakeKernel& kernel_;
    std::vector<std::function<void(const KernelChange&)>>& watchers_;
    std::function<void()> on_apply_;
  };

  Daemons(fakes::FakeScheduler& scheduler, Host& host, const Config& config, std::uint64_t seed,
          std::function<void()> on_apply)
      : random(seed),
        pauses(seed),
        redis(scheduler),
        kernel(host.kernel, watchers, std::move(on_apply)),
        ping_store(scheduler, redis),
        health_store(scheduler, redis),
        route_store(scheduler, redis),
        observer(scheduler, redis),
        ping_leases(scheduler),
        route_leases(scheduler),
        filter(scheduler),
        pingd(
            {scheduler, kernel, ping_leases, host.prober, host, ping_store, supervisor, log}, config, kBoot,
            {1, "sim", {}, {}}, [this] { return random(); }, RoutingNumbers{},
            [this](Duration interval, std::uint64_t) { return pause_to_next_probe(interval, pauses()); }),
        healthd({scheduler, health_store, supervisor, log}, config, kBoot, {2, "sim", {}, {}}),
        routed({scheduler,
                kernel,
                route_leases,
                route_store,
                supervisor,
                log,
                {filter, connections, sockets, clients},
                {sysctls, changed_settings, chains},
                accounts},
               config, kBoot, {3, "sim", {}, {}}) {
    host.kernel.watch([this](const KernelChange& change) {
      for (const auto& watcher : watchers) watcher(change);
    });
  }

  std::mt19937_64 random;
  std::mt19937_64 pauses;  // one of its own: LinkReplay draws the same of the same seed
  NoLog log;
  NoSupervisor supervisor;
  RedisKeys keys{"local"};
  fakes::FakeRedis redis;
  std::vector<std::function<void(const KernelChange&)>> watchers;
  SharedKernel kernel;
  fakes::FakeStore ping_store;
  fakes::FakeStore health_store;
  fakes::FakeStore route_store;
  fakes::FakeStore observer;
  fakes::FakeLeases ping_leases;
  fakes::FakeLeases route_leases;
  fakes::FakePacketFilter filter;
  fakes::FakeConnections connections;
  fakes::FakeSockets sockets;
  fakes::FakeClients clients;
  fakes::FakeSysctls sysctls;
  fakes::FakeChangedSettings changed_settings;
  fakes::FakeChains chains;
  fakes::FakeAccounts accounts;
  PingService pingd;
  HealthService healthd;
  RouteService routed;
};

SimulatedGateway::SimulatedGateway(std::vector<SimulatedUplink> uplinks, std::uint64_t seed)
    : begin_(scheduler_.now().mono),
      uplinks_(std::move(uplinks)),
      states_(uplinks_.size(), HealthState::unknown) {
  const auto config = configure(uplinks_);
  host_ = std::make_unique<Host>(scheduler_, uplinks_);
  daemons_ = std::make_unique<Daemons>(scheduler_, *host_, config, seed, [this] { note_carrier(); });
  daemons_->observer.start(
      {daemons_->keys.status_channel()},
      {[] {}, [](const Error&) {}, [this](std::string_view, std::string_view name) { note_health(name); }});
  scheduler_.advance(phase(seed));
  daemons_->healthd.start();
  daemons_->routed.start();
  daemons_->pingd.start();
}

SimulatedGateway::~SimulatedGateway() = default;

Duration SimulatedGateway::now() const {
  return scheduler_.now().mono - begin_;
}

void SimulatedGateway::run_until(Duration end) {
  while (now() < end) {
    scheduler_.advance(std::min(kTidyEvery, end - now()));
    host_->prober.forget_sent();
    host_->kernel.forget_applied();
  }
}

HealthState SimulatedGateway::state(std::size_t uplink) const {
  return states_.at(uplink);
}

std::uint64_t SimulatedGateway::probes(std::size_t uplink) const {
  return host_->probes(uplink);
}

std::uint64_t SimulatedGateway::questions(std::size_t uplink) const {
  return host_->questions(uplink);
}

std::optional<HealthRecord::PerFamily> SimulatedGateway::health(std::string_view name) const {
  const auto fields = as_fields(daemons_->redis.execute({"HGETALL", daemons_->keys.health(name)}));
  const auto record = fields ? HealthRecord::decode(*fields) : fail("");
  return record ? std::optional(record->families.at(Family::v4)) : std::nullopt;
}

double SimulatedGateway::loss(std::size_t uplink) const {
  const auto read = health(device(uplink));
  return read ? read->loss : 0;
}

void SimulatedGateway::note_health(std::string_view name) {
  const auto read = health(name);
  if (!read) return;
  std::size_t uplink = 0;
  while (device(uplink) != name) ++uplink;
  const auto before = std::exchange(states_.at(uplink), read->state);
  if (before != read->state) changes_.push_back({uplink, now(), before, read->state, read->reason});
}

void SimulatedGateway::note_carrier() {
  const auto carrier = host_->kernel.carrier_of({.destination = *IpAddress::parse("198.51.100.1")});
  for (std::size_t i = 0; i < uplinks_.size(); ++i) {
    if (device(i) != carrier || (!switches_.empty() && switches_.back().uplink == i)) continue;
    switches_.push_back({now(), i});
  }
}

}  // namespace multilink::sim
