// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_connections.hpp"

#include <linux/netlink.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "multilink/adapters/conntrack_message.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// Beyond that what was read has to do: a busy table never stands still, and whoever needs all of it asks again.
constexpr int kMostAttempts = 3;

/// The connection has gone, another one has its place, or it is forwarded by hardware just now.
bool is_gone(int code) {
  return code == ENOENT || code == ESTALE || code == EBUSY;
}

std::string_view remedy_for(int code) {
  switch (code) {
    case EINVAL:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
      return "; the kernel needs its module nf_conntrack_netlink: try 'modprobe nf_conntrack_netlink'";
    default:
      return "";
  }
}

tl::unexpected<Error> failed(std::string_view doing, const Error& error) {
  return fail(cat("connection tracking: ", doing, ": ", error.message, remedy_for(error.code)), error.code);
}

}  // namespace

Result<std::vector<Connection>> NetlinkConnections::list(Family family, const MarkMatch& mark) {
  const auto open = socket();
  if (!open) return failed("opening a socket", open.error());
  std::vector<Connection> found;
  Result<bool> complete = false;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    found.clear();
    complete = (*open)->dump(connection_dump_request(family, mark),
                             [&](const nlmsghdr& message) { read(message, found); });
    if (complete ? *complete : complete.error().code != ENOBUFS) break;
  }
  if (!complete) return failed("reading the connections", complete.error());
  // A kernel that does not filter tells of all.
  std::erase_if(found, [&](const Connection& connection) {
    return connection.family() != family || (connection.mark & mark.mask) != (mark.value & mark.mask);
  });
  return found;
}

Result<std::size_t> NetlinkConnections::remove(std::span<const Connection> connections) {
  batch_.clear();
  for (const auto& connection : connections) add_removal(connection, batch_);
  return carry_out("removing connections");
}

Result<std::size_t> NetlinkConnections::mark(std::span<const Connection> connections, const MarkMatch& mark) {
  batch_.clear();
  for (const auto& connection : connections) add_marking(connection, mark, batch_);
  return carry_out("marking connections");
}

Result<NetlinkSocket*> NetlinkConnections::socket() {
  try {
    if (!socket_) socket_ = std::make_unique<NetlinkSocket>(NetlinkProtocol::netfilter);
  } catch (const std::system_error& error) {
    return fail(error.what(), error.code().value());
  }
  return socket_.get();
}

void NetlinkConnections::read(const nlmsghdr& message, std::vector<Connection>& connections) {
  if (parse_connection(message, connections) != Parsed::malformed) return;
  // Powers of two: the first is told at once, a flood does not fill the log.
  if (std::has_single_bit(++malformed_)) {
    log_.warning(cat("connection tracking: skipped a malformed message; ", malformed_,
                     " so far: the kernel speaks a newer dialect, or is broken"));
  }
}

Result<std::size_t> NetlinkConnections::carry_out(std::string_view doing) {
  const auto open = socket();
  if (!open) return failed("opening a socket", open.error());
  std::size_t refused = 0;
  int first_error = 0;
  const auto done = (*open)->change_all(batch_, [&](std::size_t, int code) {
    ++refused;
    if (first_error == 0 && !is_gone(code)) first_error = code;
  });
  if (!done) return failed(doing, done.error());
  if (first_error != 0) return failed(doing, {std::strerror(first_error), first_error});
  return batch_.size() - refused;
}

}  // namespace multilink
