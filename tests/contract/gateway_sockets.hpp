// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "contract/gateway_network.hpp"

namespace multilink {

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

/// A datagram that has come: from whom, and in the Internet by which uplink.
struct Arrival {
  Endpoint from;
  unsigned uplink = 0;
  std::string text;
};

/// A socket in one of the places. The sockets' calls throw std::system_error on what a test does not expect.
class TestSocket {
 public:
  struct Wish {
    std::optional<IpAddress> address = std::nullopt;  ///< none: any
    std::uint16_t port = 0;
    std::uint32_t mark = 0;
    std::string device = "";
  };

  /// `type` is SOCK_DGRAM or SOCK_STREAM.
  TestSocket(GatewayNetwork& network, Place place, int type, Family family, const Wish& wish);
  ~TestSocket();
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;

  Endpoint local() const;
  int fd() const { return fd_; }

 protected:
  explicit TestSocket(int fd) : fd_(fd) {}
  /// Whether something has come within `patience`.
  bool wait(std::chrono::milliseconds patience) const;

 private:
  int fd_ = -1;
};

class UdpSocket : public TestSocket {
 public:
  UdpSocket(GatewayNetwork& network, Place place, Family family)
      : UdpSocket(network, place, family, Wish{}) {}
  UdpSocket(GatewayNetwork& network, Place place, Family family, const Wish& wish);

  void connect(const Endpoint& to);  ///< from then on the address it leaves with is settled
  void send(const Endpoint& to, std::string_view text);
  std::optional<Arrival> receive(std::chrono::milliseconds patience = std::chrono::seconds(2));
  /// The next one, if one comes soon: for what should not.
  std::optional<Arrival> receive_soon() { return receive(std::chrono::milliseconds(150)); }

 private:
  GatewayNetwork& network_;
};

class TcpSocket : public TestSocket {
 public:
  TcpSocket(GatewayNetwork& network, Place place, Family family)
      : TcpSocket(network, place, family, Wish{}) {}
  TcpSocket(GatewayNetwork& network, Place place, Family family, const Wish& wish);
  explicit TcpSocket(int fd) : TestSocket(fd) {}

  void listen();
  void abort_on_close();                ///< its end is a reset
  std::unique_ptr<TcpSocket> accept();  ///< null: nobody came within 2 s
  int connect(const Endpoint& to);      ///< 0 or the errno
  int send(std::string_view text);      ///< 0 or the errno
  /// What comes next, at most 2 s later; empty: the end, nothing, or an error, which `last_error()` has.
  std::string receive();
  int last_error() const { return error_; }

 private:
  int error_ = 0;
};

}  // namespace multilink
