// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/kernel_trial.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr unsigned kLoopback = 1;  ///< its index in every new namespace

/// What is tried, in the child.
class Trials {
 public:
  Trials() : kernel_(loop_, log_, numbers_) {}

  std::string run() {
    for (const Family family : kFamilies) {
      const auto ip = cat("IPv", to_string(family));
      attempt(
          cat(ip, " policy routing"), [&] { return add_rule(family); },
          family == Family::v6
              ? "boot without ipv6.disable=1, or leave IPv6 away: a kernel with CONFIG_IPV6_MULTIPLE_TABLES"
              : "a kernel with CONFIG_IP_MULTIPLE_TABLES");
    }
    attempt(
        "several next hops", [&] { return add_shared_route(); }, "a kernel with CONFIG_IP_ROUTE_MULTIPATH");
    attempt(
        "nftables", [&] { return set_table(); },
        "a kernel with nf_tables, nft_ct, nft_masq and nft_chain_nat (Debian's own has them); in a container "
        "load them "
        "on the host");
    attempt(
        "connection tracking", [&] { return list_connections(); }, "modprobe nf_conntrack_netlink");
    attempt(
        "destruction of sockets", [&] { return destroy_socket(); },
        "a kernel with CONFIG_INET_DIAG_DESTROY: without it this host's own programs learn late that a line "
        "is dead");
    return std::move(out_);
  }

 private:
  void attempt(std::string_view feature, const std::function<Result<void>()>& trial,
               std::string_view remedy) {
    Result<void> done;
    try {
      done = trial();
    } catch (const std::exception& error) {
      done = fail(error.what());
    }
    out_ += cat(feature, '\t', done ? "" : printable(done.error().message, 200), '\t', remedy, '\n');
  }

  Result<void> add_rule(Family family) {
    Rule rule;
    rule.family = family;
    rule.priority = numbers_.rule_base;
    rule.protocol = numbers_.protocol;
    rule.mark = MarkMatch{0x1000000, 0x3f000000};
    rule.table = numbers_.table_base + 1;
    return kernel_.apply(AddRule{rule});
  }

  Result<void> add_shared_route() {
    Route route;
    route.table = numbers_.table_base + 1;
    route.destination = IpPrefix::default_of(Family::v4);
    route.protocol = numbers_.protocol;
    route.link_scope = true;
    route.next_hops = {{kLoopback, std::nullopt, 1}, {kLoopback, std::nullopt, 2}};
    return kernel_.apply(ReplaceRoute{route});
  }

  Result<void> set_table() {
    PacketFilterTable table;
    table.uplinks.push_back({1, "eth0", {*IpAddress::parse("192.0.2.2")}, {Family::v4, Family::v6}, {}});
    table.uplinks.push_back({2, "eth1", {*IpAddress::parse("198.51.100.2")}, {}, {}});
    return NftablesFilter(loop_).replace(table);
  }

  Result<void> list_connections() {
    const auto listed = NetlinkConnections(log_).list(Family::v4, {0, 0});
    return listed ? Result<void>{} : tl::unexpected<Error>(listed.error());
  }

  /// A connection of this process with itself.
  Result<void> destroy_socket() {
    const auto failed = [](std::string_view what) {
      return fail(cat(what, ": ", std::strerror(errno)), errno);
    };
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in server{}, own{};
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof server;
    auto* const server_address = reinterpret_cast<sockaddr*>(&server);
    if (bind(listener, server_address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, server_address, &size) != 0 || connect(client, server_address, size) != 0)
      return failed("no connection on the loopback device");
    size = sizeof own;
    if (getsockname(client, reinterpret_cast<sockaddr*>(&own), &size) != 0) return failed("getsockname");
    const auto loopback = *IpAddress::parse("127.0.0.1");
    const std::array ends{ConnectionTuple{loopback, loopback, ntohs(own.sin_port), ntohs(server.sin_port)}};
    const auto destroyed = NetlinkSockets().destroy(ends, {});
    if (!destroyed) return tl::unexpected<Error>(destroyed.error());
    return *destroyed == 1 ? Result<void>{}
                           : fail("the kernel left a socket alive that it was told to destroy");
  }

  QuietLog log_;
  RoutingNumbers numbers_;
  EventLoop loop_;
  NetlinkKernel kernel_;
  std::string out_;
};

bool set_loopback_up() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::string_view("lo").copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  const bool done = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return done;
}

/// The life of the child: what it writes, and its exit status (an errno where there was no namespace).
[[noreturn]] void be_child(int out) {
  int status = 0;
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(errno);
  if (!set_loopback_up()) _exit(errno);
  try {
    const auto text = Trials().run();
    if (write(out, text.data(), text.size()) != static_cast<ssize_t>(text.size())) status = EIO;
  } catch (const std::exception&) {
    status = EPROTO;
  }
  _exit(status);
}

std::string read_to_end(int fd) {
  std::string out;
  std::array<char, 4096> chunk{};
  for (ssize_t size = 0; (size = read(fd, chunk.data(), chunk.size())) != 0;) {
    if (size < 0 && errno != EINTR) break;
    if (size > 0) out.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return out;
}

}  // namespace

Result<std::vector<FeatureTrial>> try_kernel() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(cat("no pipe: ", std::strerror(errno)), errno);
  const pid_t child = fork();
  if (child == 0) be_child(ends[1]);
  close(ends[1]);
  const auto text = child > 0 ? read_to_end(ends[0]) : std::string();
  close(ends[0]);
  if (child < 0) return fail(cat("no child process: ", std::strerror(errno)), errno);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : ECANCELED;
  if (code != 0) return fail(cat("no network namespace to try in: ", std::strerror(code)), code);
  std::vector<FeatureTrial> out;
  for (const auto line : split(text, '\n')) {
    const auto parts = split(line, '\t');
    if (parts.size() == 3)
      out.push_back({std::string(parts[0]), std::string(parts[1]), std::string(parts[2])});
  }
  return out;
}

}  // namespace multilink
