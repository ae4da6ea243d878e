// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/test_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace multilink {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A packet that is lost while devices come up is repeated after a second.
constexpr milliseconds kPatience{5000};

void check(bool good, const char* doing) {
  if (!good) throw std::system_error(errno, std::generic_category(), doing);
}

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

bool hands_over(int from, int to, std::string_view text) {
  std::array<char, 64> buffer{};
  if (write(from, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
  if (!await(to, POLLIN, kPatience)) return false;
  const auto size = read(to, buffer.data(), buffer.size());
  return size == static_cast<ssize_t>(text.size()) && text == std::string_view(buffer.data(), text.size());
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

std::string SocketAddress::host() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  std::memcpy(&v4, &storage, sizeof v4);
  std::memcpy(&v6, &storage, sizeof v6);
  const void* const address =
      af() == AF_INET ? static_cast<const void*>(&v4.sin_addr) : static_cast<const void*>(&v6.sin6_addr);
  check(inet_ntop(af(), address, out.data(), out.size()) != nullptr, "an address");
  return out.data();
}

Listener::Listener(std::string_view address)
    : fd_(socket(SocketAddress::of(address).af(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto at = SocketAddress::of(address);
  check(bind(*fd_, at.get(), at.length) == 0, "bind");
  check(listen(*fd_, 16) == 0, "listen");
  address_ = SocketAddress::of_socket(*fd_);
}

std::optional<int> TcpEnd::await_error(milliseconds time, Doing doing) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
    if (const int error = error_of(*fd_); error != 0) return error;
    if (doing == Doing::nothing) {
      await(*fd_, 0, milliseconds(5));
    } else if (::send(*fd_, "more", 4, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
      return errno;
    } else {
      await(*fd_, 0, milliseconds(5));
    }
  }
  return std::nullopt;
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

bool TcpPair::passes(std::string_view text) {
  return hands_over(client.fd(), server.fd(), text) && hands_over(server.fd(), client.fd(), text);
}

UdpSocket::UdpSocket(std::string_view address)
    : fd_(socket(SocketAddress::of(address).af(), SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  const auto at = SocketAddress::of(address);
  check(bind(*fd_, at.get(), at.length) == 0, "bind");
}

void UdpSocket::send(const SocketAddress& to) {
  check(sendto(*fd_, "x", 1, 0, to.get(), to.length) == 1, "sendto");
}

std::string UdpSocket::await_sender(milliseconds time) {
  if (!await(*fd_, POLLIN, time)) return "";
  std::array<char, 64> buffer{};
  SocketAddress from;
  check(recvfrom(*fd_, buffer.data(), buffer.size(), 0, from.get(), &from.length) >= 0, "recvfrom");
  return from.host();
}

}  // namespace multilink
