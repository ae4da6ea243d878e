// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/unpinned_flows.hpp"

#include <cstddef>
#include <set>

#include "multilink/core/connection_selection.hpp"
#include "multilink/core/route_lookup.hpp"

namespace multilink {
namespace {

/// Rules and routes looked at, all in all.
constexpr std::size_t kMostLookedAt = 20'000'000;

Flow packet_of(const Connection& connection, const KernelState& state, const InsideNetworks& inside) {
  Flow out{connection.reply.source, connection.original.source};
  const Link* link = state.link_at(inside.link_towards(connection.original.source));
  if (link != nullptr) out.iif = link->name;
  out.ip_protocol = connection.protocol;
  out.source_port = connection.original.source_port;
  out.destination_port = connection.reply.source_port;
  return out;
}

}  // namespace

std::map<unsigned, std::vector<Connection>> unpinned_flows(std::span<const Connection> unmarked,
                                                           const KernelState& state,
                                                           const std::map<unsigned, unsigned>& uplinks,
                                                           const InsideNetworks& inside) {
  std::set<IpAddress> told;
  for (const auto& own : state.addresses) {
    if (uplinks.contains(own.link_index)) told.insert(own.prefix.address);
  }
  std::map<unsigned, std::vector<Connection>> out;
  const std::size_t each = state.routes.size() + state.rules.size() + 1;
  std::size_t left = kMostLookedAt / each;
  for (const auto& connection : unmarked) {
    if (!connection.answered || !goes_out(connection, inside) || told.contains(connection.reply.destination))
      continue;
    if (left-- == 0) break;
    const auto answer = look_up_route(state, packet_of(connection, state, inside));
    if (answer.end != LookupEnd::carried || !answer.hop) continue;
    const auto uplink = uplinks.find(answer.hop->link_index);
    if (uplink != uplinks.end()) out[uplink->second].push_back(connection);
  }
  return out;
}

}  // namespace multilink
