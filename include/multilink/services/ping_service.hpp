// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/due_times.hpp"
#include "multilink/core/gateway_grace.hpp"
#include "multilink/core/gateway_memory.hpp"
#include "multilink/core/probe_pace.hpp"
#include "multilink/core/rate_limit.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/uplink_probing.hpp"
#include "multilink/ports/kernel.hpp"
#include "multilink/ports/leases.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/prober.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/ports/supervisor.hpp"
#include "multilink/ports/traffic_counters.hpp"
#include "multilink/services/heartbeat.hpp"
#include "multilink/services/probe_reporter.hpp"
#include "multilink/services/service.hpp"
#include "multilink/services/traffic_watch.hpp"

namespace multilink {

/// What pingd stands on. All must outlive the service.
struct PingPorts {
  Scheduler& scheduler;
  KernelReader& kernel;
  Leases& leases;
  Prober& prober;
  TrafficCounters& counters;
  Store& store;
  Supervisor& supervisor;
  Log& log;
};

/// pingd: asks through every uplink whether anybody answers, and reports that and the link facts. Judges
/// nothing.
///
/// Uplinks of the same probe_interval share a tick: one call of Prober::send for all of them. The pause to the next
/// tick is random about the interval (pause_to_next_probe). An uplink is
/// probed for a family while its facts are in order. Beyond that, an uplink is probed in a burst while it is in
/// question whether its link is dead (Inquiry): after a miss, or when users' traffic falls silent (TrafficWatch). Works without Redis (ProbeReporter keeps what it sees).
///
/// A probe that this host itself refuses to send has not been on the link, so it is neither an answer nor a
/// loss, whatever the errno: EPERM (a firewall), ENETUNREACH (the device was just set down), ENODEV (it is
/// gone), EAGAIN (a full queue), for IPv6 also what routing forbids. It is logged once, with the remedy, and
/// again when it is over. If it lasts, reports stop coming and healthd says `unknown`: true, since nothing is
/// known, and harmless, since `unknown` takes no route away. A loss would condemn a good link for a mistake in
/// this host's firewall.
/// Where IPv4 routing forbids it, the kernel does not refuse: it looks for the target on the link itself and
/// then says "host unreachable". That is a loss like any other; traffic pinned to the uplink fares no better.
class PingService final : public Service {
 public:
  /// So long a DHCP client may take from the address to the gateway before the log says that none is known.
  static constexpr Duration kGatewayPatience = std::chrono::seconds(5);
  /// 64 random bits that nobody can predict: what keeps strangers from answering our probes.
  using Random = std::function<std::uint64_t()>;
  /// How long the pause between two regular probes is, of the interval and 64 random bits.
  using Pace = std::function<Duration(Duration, std::uint64_t)>;

  /// `boot` is the kernel's boot id as records carry it; of `self`, pid and version are taken.
  PingService(PingPorts ports, Config config, std::string boot, DaemonRecord self, Random random,
              RoutingNumbers numbers = {}, Pace pace = pause_to_next_probe);

  void start() override;
  /// An uplink of the same name, device and MAC keeps what is pending and what was learned.
  void reload(const Config& config) override;
  void stop() override;

 private:
  struct Uplink {
    UplinkProbing probing;
    std::optional<LinkRecord> link = std::nullopt;
    std::set<Family> untargeted = {};     ///< what was warned of
    std::map<Family, int> refusals = {};  ///< the errno that was logged last; absent: probes leave
    std::map<Family, std::unique_ptr<Timer>> gateway_waits = {};  ///< while no gateway is known
  };
  struct Tick {
    MonoTime next;
    std::unique_ptr<Timer> timer;
  };
  struct Turn {  ///< whom to probe
    enum class Why : std::uint8_t { regular, burst, revisit };
    Uplink* uplink;
    Family family;
    Why why;
  };
  struct Round {  ///< one probe of a call of Prober::send
    Uplink* uplink;
    PreparedProbe probe;
  };

  void apply_config();
  std::uint16_t free_identifier() const;
  void update_ticks();
  void tick(Duration interval);
  bool listen();
  void probe(std::span<const Turn> turns);
  std::optional<PreparedProbe> prepare(const Turn& turn, MonoTime now);
  void on_settled(const std::string& name, Uplink& uplink, const SettledProbe& settled);
  /// After anything that may have changed when the uplink is to be asked or answered.
  void note_times(const std::string& name, const Uplink& uplink);
  void note_all_times();
  void schedule_bursts();
  void burst();
  void note_refusal(Uplink& uplink, const IpAddress& target, const Result<MonoTime>& sent);
  void schedule_deadlines();
  void settle_overdue();

  void on_arrivals(std::span<const ArrivedMessage> arrivals);
  Result<void> take(const ArrivedMessage& arrival);

  void on_kernel_change(const KernelChange& change);
  void read_kernel();
  void observe(const KernelState& state);
  void watch_traffic();
  void on_kernel_problem(const Error& error);
  void note_facts(Uplink& uplink, UplinkFacts facts);
  void warn_of_missing_targets(Uplink& uplink, const LinkRecord& link);
  void await_gateway(Uplink& uplink, Family family, LinkFact fact);
  void report_change(const Uplink& uplink, Family family, const LinkRecord::PerFamily* before,
                     const LinkRecord::PerFamily& after);
  void show_status();

  PingPorts ports_;
  Config config_;
  std::string boot_;
  Random random_;
  Pace pace_;
  RoutingNumbers numbers_;
  ProbeReporter reporter_;
  Heartbeat heartbeat_;

  std::map<std::string, std::unique_ptr<Uplink>> uplinks_;  ///< by name
  std::map<std::uint16_t, Uplink*> by_identifier_;
  std::uint16_t first_id_;
  std::optional<ProbeIdentity> identity_;  ///< what the prober listens to; none: it refused
  std::string listen_problem_;
  std::map<Duration, Tick> ticks_;  ///< by interval
  TrafficWatch traffic_;
  DueTimes<std::string> bursts_;  ///< by uplink, like the next
  DueTimes<std::string> deadlines_;
  std::optional<MonoTime> burst_at_;
  std::unique_ptr<Timer> burst_timer_;
  std::optional<MonoTime> deadline_;
  std::unique_ptr<Timer> deadline_timer_;
  RateLimit foreign_messages_{std::chrono::seconds(10)};

  GatewayMemory gateway_memory_;
  GatewayGrace gateways_;
  std::unique_ptr<Timer> gateway_timer_;  ///< when one of them is believed in no longer
  bool kernel_read_ = false;
  std::string kernel_problem_;
  std::unique_ptr<Timer> kernel_pause_;  ///< running: something has changed
  std::unique_ptr<Timer> kernel_retry_;
  std::string status_;
};

}  // namespace multilink
