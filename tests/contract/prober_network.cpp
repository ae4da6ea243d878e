// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/prober_network.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

int open_current_namespace() {
  const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "opening the network namespace");
  return fd;
}

/// The thread is in another namespace while this lives.
class Visit {
 public:
  explicit Visit(int to) : home_(open_current_namespace()) {
    if (setns(to, CLONE_NEWNET) != 0) throw std::system_error(errno, std::generic_category(), "setns");
  }
  ~Visit() {
    (void)setns(home_, CLONE_NEWNET);
    close(home_);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  int home_;
};

/// Of the namespace the thread is in.
void write_sysctl(std::string_view name, std::string_view value) {
  std::ofstream file(cat("/proc/sys/net/", name));
  file << value << std::flush;
  if (!file) throw std::runtime_error(cat("cannot write the sysctl ", name));
}

}  // namespace

ProberNetwork::ProberNetwork() {
  for (auto& neighbour : neighbours_) {
    const NetworkNamespace made;
    neighbour = open_current_namespace();
  }
  build_host();
  for (unsigned number : {0U, 1U}) build_neighbour(number);
}

ProberNetwork::~ProberNetwork() {
  for (const int neighbour : neighbours_) close(neighbour);
}

void ProberNetwork::build_host() {
  // Answers come in by either link, whatever the way back in main.
  write_sysctl("ipv4/conf/all/rp_filter", "0");
  write_sysctl("ipv4/conf/default/rp_filter", "0");
  ip({"link", "set", "lo", "up"});
  for (unsigned number : {0U, 1U}) {
    const auto device = cat("up", number);
    const auto metric = cat(100 + number);
    const auto far_side = cat("/proc/", getpid(), "/fd/", neighbours_.at(number));
    ip({"link", "add", device, "type", "veth", "peer", "name", "far", "netns", far_side});
    write_sysctl(cat("ipv6/conf/", device, "/accept_dad"), "0");
    ip({"link", "set", device, "up"});
    ip({"address", "add", cat("192.0.2.", 2 + number, "/24"), "dev", device});
    ip({"address", "add", cat("2001:db8:2::", 2 + number, "/64"), "dev", device, "nodad"});
    ip({"route", "add", "2001:db8:113::/64", "via", "fe80::1", "dev", device, "metric", metric});
    ip({"route", "add", "203.0.113.0/24", "via", "192.0.2.1", "dev", device, "metric", metric});
    links_.at(number) = if_nametoindex(device.c_str());
  }
}

void ProberNetwork::build_neighbour(unsigned number) {
  const Visit there(neighbours_.at(number));
  ip({"link", "set", "lo", "up"});
  ip({"link", "set", "far", "addrgenmode", "none", "up"});
  ip({"address", "add", "192.0.2.1/24", "dev", "far"});
  ip({"address", "add", "fe80::1/64", "dev", "far", "nodad"});
  ip({"address", "add", "2001:db8:2::1/64", "dev", "far", "nodad"});
  ip({"address", "add", cat(kTarget.to_string(), "/32"), "dev", "lo"});
  ip({"route", "add", "unreachable", kNowhere.to_string()});
  ip({"route", "add", "blackhole", kSwallowed.to_string()});
  ip({"address", "add", cat(kTarget6.to_string(), "/128"), "dev", "lo", "nodad"});
  ip({"route", "add", "unreachable", kNowhere6.to_string()});
  ip({"route", "add", "blackhole", kSwallowed6.to_string()});
  write_sysctl("ipv4/ip_forward", "1");
  write_sysctl("ipv6/conf/all/forwarding", "1");
  // The kernel would send but one unreachable a second to each host.
  write_sysctl("ipv4/icmp_ratemask", "0");
  write_sysctl("ipv6/icmp/ratelimit", "0");
}

void ProberNetwork::silence(unsigned number) {
  const Visit there(neighbours_.at(number));
  write_sysctl("ipv4/icmp_echo_ignore_all", "1");
  write_sysctl("ipv6/icmp/echo_ignore_all", "1");
}

void ProberNetwork::inject(unsigned number, Family family, const std::vector<std::uint8_t>& message,
                           int times) {
  const Visit there(neighbours_.at(number));
  const bool v4 = family == Family::v4;
  constexpr int kKind = SOCK_RAW | SOCK_CLOEXEC;
  const int fd = v4 ? socket(AF_INET, kKind, IPPROTO_ICMP) : socket(AF_INET6, kKind, IPPROTO_ICMPV6);
  sockaddr_in host4{};
  host4.sin_family = AF_INET;
  host4.sin_addr.s_addr = htonl(0xc0000202U + number);  // 192.0.2.2 and .3
  sockaddr_in6 host6{};
  host6.sin6_family = AF_INET6;
  const auto address = *IpAddress::parse(cat("2001:db8:2::", 2 + number));
  std::memcpy(&host6.sin6_addr, address.bytes().data(), sizeof host6.sin6_addr);
  const auto* host =
      v4 ? reinterpret_cast<const sockaddr*>(&host4) : reinterpret_cast<const sockaddr*>(&host6);
  ssize_t sent = 0;
  for (int i = 0; i < times && sent >= 0; ++i) {
    sent = sendto(fd, message.data(), message.size(), 0, host, v4 ? sizeof host4 : sizeof host6);
  }
  const int code = errno;
  close(fd);
  if (sent < 0) throw std::system_error(code, std::generic_category(), "injecting an ICMP message");
}

}  // namespace multilink
