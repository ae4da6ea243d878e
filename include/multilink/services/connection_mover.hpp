// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/connection.hpp"
#include "multilink/core/eviction.hpp"
#include "multilink/core/inside_networks.hpp"
#include "multilink/core/policy_flows.hpp"
#include "multilink/core/result.hpp"
#include "multilink/ports/connections.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/services/complaints.hpp"

namespace multilink {

/// What one order has moved.
struct MovedFlows {
  std::size_t tcp_forwarded = 0;  ///< cut, and their ends told
  std::size_t tcp_local = 0;      ///< cut, of this host
  std::size_t udp = 0;
  std::size_t udp_local = 0;  ///< of these, this host's own
  std::size_t other = 0;      ///< other protocols, and TCP that was over or had only begun
  Duration took{};            ///< from the order to the last one

  std::size_t total() const { return tcp_forwarded + tcp_local + udp + other; }
  bool operator==(const MovedFlows&) const = default;
};

/// "12 TCP (3 of this host), 40 UDP and 2 other flows".
std::string to_string(const MovedFlows& moved);

/// All must outlive the mover.
struct MoverPorts {
  Scheduler& scheduler;
  Connections& connections;
  LocalSockets& sockets;
  ClientNotifier& clients;
  Log& log;
};

/// Carries out the orders of the eviction policy, one after another, kSlice connections in a turn of the loop, so that a
/// change of a link is never waited for by more than some milliseconds. In this order for each slice: what answers with resets
/// is told of the forwarded TCP connections; the entries are removed; this host's own sockets are destroyed; the LAN
/// clients are told. What fails is logged once, with the remedy; it holds up the rest only where nothing is moved without it.
class ConnectionMover {
 public:
  static constexpr std::size_t kSlice = 2000;

  /// From now on, and for as long as a client may still send on it, every packet of these TCP connections (original
  /// direction, as the LAN client sends them) but a SYN is answered with a reset and not forwarded.
  using Reset = std::function<Result<void>(std::span<const ConnectionTuple>)>;
  /// The order has been carried out, or not at all or in part (Error): EvictionPolicy::failed() brings it again.
  using Done = std::function<void(const EvictionOrder&, const Result<MovedFlows>&)>;

  ConnectionMover(MoverPorts ports, Reset reset, Done done);
  ConnectionMover(const ConnectionMover&) = delete;
  ConnectionMover& operator=(const ConnectionMover&) = delete;

  /// What tells whose a connection is.
  struct Surroundings {
    std::uint32_t mark_mask = 0;  ///< the configuration's
    InsideNetworks inside;
    PolicyFlows policies;
    std::vector<UidRange> tied_users = {};
  };

  /// Begins in the next turn of the loop. `parted`: connections that were the uplink's a moment ago, and which the kernel
  /// may have forgotten since.
  void carry_out(EvictionOrder order, std::shared_ptr<const Surroundings> around,
                 std::vector<Connection> parted = {});

  /// About those alone of `earlier` that the kernel has forgotten since: their ends are told, all others stay.
  void tell_forgotten(EvictionOrder order, std::shared_ptr<const Surroundings> around,
                      std::vector<Connection> earlier);

 private:
  struct Job {
    EvictionOrder order;
    std::shared_ptr<const Surroundings> around;
    MonoTime begun;
    std::vector<Connection> parted = {};
    bool only_forgotten = false;  ///< of these
    bool listed = false;
    std::vector<Connection> left = {};  ///< to be moved, the next ones last
    MovedFlows moved = {};
  };

  void run_soon();
  void run_next();
  Result<void> list(Job& job);
  Result<std::vector<Connection>> list_pinned(const Job& job);
  Result<std::vector<Connection>> list_forgotten(const Job& job);
  Result<void> move_slice(Job& job);
  void finish(const Result<void>& outcome);
  template <class Value>
  void note(std::string_view subject, const Result<Value>& outcome);

  MoverPorts ports_;
  Reset reset_;
  Done done_;
  Complaints complaints_;
  std::deque<Job> jobs_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< of calls that are posted
};

}  // namespace multilink
