// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/gateway_sockets.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "contract/check.hpp"

namespace multilink {
namespace {

void set(int fd, int level, int option, int value) {
  check(setsockopt(fd, level, option, &value, sizeof value) == 0, "setsockopt");
}

socklen_t encode(const Endpoint& endpoint, sockaddr_storage& out) {
  out = {};
  const auto* bytes = endpoint.address.bytes().data();
  if (endpoint.address.family() == Family::v4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes, sizeof v4.sin_addr);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, bytes, sizeof v6.sin6_addr);
  return sizeof v6;
}

Endpoint decode(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, sizeof bytes);
    return {IpAddress::from_v4(bytes), ntohs(v4.sin_port)};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, sizeof bytes);
  return {IpAddress::from_v6(bytes), ntohs(v6.sin6_port)};
}

/// The device a datagram came by.
unsigned link_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      return static_cast<unsigned>(info.ipi_ifindex);
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      return info.ipi6_ifindex;
    }
  }
  return 0;
}

}  // namespace

TestSocket::TestSocket(GatewayNetwork& network, Place place, int type, Family family, const Wish& wish) {
  network.in(place, [&] {
    fd_ = socket(family == Family::v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
    check(fd_ >= 0, "socket");
    // With it two UDP sockets may get one port, and are one flow then.
    if (type == SOCK_STREAM) set(fd_, SOL_SOCKET, SO_REUSEADDR, 1);
    if (wish.mark != 0) set(fd_, SOL_SOCKET, SO_MARK, static_cast<int>(wish.mark));
    if (!wish.device.empty()) {
      check(setsockopt(fd_, SOL_SOCKET, SO_BINDTODEVICE, wish.device.data(),
                       static_cast<socklen_t>(wish.device.size())) == 0,
            "SO_BINDTODEVICE");
    }
    const IpAddress any = family == Family::v4 ? IpAddress{} : IpAddress::from_v6({});
    sockaddr_storage storage{};
    const auto size = encode({wish.address.value_or(any), wish.port}, storage);
    check(bind(fd_, reinterpret_cast<sockaddr*>(&storage), size) == 0, "bind");
  });
}

TestSocket::~TestSocket() {
  close(fd_);
}

Endpoint TestSocket::local() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  check(getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &size) == 0, "getsockname");
  return decode(storage);
}

bool TestSocket::wait(std::chrono::milliseconds patience) const {
  pollfd poll{fd_, POLLIN, 0};
  const int ready = ::poll(&poll, 1, static_cast<int>(patience.count()));
  check(ready >= 0, "poll");
  return ready > 0;
}

UdpSocket::UdpSocket(GatewayNetwork& network, Place place, Family family, const Wish& wish)
    : TestSocket(network, place, SOCK_DGRAM, family, wish), network_(network) {
  if (family == Family::v4) {
    set(fd(), IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    set(fd(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
}

void UdpSocket::connect(const Endpoint& to) {
  sockaddr_storage storage{};
  const auto size = encode(to, storage);
  check(::connect(fd(), reinterpret_cast<sockaddr*>(&storage), size) == 0, "connect");
}

void UdpSocket::send(const Endpoint& to, std::string_view text) {
  sockaddr_storage storage{};
  const auto size = encode(to, storage);
  check(sendto(fd(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&storage), size) ==
            static_cast<ssize_t>(text.size()),
        "sendto");
}

std::optional<Arrival> UdpSocket::receive(std::chrono::milliseconds patience) {
  if (!wait(patience)) return std::nullopt;
  std::array<char, 2048> text{};
  std::array<char, 256> control{};
  sockaddr_storage from{};
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = recvmsg(fd(), &message, 0);
  check(size >= 0, "recvmsg");
  return Arrival{
      decode(from), network_.uplink_at(link_of(message)), {text.data(), static_cast<std::size_t>(size)}};
}

TcpSocket::TcpSocket(GatewayNetwork& network, Place place, Family family, const Wish& wish)
    : TestSocket(network, place, SOCK_STREAM, family, wish) {}

void TcpSocket::listen() {
  check(::listen(fd(), 16) == 0, "listen");
}

void TcpSocket::abort_on_close() {
  const linger at_once{1, 0};
  check(setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "SO_LINGER");
}

std::unique_ptr<TcpSocket> TcpSocket::accept() {
  if (!wait(std::chrono::seconds(2))) return nullptr;
  const int fresh = accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC);
  check(fresh >= 0, "accept");
  return std::make_unique<TcpSocket>(fresh);
}

int TcpSocket::connect(const Endpoint& to) {
  const timeval patience{2, 0};
  check(setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0, "SO_SNDTIMEO");
  sockaddr_storage storage{};
  const auto size = encode(to, storage);
  return ::connect(fd(), reinterpret_cast<sockaddr*>(&storage), size) == 0 ? 0 : errno;
}

int TcpSocket::send(std::string_view text) {
  return ::send(fd(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()) ? 0
                                                                                                   : errno;
}

std::string TcpSocket::receive() {
  error_ = 0;
  if (!wait(std::chrono::seconds(2))) return {};
  std::array<char, 4096> text{};
  const auto size = recv(fd(), text.data(), text.size(), 0);
  if (size < 0) error_ = errno;
  return size <= 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace multilink
