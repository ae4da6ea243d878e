// SPDX-License-Identifier: GPL-2.0-or-later
//
// One long TCP connection at a time with a steady stream in one direction, as a download, a video call over TCP or
// an ssh session feel it. When it breaks the client connects anew at once, as programs do.
//
//   tcp_stream client ADDRESS PORT upload|download [SOURCE]
//   tcp_stream server ADDRESS PORT
//
// Commands (times in seconds of the monotonic clock):
//   report FROM TO    client: the connections that lived in [FROM, TO) and how the data went on in them;
//                     server: the connections that ended in [FROM, TO), and how
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tool.hpp"

namespace {

using lab::Endpoint;
using lab::Fd;
using lab::Poller;
using lab::Time;
using nlohmann::json;

constexpr auto kInterval = std::chrono::milliseconds(5);
constexpr std::size_t kChunk = 500;  ///< 100 kB/s
constexpr auto kConnectAnewAfter = std::chrono::milliseconds(20);
constexpr char kUpload = 'u';
constexpr char kDownload = 'd';

std::string error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? std::string() : std::strerror(error);
}

Fd new_socket(const Endpoint& of_family) {
  return Fd(lab::check(socket(of_family.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                       "socket"));
}

/// Sends one chunk, or as much of it as there is room for. Gives how much that was; less than 0: the connection is broken.
ssize_t push(int fd) {
  static const std::array<char, kChunk> bytes{};
  const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

struct Connection {
  Time begun;
  std::optional<Time> connected;
  std::optional<Time> ended;
  std::string error;
  std::vector<Time> progress;  ///< when the far end had got more, or more had come from it
};

json report(const std::vector<Connection>& connections, Time from, Time to) {
  json out = json::array();
  for (const auto& connection : connections) {
    if (connection.begun >= to || (connection.ended && *connection.ended < from)) continue;
    json row{{"begun", lab::seconds(connection.begun)}, {"error", connection.error}};
    row["connected"] = connection.connected ? json(lab::seconds(*connection.connected)) : json();
    row["ended"] =
        connection.ended && *connection.ended < to ? json(lab::seconds(*connection.ended)) : json();
    Time last = std::max(from, connection.begun);
    lab::Nanos longest{};
    std::size_t count = 0;
    for (const Time time : connection.progress) {
      if (time < from || time >= to) continue;
      longest = std::max(longest, time - last);
      last = time;
      ++count;
    }
    longest = std::max(longest, std::min(to, connection.ended.value_or(to)) - last);
    row["progress"] = count;
    row["longest_gap_ms"] = lab::millis(longest);
    out.push_back(std::move(row));
  }
  return {{"connections", out}};
}

class Client {
 public:
  Client(const Endpoint& server, char direction, std::optional<Endpoint> source)
      : server_(server), direction_(direction), source_(std::move(source)), ticker_(kInterval) {}

  void run() {
    poller_.add(STDIN_FILENO, EPOLLIN);
    poller_.add(ticker_.fd(), EPOLLIN);
    for (bool more = true; more;) {
      poller_.wait(100, [&](int fd) {
        if (fd == STDIN_FILENO) {
          more = commands_.read();
        } else if (fd == socket_.get()) {
          on_ready();
        }
      });
      if (ticker_.ticks() > 0) tick();
      while (const auto words = commands_.next()) obey(*words);
    }
  }

 private:
  void begin() {
    connections_.push_back({lab::now(), {}, {}, {}, {}});
    sent_ = acknowledged_ = 0;
    socket_ = new_socket(server_);
    if (source_) lab::check(bind(socket_.get(), source_->get(), source_->length), "bind");
    if (connect(socket_.get(), server_.get(), server_.length) != 0 && errno != EINPROGRESS) {
      return end(std::strerror(errno));
    }
    poller_.add(socket_.get(), EPOLLOUT);
  }

  void on_ready() {
    if (auto error = error_of(socket_.get()); !error.empty()) return end(std::move(error));
    Connection& current = connections_.back();
    if (!current.connected) {
      current.connected = lab::now();
      poller_.change(socket_.get(), EPOLLIN);
      if (send(socket_.get(), &direction_, 1, MSG_NOSIGNAL) < 0) end(std::strerror(errno));
      return;
    }
    std::array<char, 65536> bytes{};
    const ssize_t got = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return end(got == 0 ? "closed early" : std::strerror(errno));
    current.progress.push_back(lab::now());
  }

  void tick() {
    if (socket_.get() < 0) {
      if (connections_.empty() || lab::now() - *connections_.back().ended >= kConnectAnewAfter) begin();
      return;
    }
    if (direction_ != kUpload || !connections_.back().connected) return;
    const ssize_t sent = push(socket_.get());
    if (sent < 0) return end(std::strerror(errno));
    sent_ += sent;
    int queued = 0;
    lab::check(ioctl(socket_.get(), SIOCOUTQ, &queued), "SIOCOUTQ");
    if (sent_ - queued > acknowledged_) connections_.back().progress.push_back(lab::now());
    acknowledged_ = sent_ - queued;
  }

  void end(std::string error) {
    connections_.back().ended = lab::now();
    connections_.back().error = std::move(error);
    socket_ = Fd();
  }

  void obey(const std::vector<std::string>& words) {
    if (words.size() != 3 || words[0] != "report") throw std::invalid_argument("not a command");
    lab::answer(
        report(connections_, lab::at_seconds(std::stod(words[1])), lab::at_seconds(std::stod(words[2])))
            .dump());
  }

  Endpoint server_;
  char direction_;
  std::optional<Endpoint> source_;
  lab::Ticker ticker_;
  lab::Commands commands_;
  Poller poller_;
  Fd socket_;
  std::vector<Connection> connections_;
  ssize_t sent_ = 0;
  ssize_t acknowledged_ = 0;
};

class Server {
 public:
  explicit Server(const Endpoint& local) : listener_(new_socket(local)), ticker_(kInterval) {
    const int on = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    lab::check(bind(listener_.get(), local.get(), local.length), "bind");
    lab::check(listen(listener_.get(), 1024), "listen");
  }

  void run() {
    poller_.add(STDIN_FILENO, EPOLLIN);
    poller_.add(listener_.get(), EPOLLIN);
    poller_.add(ticker_.fd(), EPOLLIN);
    lab::answer(R"({"ready":true})");
    for (bool more = true; more;) {
      poller_.wait(100, [&](int fd) {
        if (fd == STDIN_FILENO) {
          more = commands_.read();
        } else if (fd == listener_.get()) {
          accept();
        } else if (fd != ticker_.fd()) {
          receive(fd);
        }
      });
      if (ticker_.ticks() > 0) send_to_downloads();
      while (const auto words = commands_.next()) obey(*words);
    }
  }

 private:
  struct Peer {
    Fd socket;
    std::string address;
    char direction = 0;
  };
  struct Ended {
    Time at;
    std::string address;
    std::string error;
  };

  void accept() {
    Endpoint peer;
    peer.length = sizeof peer.storage;
    Fd connection(accept4(listener_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int fd = connection.get();
    if (fd < 0) return;
    poller_.add(fd, EPOLLIN);
    peers_.insert_or_assign(fd, Peer{std::move(connection), peer.address()});
  }

  void receive(int fd) {
    const auto peer = peers_.find(fd);
    if (peer == peers_.end()) return;
    std::array<char, 65536> bytes{};
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return end(peer, got == 0 ? "closed" : std::strerror(errno));
    if (peer->second.direction == 0) peer->second.direction = bytes[0];
  }

  void send_to_downloads() {
    for (auto peer = peers_.begin(); peer != peers_.end();) {
      const auto current = peer++;
      if (current->second.direction == kDownload && push(current->first) < 0)
        end(current, std::strerror(errno));
    }
  }

  void end(std::map<int, Peer>::iterator peer, const std::string& error) {
    ended_.push_back({lab::now(), peer->second.address, error});
    peers_.erase(peer);
  }

  void obey(const std::vector<std::string>& words) {
    if (words.size() != 3 || words[0] != "report") throw std::invalid_argument("not a command");
    const Time from = lab::at_seconds(std::stod(words[1]));
    const Time to = lab::at_seconds(std::stod(words[2]));
    json out = json::array();
    for (const auto& ended : ended_) {
      if (ended.at < from || ended.at >= to) continue;
      out.push_back({{"at", lab::seconds(ended.at)}, {"source", ended.address}, {"error", ended.error}});
    }
    lab::answer(json{{"open", peers_.size()}, {"ended", out}}.dump());
  }

  Fd listener_;
  lab::Ticker ticker_;
  lab::Commands commands_;
  Poller poller_;
  std::map<int, Peer> peers_;
  std::vector<Ended> ended_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    lab::be_punctual();
    if (words.size() == 3 && words[0] == "server") {
      Server(Endpoint::parse(words[1], words[2])).run();
    } else if ((words.size() == 4 || words.size() == 5) && words[0] == "client" &&
               (words[3] == "upload" || words[3] == "download")) {
      std::optional<Endpoint> source;
      if (words.size() == 5) source = Endpoint::parse(words[4], "0");
      Client(Endpoint::parse(words[1], words[2]), words[3] == "upload" ? kUpload : kDownload, source).run();
    } else {
      std::fputs(
          "usage: tcp_stream client ADDRESS PORT upload|download [SOURCE] | tcp_stream server ADDRESS PORT\n",
          stderr);
      return 64;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tcp_stream: %s\n", error.what());
    return 1;
  }
  return 0;
}
