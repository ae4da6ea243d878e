// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string_view>

namespace multilink {

/// TCP connections of this host with itself. All throw std::system_error where a call fails that should not.

class Descriptor {
 public:
  explicit Descriptor(int fd);
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int operator*() const { return fd_; }

 private:
  int fd_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;

  /// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"
  static SocketAddress of(std::string_view text, std::uint16_t port = 0);
  static SocketAddress of_socket(int fd);  ///< its own end
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int af() const { return storage.ss_family; }
  std::uint16_t port() const;
};

/// Listens on a port of its own choice.
class Listener {
 public:
  explicit Listener(std::string_view address);
  const SocketAddress& address() const { return address_; }
  int fd() const { return *fd_; }

 private:
  Descriptor fd_;
  SocketAddress address_;
};

class TcpEnd {
 public:
  explicit TcpEnd(Descriptor fd) : fd_(std::move(fd)) {}
  int fd() const { return *fd_; }
  SocketAddress address() const { return SocketAddress::of_socket(*fd_); }

 private:
  Descriptor fd_;
};

/// Waits for the answer, for some seconds at most. `device`: what the socket is bound to; empty: nothing.
TcpEnd connect_to(const SocketAddress& address, std::string_view device = "");

/// Both ends of a connection.
struct TcpPair {
  TcpPair(TcpEnd from, const Listener& listener);
  TcpEnd client;
  TcpEnd server;
};

}  // namespace multilink
