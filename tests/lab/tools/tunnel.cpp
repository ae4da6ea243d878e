// SPDX-License-Identifier: GPL-2.0-or-later
//
// IP in UDP, as VPNs do it: a TUN device whose packets travel in datagrams that carry a firewall mark. The
// answers go to wherever the last datagram came from, so the far end follows a peer that changes its address.
//
//   tunnel DEVICE PORT MARK [PEER_ADDRESS PEER_PORT]       (in the network namespace it is started in)
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
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

void run(const std::vector<std::string>& words) {
  const Fd tun = open_tun(words[0]);
  const Fd outer = open_socket(words[1], static_cast<unsigned>(std::stoul(words[2], nullptr, 0)));
  Endpoint peer;
  if (words.size() == 5) peer = Endpoint::parse(words[3], words[4]);
  lab::answer(R"({"ready":true})");
  std::array<char, 65536> bytes{};
  std::array<pollfd, 3> fds{{{tun.get(), POLLIN, 0}, {outer.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (fds[2].revents == 0) {
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) lab::check(-1, "poll");
    // What cannot be passed on is a packet lost, nothing else.
    ssize_t length = fds[0].revents != 0 ? read(tun.get(), bytes.data(), bytes.size()) : 0;
    if (length > 0 && peer.length > 0) {
      [[maybe_unused]] const ssize_t sent =
          sendto(outer.get(), bytes.data(), static_cast<std::size_t>(length), 0, peer.get(), peer.length);
    }
    Endpoint from;
    from.length = sizeof from.storage;
    if (fds[1].revents == 0) continue;
    length = recvfrom(outer.get(), bytes.data(), bytes.size(), 0, from.get(), &from.length);
    if (length <= 0) continue;
    peer = from;
    [[maybe_unused]] const ssize_t written = write(tun.get(), bytes.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 3 && words.size() != 5) {
    std::fputs("usage: tunnel DEVICE PORT MARK [PEER_ADDRESS PEER_PORT]\n", stderr);
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
