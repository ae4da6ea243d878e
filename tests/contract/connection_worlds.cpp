// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/connection_worlds.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "contract/check.hpp"
#include "contract/loopback_sockets.hpp"
#include "contract/network_namespace.hpp"
#include "fakes/fake_connections.hpp"
#include "fakes/fake_log.hpp"
#include "multilink/adapters/conntrack_message.hpp"
#include "multilink/adapters/netlink_connections.hpp"
#include "multilink/adapters/netlink_sockets.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// "::ffff:127.0.0.1" is 127.0.0.1.
IpAddress spoken(std::string_view address) {
  constexpr std::string_view kMapped = "::ffff:";
  if (address.starts_with(kMapped)) address.remove_prefix(kMapped.size());
  return IpAddress::parse(address).value();
}

class FakeConnectionWorld final : public ConnectionWorld {
 public:
  Connections& connections() override { return connections_; }
  LocalSockets& sockets() override { return sockets_; }
  void add(const Connection& connection) override { connections_.add(connection); }
  ConnectionTuple open(std::string_view address, std::string_view device) override {
    const ConnectionTuple tuple{spoken(address), spoken(address), ++last_port_, 7000};
    // A socket that is bound to a device is none that destroy() knows.
    (device.empty() ? sockets_.open : bound_).insert(tuple);
    return tuple;
  }
  bool is_open(const ConnectionTuple& connection) override {
    return sockets_.open.contains(connection) || bound_.contains(connection);
  }
  bool is_listening(const ConnectionTuple&) override { return true; }

 private:
  fakes::FakeConnections connections_;
  fakes::FakeSockets sockets_;
  std::set<ConnectionTuple> bound_;
  std::uint16_t last_port_ = 40000;
};

class RealConnectionWorld final : public ConnectionWorld {
 public:
  RealConnectionWorld() {
    ip({"link", "set", "lo", "up"});
    maker_ = std::make_unique<NetlinkSocket>(NetlinkProtocol::netfilter);
  }

  Connections& connections() override { return connections_; }
  LocalSockets& sockets() override { return sockets_; }

  void add(const Connection& connection) override {
    NetlinkBatch batch;
    add_creation(connection, 600, batch);
    const auto done = maker_->change_all(batch, [](std::size_t, int code) {
      throw std::runtime_error(cat("adding a connection: ", std::strerror(code)));
    });
    if (!done) throw std::runtime_error(done.error().message);
  }

  ConnectionTuple open(std::string_view address, std::string_view device) override {
    Listener listener(address);
    TcpPair pair(connect_to(listener.address(), device), listener);
    const ConnectionTuple tuple{spoken(address), spoken(address), pair.client.address().port(),
                                listener.address().port()};
    opened_.emplace(tuple, Opened{std::move(listener), std::move(pair)});
    return tuple;
  }

  /// Of the end that connected.
  bool is_open(const ConnectionTuple& connection) override {
    int error = 0;
    socklen_t length = sizeof error;
    tcp_info info{};
    socklen_t info_length = sizeof info;
    const int fd = opened_.at(connection).pair.client.fd();
    check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0, "SO_ERROR");
    check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_length) == 0, "TCP_INFO");
    const bool open = info.tcpi_state == TCP_ESTABLISHED;
    if (open ? error != 0 : error != ECONNABORTED) throw std::runtime_error(cat("it has the error ", error));
    return open;
  }

  bool is_listening(const ConnectionTuple& connection) override {
    tcp_info info{};
    socklen_t length = sizeof info;
    check(getsockopt(opened_.at(connection).listener.fd(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0,
          "TCP_INFO");
    return info.tcpi_state == TCP_LISTEN;
  }

 private:
  struct Opened {
    Listener listener;
    TcpPair pair;
  };

  NetworkNamespace namespace_;
  fakes::FakeLog log_;
  NetlinkConnections connections_{log_};
  NetlinkSockets sockets_;
  std::unique_ptr<NetlinkSocket> maker_;
  std::map<ConnectionTuple, Opened> opened_;
};

}  // namespace

std::unique_ptr<ConnectionWorld> make_fake_connection_world() {
  return std::make_unique<FakeConnectionWorld>();
}

std::unique_ptr<ConnectionWorld> make_real_connection_world() {
  return std::make_unique<RealConnectionWorld>();
}

}  // namespace multilink
