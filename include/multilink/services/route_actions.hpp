// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/dhcp_lease.hpp"
#include "multilink/core/parent_seats.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/kernel.hpp"
#include "multilink/ports/log.hpp"
#include "multilink/ports/packet_filter.hpp"
#include "multilink/ports/scheduler.hpp"
#include "multilink/ports/store.hpp"
#include "multilink/services/health_reader.hpp"

namespace multilink {

/// What `routed --plan` and `routed --clear` do, instead of running.

/// Starts `store` and reads the health of all uplinks once. Calls `done` from the loop, once: after `patience` at
/// the latest, with what is known by then.
class HealthSnapshot {
 public:
  HealthSnapshot(Scheduler& scheduler, Store& store, Log& log, const Config& config, Duration patience,
                 std::function<void(const HealthRecords&)> done);

 private:
  void finish(const HealthRecords& records);

  Store& store_;
  RedisKeys keys_;
  Complaints complaints_;
  std::vector<std::string> names_;
  std::function<void(const HealthRecords&)> done_;
  std::unique_ptr<Timer> deadline_;
};

inline constexpr std::string_view kNothingToChange = "nothing to change";

/// What routed would change now, in the words of iproute2, one line an operation; or the line "nothing to change".
/// Uplinks whose health is not known come first, as comments. Where the host has no table of multilink's in nftables,
/// the whole of it is shown, as nft reads it; where it has one, nothing: routed keeps it right all the time. `boot` is the
/// kernel's boot id; `leases` are those in force.
Result<std::vector<std::string>> preview_routes(KernelReader& kernel, PacketFilter& filter,
                                                const Config& config, const std::vector<DhcpLease>& leases,
                                                const HealthRecords& health, std::string_view boot,
                                                const RoutingNumbers& numbers,
                                                const ParentUsers& parents = {});

/// Removes every route and rule of multilink and its nftables table, also what a crash or another configuration left, and nothing else:
/// the host is as before, with its own defaults. Gives the lines of what was removed. An Error names the first
/// that could not be; the rest is removed all the same.
Result<std::vector<std::string>> clear_routes(Kernel& kernel, PacketFilter& filter,
                                              const RoutingNumbers& numbers);

}  // namespace multilink
