// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_reader.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <iterator>
#include <utility>

#include "multilink/adapters/netlink_attributes.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr int kMostAttempts = 10;

unsigned char af_of(Family family) {
  return family == Family::v4 ? AF_INET : AF_INET6;
}

template <class Value>
void append(std::vector<Value>& to, std::vector<Value>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

NetlinkReader::NetlinkReader(NetlinkSocket& socket, Log& log, RoutingNumbers numbers)
    : socket_(socket), log_(log), numbers_(numbers) {}

Parsed NetlinkReader::parse(const nlmsghdr& message, KernelState& state) {
  return note(parse_message(message, numbers_, state), message);
}

Parsed NetlinkReader::note(Parsed result, const nlmsghdr& message) {
  // Powers of two: the first is told at once, a flood does not fill the log.
  if (result == Parsed::malformed && std::has_single_bit(++malformed_)) {
    log_.warning(cat("netlink: skipped a malformed message of type ", message.nlmsg_type, "; ", malformed_,
                     " so far: the kernel speaks a newer dialect, or is broken"));
  }
  return result;
}

Result<void> NetlinkReader::dump(const Request& request, unsigned char af, KernelState& state,
                                 const IpAddress* destination) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto message = request();
    if (!message) return tl::unexpected<Error>(message.error());
    KernelState part;
    const auto complete = socket_.dump(std::move(*message), [&](const nlmsghdr& each) {
      // A kernel without a family answers with those it has.
      const auto payload = payload_of(each);
      if (payload.empty() || std::to_integer<unsigned char>(payload.front()) != af) return;
      if (destination == nullptr) {
        parse(each, part);
      } else {
        note(parse_message_about(each, *destination, numbers_, part), each);
      }
    });
    if (!complete) {
      // Without the family, or without the table, there is nothing in it.
      const int code = complete.error().code;
      if (code == EAFNOSUPPORT || code == EOPNOTSUPP || code == ENOENT) return {};
      return tl::unexpected<Error>(complete.error());
    }
    if (!*complete) continue;
    append(state.links, part.links);
    append(state.addresses, part.addresses);
    append(state.routes, part.routes);
    append(state.rules, part.rules);
    return {};
  }
  return fail(cat("the state changed during each of ", kMostAttempts, " dumps"), EAGAIN);
}

Result<KernelState> NetlinkReader::everything() {
  return everything(nullptr);
}

Result<KernelState> NetlinkReader::everything_about(const IpAddress& destination) {
  return everything(&destination);
}

Result<KernelState> NetlinkReader::everything(const IpAddress* destination) {
  KernelState state;
  auto done = dump(link_dump_request, AF_UNSPEC, state);
  for (const Family family : kFamilies) {
    const auto af = af_of(family);
    if (done) done = dump([&] { return address_dump_request(family); }, af, state);
    if (done) done = dump([&] { return route_dump_request(family, 0, 0); }, af, state, destination);
    if (done) done = dump([&] { return rule_dump_request(family); }, af, state);
  }
  if (!done)
    return fail(cat("netlink: reading the kernel's state: ", done.error().message), done.error().code);
  return state;
}

Result<std::vector<Route>> NetlinkReader::routes_to(const IpPrefix& destination, std::uint32_t table) {
  return routes_to(destination, table, 0);
}

Result<std::vector<Route>> NetlinkReader::owned_routes_to(const IpPrefix& destination, std::uint32_t table) {
  return routes_to(destination, table, numbers_.protocol);
}

Result<std::vector<Route>> NetlinkReader::routes_to(const IpPrefix& destination, std::uint32_t table,
                                                    std::uint8_t protocol) {
  const Family family = destination.address.family();
  KernelState state;
  const auto done = dump([&] { return route_dump_request(family, table, protocol); }, af_of(family), state);
  if (!done) return tl::unexpected<Error>(done.error());
  // An older kernel looks neither at the request's table nor at its protocol.
  std::erase_if(state.routes, [&](const Route& route) {
    return route.table != table || route.destination != destination ||
           (protocol != 0 && route.protocol != protocol);
  });
  return std::move(state.routes);
}

Result<std::vector<Rule>> NetlinkReader::rules(Family family) {
  KernelState state;
  const auto done = dump([&] { return rule_dump_request(family); }, af_of(family), state);
  if (!done) return tl::unexpected<Error>(done.error());
  return std::move(state.rules);
}

}  // namespace multilink
