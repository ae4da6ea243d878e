// SPDX-License-Identifier: GPL-2.0-or-later
//
// How many new TCP connections a path takes: as fast as it goes, so many at a time, each reset once it stands.
//
//   connect_rate ADDRESS FIRST_PORT PORTS SECONDS AT_A_TIME
//
// The ports are taken in turns, so that no connection is a repetition of one a moment ago. Prints one line of JSON.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tool.hpp"

namespace {

using lab::Endpoint;
using lab::Fd;

class Connector {
 public:
  Connector(std::vector<Endpoint> servers, int at_a_time) : servers_(std::move(servers)) {
    for (int i = 0; i < at_a_time; ++i) begin();
  }

  nlohmann::json run(lab::Nanos length) {
    const auto begun = lab::now();
    while (lab::now() < begun + length) {
      poller_.wait(100, [this](int fd) { settle(fd); });
    }
    return {
        {"connections_per_second", static_cast<double>(made_) / lab::seconds(lab::Time(lab::now() - begun))},
        {"failed", failed_}};
  }

 private:
  void begin() {
    const auto& server = servers_[next_++ % servers_.size()];
    Fd socket(lab::check(::socket(server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                         "socket"));
    const linger reset{.l_onoff = 1, .l_linger = 0};
    lab::check(setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "SO_LINGER");
    if (connect(socket.get(), server.get(), server.length) < 0 && errno != EINPROGRESS)
      lab::check(-1, "connect");
    const int fd = socket.get();
    poller_.add(fd, EPOLLOUT);
    open_.emplace(fd, std::move(socket));
  }

  void settle(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    lab::check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), "SO_ERROR");
    ++(error == 0 ? made_ : failed_);
    open_.erase(fd);
    begin();
  }

  std::vector<Endpoint> servers_;
  std::size_t next_ = 0;
  std::map<int, Fd> open_;
  lab::Poller poller_;
  unsigned long made_ = 0;
  unsigned long failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 5) {
    std::fputs("usage: connect_rate ADDRESS FIRST_PORT PORTS SECONDS AT_A_TIME\n", stderr);
    return 64;
  }
  std::vector<Endpoint> servers;
  for (int i = 0; i < std::stoi(words[2]); ++i) {
    servers.push_back(Endpoint::parse(words[0], std::to_string(std::stoi(words[1]) + i)));
  }
  const std::chrono::duration<double> length(std::stod(words[3]));
  Connector connector(std::move(servers), std::stoi(words[4]));
  std::printf("%s\n", connector.run(std::chrono::duration_cast<lab::Nanos>(length)).dump().c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "connect_rate: %s\n", error.what());
  return 1;
}
