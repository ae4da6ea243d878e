// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/loopback_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "contract/check.hpp"

namespace multilink {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{5000};

/// Whether something (an error, too) happens within `time`.
bool await(int fd, short events, milliseconds time) {
  pollfd waiting{fd, events, 0};
  return poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

int error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0, "SO_ERROR");
  return error;
}

}  // namespace

Descriptor::Descriptor(int fd) : fd_(fd) {
  check(fd >= 0, "opening a socket");
}
Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

SocketAddress SocketAddress::of(std::string_view text, std::uint16_t port) {
  SocketAddress out;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const std::string host(text);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&out.storage, &v4, out.length = sizeof v4);
  } else {
    check(inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1, "an address");
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&out.storage, &v6, out.length = sizeof v6);
  }
  return out;
}

SocketAddress SocketAddress::of_socket(int fd) {
  SocketAddress out;
  check(getsockname(fd, out.get(), &out.length) == 0, "getsockname");
  return out;
}

std::uint16_t SocketAddress::port() const {
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof v4);  // the port is at the same place in both families
  return ntohs(v4.sin_port);
}

Listener::Listener(std::string_view address)
    : fd_(socket(SocketAddress::of(address).af(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto at = SocketAddress::of(address);
  check(bind(*fd_, at.get(), at.length) == 0, "bind");
  check(listen(*fd_, 16) == 0, "listen");
  address_ = SocketAddress::of_socket(*fd_);
}

TcpEnd connect_to(const SocketAddress& address, std::string_view device) {
  Descriptor fd(socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!device.empty()) {
    check(setsockopt(*fd, SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                     static_cast<socklen_t>(device.size())) == 0,
          "SO_BINDTODEVICE");
  }
  if (connect(*fd, address.get(), address.length) != 0) {
    check(errno == EINPROGRESS, "connect");
    const bool answered = await(*fd, POLLOUT, kPatience);
    errno = answered ? error_of(*fd) : ETIMEDOUT;
    check(errno == 0, "connect");
  }
  return TcpEnd(std::move(fd));
}

TcpPair::TcpPair(TcpEnd from, const Listener& listener)
    : client(std::move(from)),
      server(Descriptor(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK))) {}

}  // namespace multilink
