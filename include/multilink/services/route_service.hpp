// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/failback_hold.hpp"
#include "multilink/core/gateway_grace.hpp"
#include "multilink/core/gateway_memory.hpp"
#include "multilink/core/health_belief.hpp"
#include "multilink/core/rate_limit.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/repair_guard.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/core/switch_reason.hpp"
#include "multilink/ports/kernel.hpp"
#include "multilink/ports/leases.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/parent_accounts.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/ports/supervisor.hpp"
#include "multilink/services/drill_keeper.hpp"
#include "multilink/services/flow_keeper.hpp"
#include "multilink/services/health_reader.hpp"
#include "multilink/services/heartbeat.hpp"
#include "multilink/services/host_watch.hpp"
#include "multilink/services/routing_reporter.hpp"
#include "multilink/services/service.hpp"

namespace multilink {

/// What routed stands on. All must outlive the service.
struct RoutePorts {
  Scheduler& scheduler;
  Kernel& kernel;
  Leases& leases;
  Store& store;
  Supervisor& supervisor;
  Log& log;
  FlowPorts flows;
  HostPorts host;
  ParentAccounts& parents;
};

/// routed: keeps in the kernel what the configuration, the health of the uplinks and the state of the links want.
///
/// Every cause leads to the same step: read the kernel, work out what should be owned, apply the difference, read
/// back, say what is. (A word of healthd is acted upon at once, on the kernel as it was last read; what that overlooks is
/// put right by the next step, which its own notifications bring about.) Causes are a change in the kernel (of ours, by
/// others: put back at once), a DHCP lease, a word of healthd
/// (HealthReader), a new configuration, and a retry after a failure. Own changes come back as notifications, too:
/// then the difference is empty.
///
/// Without Redis the last health counts and the kernel is still followed; records that are missing or garbage
/// change nothing. At the start, what an earlier run left is adopted: the difference leaves it alone. A stop
/// leaves the kernel as it is.
///
/// An operation that fails does not hold up the others, but for the removal of what it was to supersede. It is
/// tried again with each change of the kernel and after kFirstRetry, twice that, up to kLastRetry.
class RouteService final : public Service {
 public:
  static constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
  static constexpr Duration kLastRetry = std::chrono::seconds(5);

  /// `boot` is the kernel's boot id as records carry it; of `self`, pid and version are taken.
  RouteService(RoutePorts ports, Config config, std::string boot, DaemonRecord self,
               RoutingNumbers numbers = {});

  void start() override;
  void reload(const Config& config) override;
  void stop() override;

 private:
  using Actives = std::vector<RoutingRecord::Active>;
  struct Step {  ///< one look at the kernel and what follows from it
    Now noticed;
    bool configured = false;  ///< the cause is a new configuration
    KernelState before = {};
    std::vector<UplinkFacts> facts = {};
    RouteDecision decision = {};
    bool from_memory = false;             ///< `before` is older than the cause
    std::map<Family, MonoTime> led = {};  ///< when the kernel had taken the last default that was made
    std::vector<const RouteOperation*> failed = {};
    std::string problem = {};  ///< the first failure
  };

  void look_up_parents();
  void hear(const HealthRecords& records, const Now& noticed);
  /// The administrator's order for the uplink, as healthd tells it.
  AdminMode order_of(const UplinkConfig& uplink) const;
  /// Makes of the configuration in the file what it is under the orders.
  void obey_orders();
  /// The families in which the uplink, though not up, answers.
  std::set<Family> answers_of(const UplinkConfig& uplink) const;
  void act_on_memory(const Now& noticed);
  void reconcile(const Now& noticed, bool configured = false);
  void bring_in_line(Step step);
  void observe(Step& step);
  void remember(KernelState state);
  void adopt_carriers(const Step& step);
  /// What becomes of the policies in this state of the kernel is remembered.
  void see_policies(const KernelState& state, const Step& step);
  void see_facts(const Step& step);
  std::vector<HealthByFamily> believed_health() const;
  RouteDecision decide(const Step& step) const;
  bool moves_back(const Step& step) const;
  bool may_repair(const Step& step, const std::vector<RouteOperation>& operations);
  /// What failed is told by step.problem.
  void apply(std::span<const RouteOperation> operations, Step& step);
  void settle(const Step& step, const KernelState& after);
  void note_problem(const std::string& problem);
  void note_warnings();
  void note_actives(Family family, const Step& step, Actives actives, RoutingRecord& record);
  void note_policies(Family family, const Step& step, const KernelState& after, RoutingRecord& record);
  /// The uplink by which each policy's traffic goes in this state of the kernel, as the record has it.
  std::map<std::string, std::string> policies_in(const KernelState& state, Family family,
                                                 const Step& step) const;
  EventRecord make_event(Family family, const Step& step, const Actives& from, const Actives& to) const;
  std::vector<SwitchParty> parties(Family family, const Step& step, const Actives& from,
                                   const Actives& to) const;
  void warn_of_withdrawal(Family family, const Step& step) const;
  void keep_flows(const Step& step, const KernelState& after);
  FlowView flow_view(const Step& step, const KernelState& state,
                     const std::vector<HealthByFamily>& health) const;
  void note_moved(const EvictionOrder& order, const MovedFlows& moved);
  /// What a drill may need to know of the uplinks, as the kernel has them now.
  std::vector<DrillUplink> drill_uplinks(const Step& step, const KernelState& after) const;
  void note_drill_event(EventRecord event);
  void note_drill();
  void retry_in(Duration delay);
  void show_status();

  RoutePorts ports_;
  Config configured_;    ///< as the file has it
  Config config_;        ///< under the administrator's orders
  ParentUsers parents_;  ///< of the configuration in force
  std::string boot_;
  RoutingNumbers numbers_;
  HealthReader reader_;
  RoutingReporter reporter_;
  Heartbeat heartbeat_;
  FlowKeeper flows_;
  DrillKeeper drills_;

  std::optional<KernelState>
      seen_;  ///< the kernel when it was read last; none where that was too much to keep
  UplinkIndices indices_;
  GatewayMemory gateway_memory_;
  GatewayGrace gateways_;
  std::unique_ptr<Timer> gateway_timer_;  ///< when one of them is believed in no longer
  CarryingDevices carried_;
  FailbackHold hold_;
  PolicyMemory policies_;
  std::map<std::string, FailbackHold> policy_holds_;               ///< by the policy's name
  PolicyUplinks decided_policies_;                                 ///< by the last decision that was applied
  CarryingDevices decided_;                                        ///< by the last decision that was applied
  std::optional<DevicesByFamily> gave_way_;                        ///< by it likewise
  std::map<std::string, std::map<Family, HealthBelief>> beliefs_;  ///< by device as configured
  HealthRecords health_;                                           ///< by name, the last that was understood

  /// Whose health has changed by an event that was heard since the kernel last was in line. (A switch long after a
  /// verdict, or at our own start, has another cause than that.)
  std::set<std::pair<std::string, Family>> news_;
  std::set<std::string> undrained_;  ///< whose drain has ended since then

  HostWatch host_;
  std::vector<std::string> decided_warnings_;  ///< by the last decision
  std::vector<std::string> warnings_;          ///< all in force, and logged
  std::string problem_;                        ///< the last one that was logged; empty: in sync
  Duration retry_delay_ = kFirstRetry;
  std::unique_ptr<Timer> retry_timer_;
  RepairGuard guard_;
  RateLimit repair_log_{std::chrono::seconds(1)};
  bool adopted_ = false;  ///< the kernel was read once
  std::string status_;
};

}  // namespace multilink
