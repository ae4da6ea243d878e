// SPDX-License-Identifier: GPL-2.0-or-later
//
// Short TCP connections at a steady rate, each with one small exchange: what page loads feel.
//
//   tcp_flow client ADDRESS PORT [CONNECTIONS_PER_SECOND]
//   tcp_flow page ADDRESS PORT CONNECTIONS_PER_SECOND PATH [HEADER]
//   tcp_flow server ADDRESS PORT
//
// `page` asks a web server for a page; good is a whole answer with status 200.
// Command of the clients (times in seconds of the monotonic clock):
//   report FROM TO    on the connections begun in [FROM, TO), once each has ended; and the longest time in between in
//                     which no connection at all was completed
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tool.hpp"

namespace {

using lab::Endpoint;
using lab::Fd;
using lab::Nanos;
using lab::Poller;
using lab::Time;
using nlohmann::json;

/// A person has given up by then.
constexpr auto kTimeout = std::chrono::seconds(10);
constexpr std::size_t kRequestBytes = 200;
constexpr const char* kGoodAnswer = "HTTP/1.0 200 ";

struct Attempt {
  Time begun;
  Time ended{};       ///< epoch: still running
  std::string error;  ///< empty: the exchange was completed
};

json report(const std::vector<Attempt>& attempts, Time from, Time to) {
  std::vector<double> latencies;
  std::vector<Time> successes{from};
  std::map<std::string, int> errors;
  int begun = 0;
  for (const Attempt& attempt : attempts) {
    const bool succeeded = attempt.ended != Time{} && attempt.error.empty();
    if (succeeded && attempt.ended >= from && attempt.ended < to) successes.push_back(attempt.ended);
    if (attempt.begun < from || attempt.begun >= to) continue;
    ++begun;
    if (succeeded) {
      latencies.push_back(lab::millis(attempt.ended - attempt.begun));
    } else {
      ++errors[attempt.error];
    }
  }
  std::sort(latencies.begin(), latencies.end());
  std::sort(successes.begin(), successes.end());
  Nanos longest = to - std::min(to, successes.back());
  for (std::size_t i = 1; i < successes.size(); ++i)
    longest = std::max(longest, successes[i] - successes[i - 1]);
  json out{{"from", lab::seconds(from)},
           {"to", lab::seconds(to)},
           {"begun", begun},
           {"failed", begun - static_cast<int>(latencies.size())},
           {"errors", errors},
           {"longest_without_success_ms", lab::millis(longest)}};
  if (!latencies.empty()) {
    out["latency_ms"] = {{"median", latencies[latencies.size() / 2]},
                         {"p99", latencies[latencies.size() * 99 / 100]},
                         {"max", latencies.back()}};
  }
  return out;
}

/// What goes to the server, and what has to come back.
struct Exchange {
  std::string request = std::string(kRequestBytes, '\0');
  std::string answer_begins =
      {};  ///< empty: as much as was sent, else this, and the rest until the server closes
};

class Client {
 public:
  Client(const Endpoint& server, Nanos interval, Exchange exchange)
      : server_(server), ticker_(interval), exchange_(std::move(exchange)) {}

  void run() {
    poller_.add(STDIN_FILENO, EPOLLIN);
    poller_.add(ticker_.fd(), EPOLLIN);
    bool more = true;
    while (more) {
      poller_.wait(100, [&](int fd) {
        if (fd == STDIN_FILENO) {
          more = commands_.read();
        } else if (fd != ticker_.fd()) {
          advance(fd);
        }
      });
      for (auto due = ticker_.ticks(); due > 0; --due) begin();
      give_up();
      while (const auto words = commands_.next()) obey(*words);
      answer_requests();
    }
  }

 private:
  struct Running {
    Fd socket;
    std::size_t attempt;
    bool connected = false;
    std::size_t received = 0;
    std::string beginning = {};
  };

