// SPDX-License-Identifier: GPL-2.0-or-later
//
// A steady UDP flow with answers. Outage = the longest run of unanswered packets, times the sending interval.
// The server puts the address it saw into its answer, so the client knows by which uplink each packet went.
//
//   udp_flow client ADDRESS PORT [PACKETS_PER_SECOND]
//   udp_flow echo ADDRESS PORT
//
// Commands of the client (times in seconds of the monotonic clock):
//   report FROM TO    on the packets sent in [FROM, TO), once each had a second for its answer
//   alive [SOURCE]    when the first packet sent from now on has been answered (having left as SOURCE)
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tool.hpp"

namespace {

using lab::Endpoint;
using lab::Fd;
using lab::Nanos;
using lab::Time;
using nlohmann::json;

constexpr auto kGrace = std::chrono::seconds(1);
constexpr std::size_t kGapsListed = 100;

struct Datagram {
  std::uint64_t run;  ///< of one client process: answers to an earlier one count for nothing
  std::uint64_t sequence;
  std::array<char, 48> source;  ///< filled in by the server, as text
};

/// What became of every packet sent, and the arithmetic on it.
class Ledger {
 public:
  explicit Ledger(Nanos interval) : interval_(interval) {}

  std::uint64_t sent(Time time) {
    packets_.push_back({time, Time{}, 0});
    return packets_.size() - 1;
  }

  void answered(std::uint64_t sequence, Time time, const std::string& source) {
    if (sequence >= packets_.size() || packets_[sequence].answered != Time{}) return;
    packets_[sequence].answered = time;
    packets_[sequence].source = index_of(source);
  }

  /// When the first packet sent from `since` on, having left as `source`, was answered.
  std::optional<Time> first_answered(Time since, const std::string& source) const {
    // This is asked all the time, so what is older has been looked at while it was news.
    for (auto packet = at(std::max(since, lab::now() - 2 * kGrace)); packet != packets_.end(); ++packet) {
      if (packet->answered == Time{}) continue;
      if (source.empty() || sources_[packet->source] == source) return packet->answered;
    }
    return std::nullopt;
  }

  json report(Time from, Time to) const {
    const auto first = at(from);
    const auto last = at(to);
    std::vector<double> rtts;
    for (auto packet = first; packet != last; ++packet) {
      if (packet->answered != Time{}) rtts.push_back(lab::millis(packet->answered - packet->sent));
    }
    const auto total = last - first;
    json out{{"from", lab::seconds(from)},
             {"to", lab::seconds(to)},
             {"sent", total},
             {"lost", total - static_cast<std::ptrdiff_t>(rtts.size())}};
    add_gaps(out, first, last);
    add_sources(out, first, last);
    std::sort(rtts.begin(), rtts.end());
    if (!rtts.empty()) {
      out["rtt_ms"] = {{"min", rtts.front()}, {"median", rtts[rtts.size() / 2]}, {"max", rtts.back()}};
    }
    return out;
  }

 private:
  struct Packet {
    Time sent;
    Time answered;
    std::size_t source;
  };
  using Position = std::vector<Packet>::const_iterator;

  Position at(Time time) const {
    return std::lower_bound(packets_.begin(), packets_.end(), time,
                            [](const Packet& packet, Time value) { return packet.sent < value; });
  }

  std::size_t index_of(const std::string& source) {
    const auto known = std::find(sources_.begin(), sources_.end(), source);
    if (known != sources_.end()) return static_cast<std::size_t>(known - sources_.begin());
    sources_.push_back(source);
    return sources_.size() - 1;
  }

  void add_gaps(json& out, Position first, Position last) const {
    struct Gap {
      Time at;
      std::ptrdiff_t packets;
    };
    std::vector<Gap> gaps;
    const auto lost = [](const Packet& packet) { return packet.answered == Time{}; };
    for (auto begin = std::find_if(first, last, lost); begin != last;
         begin = std::find_if(begin, last, lost)) {
      const auto end = std::find_if_not(begin, last, lost);
      gaps.push_back({begin->sent, end - begin});
      begin = end;
    }
    out["gap_count"] = gaps.size();
    const auto longer = [](const Gap& a, const Gap& b) { return a.packets > b.packets; };
    std::stable_sort(gaps.begin(), gaps.end(), longer);
    out["outage_ms"] = gaps.empty() ? 0.0 : outage(gaps.front().packets);
    gaps.resize(std::min(gaps.size(), kGapsListed));
    std::sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.at < b.at; });
    out["gaps"] = json::array();
    for (const Gap& gap : gaps) {
      out["gaps"].push_back(
          {{"at", lab::seconds(gap.at)}, {"packets", gap.packets}, {"outage_ms", outage(gap.packets)}});
    }
  }

  void add_sources(json& out, Position first, Position last) const {
    out["sources"] = json::object();
    int changes = 0;
    std::optional<std::size_t> before;
    for (auto packet = first; packet != last; ++packet) {
      if (packet->answered == Time{}) continue;
      if (before && *before != packet->source) ++changes;
      before = packet->source;
      json& source = out["sources"][sources_[packet->source]];
      if (source.is_null()) source = {{"packets", 0}, {"first", lab::seconds(packet->sent)}};
      source["packets"] = source["packets"].get<int>() + 1;
      source["last"] = lab::seconds(packet->sent);
    }
    out["source_changes"] = changes;
  }

  double outage(std::ptrdiff_t packets) const {
    return static_cast<double>(packets) * lab::millis(interval_);
  }

  Nanos interval_;
  std::vector<Packet> packets_;
  std::vector<std::string> sources_;
};

