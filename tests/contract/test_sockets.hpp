// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace multilink {

/// Sockets for tests on real packets. Each stays in the network namespace in which it was made. All throw
/// std::system_error where a call fails that should not.

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
  std::string host() const;
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

enum class Doing : std::uint8_t { nothing, sending };

class TcpEnd {
 public:
  explicit TcpEnd(Descriptor fd) : fd_(std::move(fd)) {}
  int fd() const { return *fd_; }
  SocketAddress address() const { return SocketAddress::of_socket(*fd_); }
  /// The errno with which it fails within `time`, while it is written to or not.
  std::optional<int> await_error(std::chrono::milliseconds time, Doing doing);

 private:
  Descriptor fd_;
};

/// Waits for the answer, for some seconds at most. `device`: what the socket is bound to; empty: nothing.
TcpEnd connect_to(const SocketAddress& address, std::string_view device = "");

/// Both ends of a connection.
struct TcpPair {
  TcpPair(TcpEnd from, const Listener& listener);
  /// Whether a text gets from the client to the server and back, within some seconds each way.
  bool passes(std::string_view text);

  TcpEnd client;
  TcpEnd server;
};

class UdpSocket {
 public:
  explicit UdpSocket(std::string_view address);
  SocketAddress address() const { return SocketAddress::of_socket(*fd_); }
  void send(const SocketAddress& to);
  /// Whom the next packet is from; "" when none comes.
  std::string await_sender(std::chrono::milliseconds time);

 private:
  Descriptor fd_;
};

}  // namespace multilink
