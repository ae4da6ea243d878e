// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/adapters/netlink_reader.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/kernel_state.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// Changes our own routes and rules exactly as RouteOperation promises, where the kernel's own matching is looser:
/// asked to delete a route it takes the first one whose next hops *begin* alike whatever their weights, and
/// with metric 0 one of any metric; asked to delete a rule it ignores what the request does not name. So a
/// deletion looks first at what the kernel would take.
class NetlinkEditor {
 public:
  /// Both outlive this.
  NetlinkEditor(NetlinkSocket& socket, NetlinkReader& reader) : socket_(socket), reader_(reader) {}

  /// One request, unless the route is there already, but behind others: then it is taken out and put in
  /// front. IPv6 knows no order within a metric: there it replaces one of ours, and fails with EEXIST beside
  /// a foreign one.
  Result<void> prepend(Route route);
  Result<void> replace(Route route);  ///< one request
  /// One request but where another route of ours in front shadows it: then that one is taken out and put, by
  /// a replacement, in the place of this, so that one of the two is in force throughout. Where a foreign route
  /// stands in front of both, the other one comes back at the end of its metric.
  Result<void> remove(Route route);
  Result<void> add(const Rule& rule);
  Result<void> append(const Rule& rule);  ///< also when it is there
  /// EBUSY when the kernel would take another rule of ours, one with the same priority and more selectors.
  Result<void> remove(const Rule& rule);

 private:
  Result<void> prepend_ipv6(const Route& route);
  Result<void> remove_shadowed(const Route& route, const Route& shadow);
  Result<void> send(int type, int flags, const Route& route);
  Result<void> send(int type, int flags, const Rule& rule);

  NetlinkSocket& socket_;
  NetlinkReader& reader_;
};

}  // namespace multilink