class Client {
 public:
  Client(const Endpoint& server, Nanos interval)
      : socket_(lab::check(socket(server.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                           "socket")),
        ticker_(interval),
        ledger_(interval) {
    lab::check(connect(socket_.get(), server.get(), server.length), "connect");
    std::random_device random;
    run_ = (std::uint64_t{random()} << 32) | random();
  }

  void run() {
    std::array<pollfd, 3> fds{
        {{socket_.get(), POLLIN, 0}, {ticker_.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    while (true) {
      if (poll(fds.data(), fds.size(), 100) < 0 && errno != EINTR) lab::check(-1, "poll");
      for (auto due = ticker_.ticks(); due > 0; --due) send_one();
      receive();
      if (fds[2].revents != 0) {
        const bool more = commands_.read();
        while (const auto words = commands_.next()) obey(*words);
        if (!more) return;
      }
      answer_requests();
    }
  }

 private:
  struct Request {
    Time from;
    std::optional<Time> to;  ///< of a report; none: waits for an answer
    std::string source;
  };

  void send_one() {
    Datagram datagram{run_, ledger_.sent(lab::now()), {}};
    // An error (no route, a queued ICMP error) is a packet without an answer, nothing else.
    [[maybe_unused]] const ssize_t sent = send(socket_.get(), &datagram, sizeof datagram, 0);
  }

  void receive() {
    Datagram datagram{};
    for (int errors = 0; errors < 100;) {
      const ssize_t length = recv(socket_.get(), &datagram, sizeof datagram, 0);
      if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (length < 0) ++errors;
      if (length != sizeof datagram || datagram.run != run_) continue;
      datagram.source.back() = '\0';
      ledger_.answered(datagram.sequence, lab::now(), datagram.source.data());
    }
  }

  void obey(const std::vector<std::string>& words) {
    if (words.size() == 3 && words[0] == "report") {
      requests_.push_back({lab::at_seconds(std::stod(words[1])), lab::at_seconds(std::stod(words[2])), {}});
    } else if ((words.size() == 1 || words.size() == 2) && words[0] == "alive") {
      requests_.push_back({lab::now(), std::nullopt, words.size() == 2 ? words[1] : ""});
    } else {
      throw std::invalid_argument("not a command");
    }
  }

  /// In the order asked: the first that cannot be answered yet holds up the rest.
  void answer_requests() {
    for (; !requests_.empty(); requests_.pop_front()) {
      const Request& request = requests_.front();
      if (request.to) {
        if (lab::now() < *request.to + kGrace) return;
        lab::answer(ledger_.report(request.from, *request.to).dump());
        continue;
      }
      const auto answered = ledger_.first_answered(request.from, request.source);
      if (!answered) return;
      lab::answer(json{{"alive", lab::seconds(*answered)}}.dump());
    }
  }

  Fd socket_;
  lab::Ticker ticker_;
  lab::Commands commands_;
  Ledger ledger_;
  std::list<Request> requests_;
  std::uint64_t run_ = 0;
};

void echo(const Endpoint& local) {
  const Fd socket_fd(lab::check(socket(local.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  lab::check(bind(socket_fd.get(), local.get(), local.length), "bind");
  lab::answer(R"({"ready":true})");
  std::array<pollfd, 2> fds{{{socket_fd.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (fds[1].revents == 0) {
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) lab::check(-1, "poll");
    Datagram datagram{};
    Endpoint peer;
    peer.length = sizeof peer.storage;
    const ssize_t length =
        recvfrom(socket_fd.get(), &datagram, sizeof datagram, MSG_DONTWAIT, peer.get(), &peer.length);
    if (length != sizeof datagram) continue;
    datagram.source = {};
    peer.address().copy(datagram.source.data(), datagram.source.size() - 1);
    // Failing to answer is a packet lost, which is what the client measures.
    [[maybe_unused]] const ssize_t sent =
        sendto(socket_fd.get(), &datagram, sizeof datagram, MSG_DONTWAIT, peer.get(), peer.length);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    lab::be_punctual();
    if (words.size() == 3 && words[0] == "echo") {
      echo(Endpoint::parse(words[1], words[2]));
    } else if ((words.size() == 3 || words.size() == 4) && words[0] == "client") {
      const double rate = words.size() == 4 ? std::stod(words[3]) : 1000;
      Client(Endpoint::parse(words[1], words[2]), Nanos(static_cast<std::int64_t>(1e9 / rate))).run();
    } else {
      std::fputs("usage: udp_flow client ADDRESS PORT [PACKETS_PER_SECOND] | udp_flow echo ADDRESS PORT\n",
                 stderr);
      return 64;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "udp_flow: %s\n", error.what());
    return 1;
  }
  return 0;
}