  void begin() {
    attempts_.push_back({lab::now(), {}, {}});
    Fd connection(lab::check(socket(server_.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                             "socket"));
    const int fd = connection.get();
    const int result = connect(fd, server_.get(), server_.length);
    const int error = errno;
    const auto place = running_.emplace(fd, Running{std::move(connection), attempts_.size() - 1}).first;
    if (result != 0 && error != EINPROGRESS) {
      end(place, std::strerror(error));
      return;
    }
    poller_.add(fd, EPOLLOUT);
  }

  void advance(int fd) {
    const auto place = running_.find(fd);
    if (place == running_.end()) return;
    Running& running = place->second;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      end(place, std::strerror(error));
      return;
    }
    if (!running.connected) {
      running.connected = true;
      poller_.change(fd, EPOLLIN);
      const auto& request = exchange_.request;
      if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) end(place, std::strerror(errno));
      return;
    }
    std::array<char, 65536> bytes{};
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return end(place, std::strerror(errno));
    const std::string_view received(bytes.data(), static_cast<std::size_t>(got));
    const auto& begins = exchange_.answer_begins;
    if (got == 0) return end(place, !begins.empty() && running.beginning == begins ? "" : "closed early");
    running.received += received.size();
    running.beginning += received.substr(0, begins.size() - running.beginning.size());
    if (begins.empty() && running.received >= exchange_.request.size()) end(place, {});
    if (running.beginning.size() == begins.size() && running.beginning != begins)
      end(place, "another answer");
  }

  void end(std::map<int, Running>::iterator place, const std::string& error) {
    Attempt& attempt = attempts_[place->second.attempt];
    attempt.ended = lab::now();
    attempt.error = error;
    running_.erase(place);
  }

  void give_up() {
    const Time time = lab::now();
    for (auto place = running_.begin(); place != running_.end();) {
      const auto current = place++;
      if (time - attempts_[current->second.attempt].begun > kTimeout) end(current, "no answer in time");
    }
  }

  void obey(const std::vector<std::string>& words) {
    if (words.size() != 3 || words[0] != "report") throw std::invalid_argument("not a command");
    requests_.emplace_back(lab::at_seconds(std::stod(words[1])), lab::at_seconds(std::stod(words[2])));
  }

  void answer_requests() {
    for (; !requests_.empty(); requests_.pop_front()) {
      const auto [from, to] = requests_.front();
      if (lab::now() < to) return;
      for (const auto& [fd, running] : running_) {
        if (attempts_[running.attempt].begun < to) return;
      }
      lab::answer(report(attempts_, from, to).dump());
    }
  }

  Endpoint server_;
  lab::Ticker ticker_;
  Exchange exchange_;
  lab::Commands commands_;
  Poller poller_;
  std::vector<Attempt> attempts_;
  std::map<int, Running> running_;
  std::list<std::pair<Time, Time>> requests_;
};

void run_client(const std::vector<std::string>& words, const std::string& rate, Exchange exchange) {
  const Nanos interval(static_cast<std::int64_t>(1e9 / std::stod(rate)));
  Client(Endpoint::parse(words[1], words[2]), interval, std::move(exchange)).run();
}

/// Sends back whatever comes, until the client closes.
void serve(const Endpoint& local) {
  const Fd listener(
      lab::check(socket(local.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  lab::check(bind(listener.get(), local.get(), local.length), "bind");
  lab::check(listen(listener.get(), 1024), "listen");
  Poller poller;
  std::map<int, Fd> connections;
  poller.add(listener.get(), EPOLLIN);
  poller.add(STDIN_FILENO, EPOLLIN);
  lab::answer(R"({"ready":true})");
  for (bool more = true; more;) {
    poller.wait(-1, [&](int fd) {
      if (fd == STDIN_FILENO) {
        more = false;
      } else if (fd == listener.get()) {
        Fd connection(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection.get() < 0) return;
        poller.add(connection.get(), EPOLLIN);
        connections.emplace(connection.get(), std::move(connection));
      } else {
        std::array<char, 4096> bytes{};
        const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0 || send(fd, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) {
          connections.erase(fd);
        }
      }
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    lab::be_punctual();
    if (words.size() == 3 && words[0] == "server") {
      serve(Endpoint::parse(words[1], words[2]));
    } else if ((words.size() == 3 || words.size() == 4) && words[0] == "client") {
      run_client(words, words.size() == 4 ? words[3] : "50", {});
    } else if ((words.size() == 5 || words.size() == 6) && words[0] == "page") {
      const auto header = words.size() == 6 ? words[5] + "\r\n" : "";
      run_client(words, words[3], {"GET " + words[4] + " HTTP/1.0\r\n" + header + "\r\n", kGoodAnswer});
    } else {
      std::fputs(
          "usage: tcp_flow client ADDRESS PORT [CONNECTIONS_PER_SECOND] | tcp_flow server ADDRESS PORT |\n"
          "       tcp_flow page ADDRESS PORT CONNECTIONS_PER_SECOND PATH [HEADER]\n",
          stderr);
      return 64;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tcp_flow: %s\n", error.what());
    return 1;
  }
  return 0;
}
