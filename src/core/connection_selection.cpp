// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/connection_selection.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace multilink {
namespace {

/// The one uplink that `fits`; none if there are several.
template <class Fits>
std::optional<unsigned> only_one(std::span<const AdoptingUplink> uplinks, Fits fits) {
  std::optional<unsigned> found;
  for (const auto& uplink : uplinks) {
    if (!std::any_of(uplink.addresses.begin(), uplink.addresses.end(), fits)) continue;
    if (found) return std::nullopt;
    found = uplink.index;
  }
  return found;
}

bool is_any_address(const IpAddress& address, std::span<const AdoptingUplink> uplinks) {
  return std::any_of(uplinks.begin(), uplinks.end(), [&](const AdoptingUplink& uplink) {
    return std::any_of(uplink.addresses.begin(), uplink.addresses.end(),
                       [&](const IpPrefix& own) { return own.address == address; });
  });
}

std::optional<unsigned> uplink_of(const IpAddress& address, std::span<const AdoptingUplink> uplinks) {
  if (is_any_address(address, uplinks)) {
    return only_one(uplinks, [&](const IpPrefix& own) { return own.address == address; });
  }
  return only_one(uplinks, [&](const IpPrefix& own) { return own.contains(address); });
}

}  // namespace

bool goes_out(const Connection& connection, const InsideNetworks& inside) {
  if (inside.contains(connection.reply.source)) return false;
  const bool translated = connection.reply.destination != connection.original.source;
  return translated || inside.contains(connection.original.source);
}

bool is_local(const Connection& connection, const InsideNetworks& inside) {
  return inside.is_host(connection.original.source);
}

std::vector<Connection> connections_to_move(std::span<const Connection> pinned, EvictionScope scope,
                                            const InsideNetworks& inside) {
  std::vector<Connection> out;
  std::copy_if(pinned.begin(), pinned.end(), std::back_inserter(out), [&](const Connection& connection) {
    return (scope == EvictionScope::all || connection.protocol == ip_protocol::kUdp) &&
           goes_out(connection, inside);
  });
  return out;
}

bool must_be_told(const Connection& connection) {
  if (connection.protocol != ip_protocol::kTcp) return false;
  switch (connection.tcp_state.value_or(TcpState::none)) {
    case TcpState::syn_received:
    case TcpState::established:
    case TcpState::fin_wait:
    case TcpState::close_wait:
    case TcpState::last_ack:
      return true;
    case TcpState::none:
    case TcpState::syn_sent:
    case TcpState::time_wait:
    case TcpState::close:
    case TcpState::syn_sent_both:
      break;
  }
  return false;
}

std::map<unsigned, std::vector<Connection>> connections_to_adopt(std::span<const Connection> connections,
                                                                 std::span<const AdoptingUplink> uplinks,
                                                                 const InsideNetworks& inside,
                                                                 std::uint32_t mask) {
  std::map<unsigned, std::vector<Connection>> out;
  for (const auto& connection : connections) {
    if ((connection.mark & mask) != 0) continue;
    std::optional<unsigned> index;
    if (goes_out(connection, inside)) {
      index = uplink_of(connection.reply.destination, uplinks);
    } else if (!inside.contains(connection.original.source)) {
      index = uplink_of(connection.original.destination, uplinks);
    }
    if (index) out[*index].push_back(connection);
  }
  return out;
}

}  // namespace multilink
