// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/eviction.hpp"
#include "multilink/core/filter_plan.hpp"
#include "multilink/core/inside_networks.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/lost_addresses.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/uplink_facts.hpp"
#include "multilink/core/uplink_index.hpp"
#include "multilink/ports/connections.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/packet_filter.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/services/complaints.hpp"
#include "multilink/services/connection_mover.hpp"

namespace multilink {

/// What flows are kept by. All must outlive the keeper.
struct FlowPorts {
  PacketFilter& filter;
  Connections& connections;
  LocalSockets& sockets;
  ClientNotifier& clients;
};

/// The state of routing as it was read back from the kernel.
struct FlowView {
  const Config& config;
  const KernelState& state;
  const UplinkIndices& indices;
  const std::vector<UplinkFacts>& facts;      ///< one an uplink, in the order of config.uplinks
  const std::vector<HealthByFamily>& health;  ///< likewise
  const CarryingDevices& carriers;
  const DevicesByFamily& giving_way;  ///< RouteDecision::giving_way
  const PolicyUplinks& policies;      ///< the uplink of each
  std::vector<UidRange> tied_users = {};
};

/// Keeps every flow on the uplink it began on, by the packet filter's pins, and takes it away from there when it can
/// no longer live there (EvictionPolicy), by way of the ConnectionMover. Each policy has an EvictionPolicy of its own for
/// the return to a better uplink; who has to leave a dead one is the same for all. Follows the routes: it is told of them when
/// they are in the kernel, and whatever fails here never holds them up. What fails is logged once and tried again.
class FlowKeeper {
 public:
  static constexpr Duration kRetry = std::chrono::seconds(1);
  /// How long the addresses of an uplink hold no packets when UDP of this host was to leave it at a return. A socket may have
  /// taken such an address for its own (WireGuard's sends from where it was last heard), and would come back by
  /// the rule for it. Longer than the 25 s at which tunnels keep themselves alive.
  static constexpr Duration kLetGo = std::chrono::seconds(30);
  /// How long after an uplink has lost an address, or its device, clients of connections that the kernel has forgotten with it are
  /// told. Who says nothing for longer finds out by himself.
  static constexpr Duration kTellOrphans = std::chrono::minutes(2);
  /// How long after an uplink has begun to give way its connections are listed: what is urgent has been done then.
  static constexpr Duration kRemembers = std::chrono::milliseconds(100);
  /// How long the kernel takes to forget, which it does on the side.
  static constexpr Duration kForgets = std::chrono::milliseconds(200);

  struct Calls {
    std::function<void()> look_again;  ///< asks for follow() with what is so then
    std::function<void(const EvictionOrder&, const MovedFlows&)> on_moved;  ///< at least one flow was
  };

  FlowKeeper(Scheduler& scheduler, Log& log, FlowPorts ports, Calls calls);

  /// Before the rules of these go, with the routes and the pins. NAT (masquerade) forgets a connection with the first packet
  /// that leaves by another device, and then nobody could tell its ends: so it is read now whose they are.
  void part_with(const UplinkIndices& departing, std::uint32_t mark_mask);

  /// Before the routes follow a configuration that is new: a flow that they lead to a new uplink, and that no rule translates
  /// there, would never be translated. `view.state` is what there is before.
  void prepare(const FlowView& view);

  /// After each look at the kernel. The first one, at the start, leads the default nowhere yet: the pins are in force
  /// before it moves, so that the first switch cuts nothing.
  void follow(const FlowView& view);

  /// The uplinks (by index) that let go of this host's flows now: see kLetGo.
  IndicesByFamily letting_go() const;

 private:
  void pin_what_is_there(const FlowView& view);
  std::vector<Connection> mark_anew(std::uint32_t before, std::uint32_t after, const UplinkIndices& indices);
  void keep_filter();
  void watch_addresses(const FlowView& view);
  /// Who only listens on a silent uplink would never learn that its address went, too: by then the kernel knows his connection
  /// no more.
  void watch_waiting(const FlowView& view);
  /// What began while the uplink had no address to translate to begins anew.
  void begin_anew_behind(const std::set<IpAddress>& addresses, const AddressOwner& owner,
                         const FlowView& view);
  /// What began while the translation was not there begins anew.
  void begin_anew(const FlowView& view);
  void begin_anew_after_a_switch(const FlowView& view);
  /// Of what is pinned to the uplink (its number), what is selected.
  void remove_pinned(Family family, unsigned uplink,
                     const std::function<std::vector<Connection>(std::span<const Connection>)>& select);
  void remove_untranslated(const FlowView& view,
                           const std::function<bool(const FilteredUplink&, Family)>& is_meant);
  std::shared_ptr<const ConnectionMover::Surroundings> surroundings(const FlowView& view) const;
  void evict(const FlowView& view);
  /// Adds what the choice of this name asks for; `subjects` as it sees them.
  void step(const std::string& choice, Family family, std::span<const EvictionSubject> subjects,
            std::vector<EvictionOrder>& orders);
  static std::set<unsigned> links_of(const FlowView& view);
  Result<void> reset(std::span<const ConnectionTuple> connections);
  void on_done(const EvictionOrder& order, const Result<MovedFlows>& moved);
  void let_go(EvictionOrder order);
  void look_in(Duration delay);

  Scheduler& scheduler_;
  FlowPorts ports_;
  Calls calls_;
  Complaints complaints_;
  std::map<std::string, EvictionPolicy>
      evictions_;  ///< by the name of the choice: a policy's, or "" for the main one
  ConnectionMover mover_;
  PacketFilterTable wanted_;
  bool has_begun_ = false;
  std::optional<PacketFilterTable> in_force_;  ///< none: something else may be
  unsigned looks_for_untranslated_ = 0;        ///< that are still to come
  CarryingDevices carriers_;
  std::vector<MonoTime> looks_at_carriers_;  ///< when to, for what is untranslated; the next one is the last
  FormerAddresses former_;
  LostAddresses lost_;
  struct Waiting {
    std::optional<MonoTime> due;  ///< they are listed then
    std::vector<Connection> connections;
    std::optional<MonoTime> lost;  ///< since then an address is gone
  };
  std::map<AddressOwner, Waiting> waiting_;  ///< TCP that has stayed on an uplink that gives way
  std::map<std::pair<Family, unsigned>, std::vector<Connection>> parted_;  ///< until their order is given
  std::map<Family, std::map<unsigned, MonoTime>> letting_go_;              ///< until when
  std::vector<EvictionOrder> repeated_;  ///< once the addresses hold nothing
  std::unique_ptr<Timer> timer_;
  MonoTime due_;
};

}  // namespace multilink
