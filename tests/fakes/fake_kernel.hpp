// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/result.hpp"
#include "multilink/core/route_lookup.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/kernel.hpp"
#include "multilink/ports/scheduler.hpp"

namespace multilink::fakes {

using multilink::Flow;

/// How a route gets into the table, in the words of iproute2.
enum class AddMode : std::uint8_t { add, append, prepend, replace };

/// An in-memory kernel that behaves as Linux does wherever multilink depends on it. The contract suite runs
/// on it and on the real one alike. Besides the port it offers what the rest of the world may do (devices,
/// DHCP clients, administrators), failures at will, and lookup(): which device would carry a packet.
class FakeKernel final : public Kernel {
 public:
  /// Starts with the three rules of every Linux (0 local, 32766 main, 32767 default), no links. read() leaves
  /// out what NetlinkKernel leaves out: for that it must know which routes are ours.
  explicit FakeKernel(Scheduler& scheduler, RoutingNumbers numbers = {});

  Result<KernelState> read() override;
  void watch(std::function<void(const KernelChange&)> on_change) override;
  Result<void> apply(const RouteOperation& operation) override;

  /// A device that is up and has carrier. Gives its index.
  unsigned add_link(std::string_view name, bool point_to_point = false);
  void remove_link(std::string_view name);  ///< with its addresses and routes, as when it is unplugged
  void set_admin_up(std::string_view name, bool up);  ///< down: its routes go and do not come back
  void set_carrier(std::string_view name, bool on);   ///< routes stay
  /// With the connected route in `main` and the local one. `prefix` has host bits.
  void add_address(std::string_view name, std::string_view prefix,
                   std::optional<std::string_view> peer = std::nullopt);
  void deprecate_address(std::string_view name, std::string_view prefix);
  /// The kernel's own doing at a router advertisement (RFC 4861): a default with kRouterMetric, beside those that
  /// have this metric already; none with lifetime 0. `attributes` are what it made of hop limit and MTU.
  void advertise_router(std::string_view name, std::string_view gateway, unsigned lifetime,
                        const std::string& attributes = "");
  static constexpr std::uint8_t kProtocolRouterAdvertisement = 9;
  static constexpr std::uint32_t kRouterMetric = 1024;
  /// The last address of a family takes all routes of the device with it (IPv4).
  void remove_address(std::string_view name, std::string_view prefix);
  /// What others do with `ip route`. EEXIST as the kernel: `add` never goes beside the same destination and
  /// metric, append and prepend beside all but an identical route.
  Result<void> add_route(Route route, AddMode mode = AddMode::add);
  Result<void> delete_route(const Route& route);  ///< ESRCH when it is not there
  Result<void> add_rule(const Rule& rule);        ///< EEXIST when an equal one is there
  /// Without a priority: the kernel puts it right before the second rule of its family.
  Result<void> add_rule_before_all(Rule rule);
  /// ENOENT when it is not there; EBUSY when one with more selectors and the same priority is before it.
  Result<void> delete_rule(const Rule& rule);

  /// The next `times` calls of apply() fail with this errno and change nothing.
  void fail_applies(int code, unsigned times = 1);
  void fail_reads(int code, unsigned times = 1);
  /// Pending and new notifications are lost; the next delivery says overrun.
  void lose_notifications();

  /// The next hop a packet takes: look_up_route() over this state. Errors: ENETUNREACH (no route), EHOSTUNREACH (unreachable), EINVAL (blackhole),
  /// EACCES (prohibit).
  Result<NextHop> lookup(const Flow& flow) const;
  Result<Route> lookup_route(const Flow& flow) const;  ///< the route that decides, with all its hops
  /// The name of the device that carries it; empty when none does.
  std::string carrier_of(const Flow& flow) const;

  const KernelState& everything() const { return state_; }  ///< what read() leaves out, too
  const Link& link(std::string_view name) const;            ///< asserts that it exists
  /// Every operation that apply() was asked for, in order, failed ones too.
  const std::vector<RouteOperation>& applied() const { return applied_; }
  void forget_applied() { applied_.clear(); }
  unsigned reads() const { return reads_; }

 private:
  Link& find(std::string_view name);
  bool is_alive(const NextHop& hop) const;
  bool is_dead(const Route& route) const;
  Result<void> check_next_hops(const Route& route) const;
  Result<void> carry_out(const RouteOperation& operation);
  Result<void> append_rule(const Rule& rule);
  Result<void> prepend(const Route& route);
  Result<void> insert(Route route, AddMode mode);
  void insert_connected(const Link& link, const LinkAddress& address);
  void remove_routes(const std::function<bool(const Route&)>& which);
  bool is_on_link(const IpAddress& gateway, const Link& link, std::uint32_t table) const;
  void note(const KernelChange& change);

  Scheduler& scheduler_;
  RoutingNumbers numbers_;
  std::function<void(const KernelChange&)> on_change_;
  KernelState state_;  ///< with table local
  KernelChange pending_;
  bool delivery_posted_ = false;
  std::set<unsigned> unplugged_;  ///< links without carrier, whether up or not
  unsigned next_index_ = 2;
  std::vector<RouteOperation> applied_;
  unsigned reads_ = 0;
  int apply_error_ = 0, read_error_ = 0;
  unsigned failing_applies_ = 0, failing_reads_ = 0;
};

}  // namespace multilink::fakes
