// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/connection_selection.hpp"

#include <algorithm>
#include <iterator>

namespace multilink {

bool goes_out(const Connection& connection, const InsideNetworks& inside) {
  if (inside.contains(connection.reply.source)) return false;
  const bool translated = connection.reply.destination != connection.original.source;
  return translated || inside.contains(connection.original.source);
}

bool is_local(const Connection& connection, const InsideNetworks& inside) {
  return inside.is_host(connection.original.source);
}

namespace {

/// Of somebody inside. This host's own go by the address that they have chosen at their start.
bool is_ping(const Connection& connection, const InsideNetworks& inside) {
  const bool is_icmp =
      connection.protocol == ip_protocol::kIcmp || connection.protocol == ip_protocol::kIcmpv6;
  return is_icmp && !is_local(connection, inside);
}

bool is_in_scope(const Connection& connection, EvictionScope scope, const InsideNetworks& inside) {
  if (scope == EvictionScope::all || connection.protocol == ip_protocol::kUdp) return true;
  if (is_ping(connection, inside)) return true;
  return scope == EvictionScope::udp_and_opening && connection.tcp_state == TcpState::syn_sent;
}

}  // namespace

std::vector<Connection> connections_to_move(std::span<const Connection> pinned, EvictionScope scope,
                                            const InsideNetworks& inside) {
  std::vector<Connection> out;
  std::copy_if(pinned.begin(), pinned.end(), std::back_inserter(out), [&](const Connection& connection) {
    return is_in_scope(connection, scope, inside) && goes_out(connection, inside);
  });
  return out;
}

std::vector<Connection> never_translated(std::span<const Connection> pinned, const InsideNetworks& inside) {
  std::vector<Connection> out;
  std::copy_if(pinned.begin(), pinned.end(), std::back_inserter(out), [&](const Connection& connection) {
    return !connection.answered && connection.reply.destination == connection.original.source &&
           goes_out(connection, inside) && !is_local(connection, inside);
  });
  return out;
}

std::vector<Connection> translated_astray(std::span<const Connection> pinned, const std::set<IpAddress>& own,
                                          const InsideNetworks& inside) {
  std::vector<Connection> out;
  std::copy_if(pinned.begin(), pinned.end(), std::back_inserter(out), [&](const Connection& connection) {
    const IpAddress& outside = connection.reply.destination;
    return !connection.answered && outside != connection.original.source && inside.is_host(outside) &&
           !own.contains(outside) && goes_out(connection, inside);
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

}  // namespace multilink
