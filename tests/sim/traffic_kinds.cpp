// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/traffic_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <queue>
#include <random>
#include <utility>

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;
using Random = std::mt19937_64;

Duration times(Duration duration, double factor) {
  return Duration(std::llround(static_cast<double>(duration.count()) * factor));
}

/// The link as users' packets see it, and the device that counts them.
class Wire {
 public:
  Wire(const TrafficPath& path, const Outages& outages, std::uint64_t seed)
      : random_(seed), path_(path), outages_(outages) {}

  /// Leaves the host. Whether it gets there, half a round trip later.
  bool send(Duration at) {
    sent_.push(at);
    return gets_through(at);
  }
  /// Leaves the far end. Whether it gets here, half a round trip later.
  bool answer(Duration at) {
    if (!gets_through(at)) return false;
    received_.push(at + path_.rtt / 2);
    return true;
  }
  Duration rtt() const { return path_.rtt; }

  TrafficCount count(Duration now) {
    for (auto [queue, counter] : {std::pair{&sent_, &count_.sent}, {&received_, &count_.received}}) {
      for (; !queue->empty() && queue->top() <= now; queue->pop()) ++*counter;
    }
    return count_;
  }

  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  int whole(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
  Duration between(Duration least, Duration most) { return least + times(most - least, uniform()); }
  Duration exponential(Duration mean) {
    return times(mean, std::exponential_distribution<double>(1)(random_));
  }
  /// Heavy-tailed, as the sizes of what people fetch (M. E. Crovella, A. Bestavros, 1997).
  int pareto(int least, int most) {
    return static_cast<int>(std::min<double>(most, least * std::pow(1 - uniform(), -1 / 1.2)));
  }

 private:
  using Times = std::priority_queue<Duration, std::vector<Duration>, std::greater<>>;

  bool gets_through(Duration at) {
    if (path_.loss > 0 && uniform() < path_.loss) return false;
    return std::ranges::none_of(
        outages_, [&](const Outage& outage) { return at >= outage.from - path_.rtt / 2 && at < outage.to; });
  }

  Random random_;
  TrafficPath path_;
  Outages outages_;
  Times sent_;
  Times received_;
  TrafficCount count_;
};

/// Somebody who does something at a time, and says when next.
using User = std::function<Duration(Duration at, Wire& wire)>;

SimulatedTraffic traffic_of(std::vector<User> users, const TrafficPath& path, const Outages& outages,
                            std::uint64_t seed) {
  using Turn = std::pair<Duration, std::size_t>;
  Wire wire(path, outages, seed);
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
  for (std::size_t i = 0; i < users.size(); ++i) turns.push({wire.between(0s, 10s), i});
  return [users = std::move(users), wire, turns](Duration now) mutable {
    while (turns.top().first <= now) {
      const auto [at, user] = turns.top();
      turns.pop();
      turns.push({users[user](at, wire), user});
    }
    return wire.count(now);
  };
}

/// A request until it gets there, with TCP's doubling waits; gives when its answer leaves the far end.
Duration request(Duration at, Wire& wire, Duration thinks) {
  for (Duration wait = 250ms; wait < 1min; wait *= 2) {
    if (wire.send(at)) return at + wire.rtt() / 2 + thinks;
    at += wait;
  }
  return at;
}

/// `packets` from the far end, by TCP: windows that grow from 10, an acknowledgement for each two. Gives when it ends.
Duration download(Duration at, Wire& wire, int packets) {
  constexpr Duration kSpacing = 200us;
  for (int window = 10; packets > 0;) {
    const int round = std::min(window, packets);
    bool is_last_here = true;
    for (int i = 0; i < round; ++i) {
      const Duration leaves = at + i * kSpacing;
      is_last_here = wire.answer(leaves);
      if (is_last_here && i % 2 == 1) wire.send(leaves + wire.rtt() / 2);
      packets -= is_last_here ? 1 : 0;
    }
    // What was lost comes again; without anything after it, not before the far end's timer.
    at += wire.rtt() + round * kSpacing + (is_last_here ? 0ms : 250ms);
    window = std::min(is_last_here ? window * 2 : 10, 200);
  }
  return at;
}

/// A page: a name, then some connections that each fetch something of a server that thinks; then the page is read.
Duration read_web(Duration at, Wire& wire) {
  wire.send(at);
  wire.answer(at + wire.rtt() / 2 + wire.between(0ms, 100ms));
  Duration end = at;
  for (int connections = wire.whole(1, 6); connections > 0; --connections) {
    const Duration greeted = request(at + wire.between(20ms, 300ms), wire, 0ms);
    wire.answer(greeted);
    const Duration asked = greeted + wire.rtt() / 2;
    wire.send(asked);
    end =
        std::max(end, download(request(asked, wire, wire.between(10ms, 500ms)), wire, wire.pareto(4, 3000)));
  }
  return end + wire.exponential(5s);
}

/// Some seconds of film at a time; now and then the film is stopped.
Duration watch_film(Duration at, Wire& wire) {
  const Duration end = download(request(at, wire, wire.between(5ms, 50ms)), wire, 400);
  if (wire.uniform() < 0.05) return end + wire.exponential(1min);
  return std::max(end + 100ms, at + wire.between(2s, 4s));
}

/// Name servers that have to ask others first, or never answer.
Duration look_up(Duration at, Wire& wire) {
  if (wire.send(at) && wire.uniform() < 0.97) {
    wire.answer(at + wire.rtt() / 2 + (wire.uniform() < 0.7 ? 1ms : wire.between(20ms, 800ms)));
  } else {
    wire.send(at + 1s);
    wire.answer(at + 1s + wire.rtt() / 2);
  }
  return at + wire.exponential(80ms);
}

/// 1000 packets a second in little trains, of which the far end acknowledges many at once, and sometimes nothing for
/// long.
Duration upload(Duration at, Wire& wire) {
  const Duration train = wire.uniform() < 0.01 ? 400ms : wire.between(20ms, 120ms);
  for (Duration passed{}; passed < train; passed += 10ms) {
    for (int i = 0; i < 10; ++i) wire.send(at + passed + i * 200us);
  }
  wire.answer(at + train - wire.rtt() / 2);
  return at + train;
}

/// Something that speaks evenly for a while, of which the far end stops first.
Duration alternate(Duration at, Wire& wire) {
  const Duration lasts = wire.exponential(5s);
  const Duration alone = wire.between(0ms, 1s);
  for (Duration passed{}; passed < lasts + alone; passed += 2ms) {
    wire.send(at + passed);
    if (passed < lasts) wire.answer(at + passed);
  }
  return at + lasts + alone + wire.exponential(10s);
}

/// One way of a call whose silences are not sent: 50 packets a second while somebody speaks, then one each 400 ms.
User speaker(bool is_here) {
  return [is_here](Duration at, Wire& wire) {
    const auto say = [&](Duration when) { is_here ? wire.send(when) : wire.answer(when); };
    const Duration speaks = wire.exponential(1200ms);
    const Duration listens = wire.exponential(1800ms);
    Duration passed{};
    for (; passed < speaks; passed += 20ms) say(at + passed);
    for (; passed < speaks + listens; passed += 400ms) say(at + passed);
    return at + passed;
  };
}

/// A connection each 20 ms, by which something short is asked and answered.
Duration ask_by_new_connections(Duration at, Wire& wire) {
  const Duration there = wire.rtt() / 2;
  if (wire.send(at) && wire.answer(at + there)) {
    const Duration connected = at + 2 * there;
    wire.send(connected);
    if (wire.send(connected)) {
      wire.answer(connected + there);
      wire.answer(connected + there);
    }
    wire.send(connected + 2 * there);
    wire.answer(connected + 3 * there);
  }
  return at + 20ms;
}

/// 500 packets a second that nobody answers.
Duration send_only(Duration at, Wire& wire) {
  wire.send(at);
  return at + 2ms;
}

Duration fetch_much(Duration at, Wire& wire) {
  return download(request(at, wire, 10ms), wire, 20'000);
}

/// Three connections of which nobody makes use.
Duration keep_alive(Duration at, Wire& wire) {
  if (wire.send(at)) wire.answer(at + wire.rtt() / 2);
  return at + wire.between(10s, 30s);
}

std::vector<User> several(std::size_t number, const User& user) {
  return std::vector<User>(number, user);
}

TrafficKind kind(std::string name, std::vector<User> users) {
  return {std::move(name),
          [users = std::move(users)](const TrafficPath& path, const Outages& outages, std::uint64_t seed) {
            return traffic_of(users, path, outages, seed);
          }};
}

}  // namespace

SimulatedTraffic even_traffic(double packets, const Outages& outages) {
  return [packets, outages, next = std::size_t{0}, over = Duration{}](Duration now) mutable {
    for (; next < outages.size() && outages[next].to <= now; ++next)
      over += outages[next].to - outages[next].from;
    Duration lost = over;
    if (next < outages.size() && outages[next].from < now) lost += now - outages[next].from;
    const auto count = [&](Duration of) {
      return static_cast<std::uint64_t>(packets * std::chrono::duration<double>(of).count());
    };
    return TrafficCount{count(now - lost), count(now)};
  };
}

const std::vector<TrafficKind>& traffic_kinds() {
  static const std::vector<TrafficKind> all{
      kind("a web reader", several(1, read_web)),
      kind("20 web readers", several(20, read_web)),
      kind("a film", several(1, watch_film)),
      kind("name servers", several(1, look_up)),
      kind("an upload", several(1, upload)),
      kind("50 connections a second", several(1, ask_by_new_connections)),
      kind("a one-way upload", several(1, send_only)),
      kind("a download", several(1, fetch_much)),
      kind("signs of life only", several(3, keep_alive)),
      kind("idle and busy in turn", several(1, alternate)),
      kind("a call", {speaker(true), speaker(false)}),
      kind("an upload and a call", {upload, speaker(true), speaker(false)}),
  };
  return all;
}

}  // namespace multilink::sim
