// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/connection_samples.hpp"

#include <cassert>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

std::pair<IpAddress, std::uint16_t> end_of(std::string_view text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {IpAddress::parse(host).value(), parse_number<std::uint16_t>(text.substr(colon + 1)).value()};
}

Route route(std::string_view destination, unsigned link, std::string_view gateway = "") {
  Route out;
  out.table = kMainTable;
  out.destination = IpPrefix::parse(destination).value();
  out.next_hops = {{link, gateway.empty() ? std::nullopt : IpAddress::parse(gateway), 1}};
  return out;
}

}  // namespace

ConnectionTuple tuple(std::string_view source, std::string_view destination) {
  const auto [from, from_port] = end_of(source);
  const auto [to, to_port] = end_of(destination);
  return {from, to, from_port, to_port};
}

Connection connection(std::uint8_t protocol, const ConnectionTuple& original,
                      std::optional<ConnectionTuple> reply, std::uint32_t mark) {
  Connection out;
  out.protocol = protocol;
  out.original = original;
  out.reply = reply.value_or(ConnectionTuple{original.destination, original.source, original.destination_port,
                                             original.source_port});
  out.mark = mark;
  if (protocol == ip_protocol::kTcp) out.tcp_state = TcpState::established;
  return out;
}

Connection tcp(std::string_view source, std::string_view destination, std::uint32_t mark) {
  return connection(ip_protocol::kTcp, tuple(source, destination), std::nullopt, mark);
}

Connection udp(std::string_view source, std::string_view destination, std::uint32_t mark) {
  return connection(ip_protocol::kUdp, tuple(source, destination), std::nullopt, mark);
}

Connection translated(Connection connection, std::string_view as) {
  connection.reply.destination = IpAddress::parse(as).value();
  return connection;
}

KernelState gateway_state() {
  KernelState state;
  for (const auto& [index, name] : {std::pair(1U, "lo"), {2U, "wan1"}, {3U, "wan2"}, {4U, "lan0"}}) {
    auto& link = state.links.emplace_back();
    link.index = index;
    link.name = name;
  }
  const auto add = [&](unsigned link, std::string_view prefix) {
    state.addresses.push_back({link, IpPrefix::parse(prefix).value(), {}, false, true});
    state.routes.push_back(route(IpPrefix::parse(prefix)->network().to_string(), link));
  };
  state.addresses.push_back({1, IpPrefix::parse("127.0.0.1/8").value(), {}, false, true});
  add(2, "192.0.2.2/24");
  add(2, "2001:db8:1::2/64");
  add(3, "198.51.100.2/24");
  add(3, "2001:db8:2::2/64");
  add(4, "10.0.0.1/24");
  add(4, "fd00::1/64");
  state.routes.push_back(route("0.0.0.0/0", 2, "192.0.2.1"));
  state.routes.push_back(route("::/0", 2, "2001:db8:1::1"));
  state.routes.push_back(route("10.20.0.0/16", 4, "10.0.0.9"));
  state.routes.push_back(route("203.0.113.64/26", 2, "192.0.2.9"));
  return state;
}

InsideNetworks gateway_inside() {
  return InsideNetworks(gateway_state(), {2, 3});
}

}  // namespace multilink::fakes
