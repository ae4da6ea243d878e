// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/gateway_network.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "contract/check.hpp"
#include "multilink/adapters/netlink_message.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

int this_namespace() {
  const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  check(fd >= 0, "opening the network namespace");
  return fd;
}

int new_namespace() {
  const NetworkNamespace inside;
  return this_namespace();
}

/// In the namespace of this thread.
void run_ip(std::string_view lines) {
  const int fd = memfd_create("ip", 0);
  check(fd >= 0, "memfd_create");
  const bool written = write(fd, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size());
  check(written, "write");
  try {
    multilink::ip({"-batch", cat("/proc/", getpid(), "/fd/", fd)});
  } catch (...) {
    close(fd);
    throw;
  }
  close(fd);
}

/// A device that has just been set up drops what it is given until the kernel gets round to it.
void await_devices(int count) {
  constexpr int kTries = 500;
  for (int tries = 0; tries < kTries; ++tries) {
    const auto links = multilink::ip({"-o", "link", "show"});
    int up = 0;
    for (auto at = links.find(" state UP "); at != std::string::npos; at = links.find(" state UP ", at + 1))
      ++up;
    if (up == count) return;
    usleep(10'000);
  }
  throw std::runtime_error("the devices do not come up");
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

}  // namespace

GatewayNetwork::GatewayNetwork()
    : client_(new_namespace()), gateway_(new_namespace()), internet_(new_namespace()) {
  check(setns(gateway_, CLONE_NEWNET) == 0, "setns");
  connect();
  loop_ = std::make_unique<EventLoop>();
  filter_ = std::make_unique<NftablesFilter>(*loop_);
}

GatewayNetwork::~GatewayNetwork() {
  filter_.reset();
  for (const int fd : {client_, gateway_, internet_}) close(fd);
}

void GatewayNetwork::enter(Place place) const {
  const int fd = place == Place::client ? client_ : place == Place::gateway ? gateway_ : internet_;
  check(setns(fd, CLONE_NEWNET) == 0, "setns");
}

void GatewayNetwork::in(Place place, const std::function<void()>& work) {
  enter(place);
  try {
    work();
  } catch (...) {
    enter(Place::gateway);
    throw;
  }
  enter(Place::gateway);
}

void GatewayNetwork::connect() {
  for (const auto place : {Place::client, Place::gateway, Place::internet}) {
    for (const auto* path : {"ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter",
                             "ipv6/conf/default/accept_dad", "ipv6/conf/default/accept_ra"}) {
      sysctl(place, path, "0");
    }
    if (place != Place::client) {
      sysctl(place, "ipv4/ip_forward", "1");
      sysctl(place, "ipv6/conf/all/forwarding", "1");
    }
  }
  // With the same number at both ends the kernel takes up to a second to see that they are up.
  const auto there = [](int fd) { return cat("/proc/", getpid(), "/fd/", fd); };
  run_ip(
      cat("link set lo up\n"
          "link add lan0 index 101 type veth peer name eth0 netns ",
          there(client_),
          "\n"
          "link add wan1 index 102 type veth peer name isp1 netns ",
          there(internet_),
          "\n"
          "link add wan2 index 103 type veth peer name isp2 netns ",
          there(internet_),
          "\n"
          "addr add 192.168.77.1/24 dev lan0\naddr add fd77::1/64 dev lan0 nodad\n"
          "addr add 192.0.2.2/24 dev wan1\naddr add 2001:db8:1::2/64 dev wan1 nodad\n"
          "addr add 198.51.100.2/24 dev wan2\naddr add 2001:db8:2::2/64 dev wan2 nodad\n"
          "link set lan0 up\nlink set wan1 up\nlink set wan2 up\n"));
  ip(Place::client,
     "link set lo up\naddr add 192.168.77.2/24 dev eth0\naddr add fd77::2/64 dev eth0 nodad\nlink set eth0 "
     "up\n"
     "route add default via 192.168.77.1\nroute add default via fd77::1\n");
  ip(Place::internet,
     "link set lo up\naddr add 203.0.113.10/32 dev lo\naddr add 2001:db8:ff::10/128 dev lo nodad\n"
     "addr add 192.0.2.1/24 dev isp1\naddr add 2001:db8:1::1/64 dev isp1 nodad\n"
     "addr add 198.51.100.1/24 dev isp2\naddr add 2001:db8:2::1/64 dev isp2 nodad\n"
     "link set isp1 up\nlink set isp2 up\n");
  for (const auto& [place, devices] :
       {std::pair{Place::client, 1}, {Place::gateway, 3}, {Place::internet, 2}}) {
    in(place, [devices = devices] { await_devices(devices); });
  }
  in(Place::internet, [this] {
    isp1_ = if_nametoindex("isp1");
    isp2_ = if_nametoindex("isp2");
  });
}

void GatewayNetwork::ip(Place place, std::string_view lines) {
  in(place, [&] { run_ip(lines); });
}

void GatewayNetwork::nft(Place place, std::string_view commands) {
  in(place, [&] { multilink::nft(commands); });
}

std::string GatewayNetwork::ruleset(std::string_view what) {
  return multilink::nft(cat("list ", what));
}

void GatewayNetwork::sysctl(Place place, std::string_view path, std::string_view value) {
  in(place, [&] {
    std::ofstream file(cat("/proc/sys/net/", path));
    file << value << std::flush;
    if (!file) throw std::runtime_error(cat("sysctl ", path));
  });
}

PacketFilterTable GatewayNetwork::table() const {
  PacketFilterTable table;
  table.mark_mask = kMask;
  for (const unsigned number : {1U, 2U}) {
    FilteredUplink uplink;
    uplink.index = number;
    uplink.device = cat("wan", number);
    for (const Family family : kFamilies) uplink.addresses.insert(own(number, family));
    table.uplinks.push_back(std::move(uplink));
  }
  return table;
}

void GatewayNetwork::put_in_force(const PacketFilterTable& table) {
  const auto done = filter_->replace(table);
  ASSERT_TRUE(done) << done.error().message;
}

void GatewayNetwork::use(unsigned uplink) {
  std::string lines;
  for (const auto* to : {"192.0.2.1 dev wan1", "198.51.100.1 dev wan2"}) {
    if (std::string_view(to).back() == static_cast<char>('0' + uplink))
      lines += cat("route replace default via ", to, '\n');
  }
  ip(Place::gateway, cat(lines, "route replace default via 2001:db8:", uplink, "::1 dev wan", uplink, '\n'));
}

void GatewayNetwork::add_pin_rules() {
  std::string lines =
      "route add 192.0.2.0/24 dev wan1 table 7001\nroute add default via 192.0.2.1 dev wan1 table 7001\n"
      "route add 198.51.100.0/24 dev wan2 table 7002\nroute add default via 198.51.100.1 dev wan2 table "
      "7002\n";
  for (const unsigned i : {1U, 2U}) {
    lines += cat("route add 2001:db8:", i, "::/64 dev wan", i, " table 700", i,
                 "\nroute add default via 2001:db8:", i, "::1 dev wan", i, " table 700", i, '\n');
    for (const auto* family : {"", "-6 "}) {
      const auto rule = cat(family, "rule add fwmark 0x0", i, "000000/0x3f000000 pref ");
      lines += cat(rule, "1020 lookup 700", i, " suppress_prefixlength 0\n", rule,
                   "1030 lookup main suppress_prefixlength 0\n", rule, "1040 lookup 700", i, '\n');
    }
  }
  std::string batch;
  // `ip -batch` takes no option in front of the object.
  for (const auto line : split(lines, '\n')) {
    if (!line.starts_with("-6 ")) batch += cat(line, '\n');
  }
  run_ip(batch);
  for (const auto line : split(lines, '\n')) {
    if (line.starts_with("-6 ")) multilink::ip(split(line, ' '));
  }
}

void GatewayNetwork::masquerade() {
  nft(Place::gateway,
      "add table inet theirs; add chain inet theirs nat { type nat hook postrouting priority srcnat; }; "
      "add rule inet theirs nat oifname { wan1, wan2 } masquerade");
}

IpAddress GatewayNetwork::server(Family family) const {
  return address(family == Family::v4 ? "203.0.113.10" : "2001:db8:ff::10");
}

IpAddress GatewayNetwork::client(Family family) const {
  return address(family == Family::v4 ? "192.168.77.2" : "fd77::2");
}

IpAddress GatewayNetwork::gateway(Family family) const {
  return address(family == Family::v4 ? "192.168.77.1" : "fd77::1");
}

IpAddress GatewayNetwork::own(unsigned uplink, Family family) const {
  if (family == Family::v6) return address(cat("2001:db8:", uplink, "::2"));
  return address(uplink == 1 ? "192.0.2.2" : "198.51.100.2");
}

unsigned GatewayNetwork::uplink_at(unsigned link_index) const {
  return link_index == isp1_ ? 1 : link_index == isp2_ ? 2 : 0;
}

void GatewayNetwork::forget_connections() {
  NetlinkMessage message(nlmsg_alloc_simple((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, 0));
  nfgenmsg header{};
  ASSERT_EQ(nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO), 0);
  const auto done = NetlinkSocket(NetlinkProtocol::netfilter).change(std::move(message));
  ASSERT_TRUE(done) << done.error().message;
}

std::uint32_t GatewayNetwork::mark_of(std::string_view what) {
  std::ifstream file("/proc/thread-self/net/nf_conntrack");
  for (std::string line; std::getline(file, line);) {
    if (line.find(what) == std::string::npos) continue;
    const auto at = line.find("mark=");
    return parse_number<std::uint32_t>(line.substr(at + 5, line.find(' ', at) - at - 5)).value();
  }
  return ~std::uint32_t{0};
}

}  // namespace multilink
