// SPDX-License-Identifier: GPL-2.0-or-later
//
// IP in UDP, as VPNs do it: a TUN device whose packets travel in datagrams that carry a firewall mark. The
// answers go to wherever the last datagram came from, so the far end follows a peer that changes its address.
//
//   tunnel DEVICE PORT MARK [PEER_ADDRESS PEER_PORT [wireguard]]       (in the network namespace it is started in)
//
// `wireguard`: as the kernel's WireGuard does (send4() in its socket.c), what is sent bears the address at which the peer was
// last heard for as long as the routes lead it, with that address, by the device where it was heard.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "tool.hpp"

namespace {

using lab::Endpoint;
using lab::Fd;

Fd open_tun(const std::string& device) {
  Fd tun(lab::check(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun"));
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  lab::check(ioctl(tun.get(), TUNSETIFF, &request), "TUNSETIFF");
  return tun;
}

Fd open_socket(const std::string& port, unsigned mark) {
  Fd outer(lab::check(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const Endpoint any = Endpoint::parse("0.0.0.0", port);
  lab::check(bind(outer.get(), any.get(), any.length), "bind");
  if (mark != 0) lab::check(setsockopt(outer.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark), "SO_MARK");
  return outer;
}

/// An address of this host and the device by which the peer was heard there; no address: nowhere yet.
struct Way {
  in_addr address{};
  int device = 0;
};

struct Attribute {
  rtattr header;
  std::uint32_t value;
};

/// Asks the kernel by which device it would send; 0 if by none.
class Routes {
 public:
  explicit Routes(std::uint32_t mark)
      : socket_(lab::check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink")),
        mark_(mark) {}

  int device(in_addr from, in_addr to) const {
    struct {
      nlmsghdr header;
      rtmsg route;
      std::array<Attribute, 3> attributes;
    } request{};
    request.header = {sizeof request, RTM_GETROUTE, NLM_F_REQUEST, 0, 0};
    request.route.rtm_family = AF_INET;
    request.route.rtm_src_len = request.route.rtm_dst_len = 32;
    request.attributes = {attribute(RTA_SRC, from.s_addr), attribute(RTA_DST, to.s_addr),
                          attribute(RTA_MARK, mark_)};
    lab::check(static_cast<int>(send(socket_.get(), &request, sizeof request, 0)), "netlink");
    std::array<char, 4096> answer{};
    const auto length = recv(socket_.get(), answer.data(), answer.size(), 0);
    lab::check(static_cast<int>(length), "netlink");
    nlmsghdr header{};
    std::memcpy(&header, answer.data(), sizeof header);
    if (header.nlmsg_type != RTM_NEWROUTE) return 0;
    for (std::size_t at = sizeof header + sizeof(rtmsg);
         at + sizeof(Attribute) <= static_cast<std::size_t>(length);) {
      Attribute found{};
      std::memcpy(&found, &answer.at(at), sizeof found);
      if (found.header.rta_type == RTA_OIF) return static_cast<int>(found.value);
      at += (found.header.rta_len + 3U) & ~3U;
    }
    return 0;
  }

 private:
  static Attribute attribute(unsigned short type, std::uint32_t value) {
    return {{sizeof(Attribute), type}, value};
  }

  Fd socket_;
  std::uint32_t mark_;
};

/// The socket's datagrams, with where they come in and where they go out.
class Outer {
 public:
  Outer(const std::string& port, std::uint32_t mark, bool keeps_to_its_way)
      : socket_(open_socket(port, mark)), routes_(mark), keeps_to_its_way_(keeps_to_its_way) {
    const int on = 1;
    lab::check(setsockopt(socket_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on), "IP_PKTINFO");
  }

  int fd() const { return socket_.get(); }

  void send(char* bytes, std::size_t length, Endpoint& peer) {
    const auto to = reinterpret_cast<const sockaddr_in&>(peer.storage).sin_addr;
    if (way_.address.s_addr != 0 && routes_.device(way_.address, to) != way_.device) way_ = {};
    in_pktinfo info{};
    info.ipi_spec_dst = way_.address;
    auto message = about(bytes, length, peer);
    cmsghdr* const item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = IPPROTO_IP;
    item->cmsg_type = IP_PKTINFO;
    item->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(item), &info, sizeof info);
    [[maybe_unused]] const ssize_t sent = sendmsg(socket_.get(), &message, 0);
  }

  ssize_t receive(char* bytes, std::size_t size, Endpoint& peer) {
    Endpoint from;
    from.length = sizeof from.storage;
    auto message = about(bytes, size, from);
    const ssize_t length = recvmsg(socket_.get(), &message, 0);
    if (length <= 0) return length;
    from.length = message.msg_namelen;
    peer = from;
    const cmsghdr* const item = CMSG_FIRSTHDR(&message);
    if (!keeps_to_its_way_ || item == nullptr || item->cmsg_type != IP_PKTINFO) return length;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(item), sizeof info);
    way_ = {info.ipi_addr, info.ipi_ifindex};
    return length;
  }

 private:
  msghdr about(char* bytes, std::size_t length, Endpoint& peer) {
    part_ = {bytes, length};
    msghdr message{};
    message.msg_name = &peer.storage;
    message.msg_namelen = peer.length;
    message.msg_iov = &part_;
    message.msg_iovlen = 1;
    message.msg_control = control_.data();
    message.msg_controllen = control_.size();
    return message;
  }

  Fd socket_;
  Routes routes_;
  bool keeps_to_its_way_;
  Way way_;
  iovec part_{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control_{};
};

void run(const std::vector<std::string>& words) {
  const Fd tun = open_tun(words[0]);
  Outer outer(words[1], static_cast<unsigned>(std::stoul(words[2], nullptr, 0)), words.size() == 6);
  Endpoint peer;
  if (words.size() >= 5) peer = Endpoint::parse(words[3], words[4]);
  lab::answer(R"({"ready":true})");
  std::array<char, 65536> bytes{};
  std::array<pollfd, 3> fds{{{tun.get(), POLLIN, 0}, {outer.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (fds[2].revents == 0) {
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) lab::check(-1, "poll");
    // What cannot be passed on is a packet lost, nothing else.
    ssize_t length = fds[0].revents != 0 ? read(tun.get(), bytes.data(), bytes.size()) : 0;
    if (length > 0 && peer.length > 0) outer.send(bytes.data(), static_cast<std::size_t>(length), peer);
    if (fds[1].revents == 0) continue;
    length = outer.receive(bytes.data(), bytes.size(), peer);
    if (length <= 0) continue;
    [[maybe_unused]] const ssize_t written = write(tun.get(), bytes.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 3 && words.size() != 5 && !(words.size() == 6 && words[5] == "wireguard")) {
    std::fputs("usage: tunnel DEVICE PORT MARK [PEER_ADDRESS PEER_PORT [wireguard]]\n", stderr);
    return 64;
  }
  try {
    run(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tunnel: %s\n", error.what());
    return 1;
  }
  return 0;
}
