// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/link_kinds.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;
using Random = std::mt19937_64;

constexpr Duration kRtt = 20ms;
constexpr Duration kNoise = 2ms;

double uniform(Random& random) {
  return std::uniform_real_distribution<double>(0, 1)(random);
}

Duration times(Duration duration, double factor) {
  return Duration(std::llround(static_cast<double>(duration.count()) * factor));
}

Duration exponential(Duration mean, Random& random) {
  return times(mean, std::exponential_distribution<double>(1)(random));
}

Duration noisy(Duration rtt, Random& random) {
  return rtt + times(kNoise, uniform(random));
}

/// A queue before the link: how long a probe waits in it.
SimulatedLink with_queue(std::function<Duration(Duration at)> wait, std::uint64_t seed) {
  return [wait = std::move(wait), random = Random(seed)](Duration at, std::size_t) mutable {
    return std::optional(noisy(kRtt, random) + wait(at));
  };
}

/// How long ago the last multiple of `every` was; none before the first.
std::optional<Duration> since_last(Duration every, Duration at) {
  return at < every ? std::nullopt : std::optional(at % every);
}

}  // namespace

SimulatedLink random_loss(double loss, std::uint64_t seed, Duration rtt) {
  return [=, random = Random(seed)](Duration, std::size_t) mutable -> std::optional<Duration> {
    if (uniform(random) < loss) return std::nullopt;
    return noisy(rtt, random);
  };
}

SimulatedLink gilbert_elliott(Duration good, Duration bad, double loss, std::uint64_t seed) {
  return [=, random = Random(seed), until = Duration{}, is_bad = true](
             Duration at, std::size_t) mutable -> std::optional<Duration> {
    while (until <= at) {
      is_bad = !is_bad;
      until += exponential(is_bad ? bad : good, random);
    }
    if (is_bad && uniform(random) < loss) return std::nullopt;
    return noisy(kRtt, random);
  };
}

SimulatedLink periodic_loss(Duration period, Duration lost, std::uint64_t seed) {
  return [=, random = Random(seed)](Duration at, std::size_t) mutable -> std::optional<Duration> {
    if (at % period < lost) return std::nullopt;
    return noisy(kRtt, random);
  };
}

SimulatedLink dead_target(SimulatedLink link) {
  return [link = std::move(link)](Duration at, std::size_t target) {
    const auto rtt = link(at, target);
    return target == 0 ? std::nullopt : rtt;
  };
}

SimulatedLink rate_limited_target(SimulatedLink link, Duration pause) {
  return [link = std::move(link), pause, free = Duration{}](
             Duration at, std::size_t target) mutable -> std::optional<Duration> {
    const auto rtt = link(at, target);
    if (target != 0) return rtt;
    if (at < free) return std::nullopt;
    free = at + pause;
    return rtt;
  };
}

SimulatedLink policed_path(SimulatedLink link, double rate, double depth) {
  return [link = std::move(link), rate, depth, tokens = depth, last = Duration{}](
             Duration at, std::size_t target) mutable -> std::optional<Duration> {
    const double rested = std::chrono::duration<double>(at - std::exchange(last, at)).count();
    tokens = std::min(depth, tokens + rested * rate);
    const auto rtt = link(at, target);
    if (tokens < 1) return std::nullopt;
    tokens -= 1;
    return rtt;
  };
}

SimulatedLink other_rtt_of_first_target(SimulatedLink link, Duration rtt) {
  return [link = std::move(link), rtt](Duration at, std::size_t target) {
    const auto others = link(at, target);
    return target == 0 && others ? std::optional(rtt) : others;
  };
}

SimulatedLink asymmetric(double loss_there, double loss_back, std::uint64_t seed) {
  return [=, random = Random(seed)](Duration at, std::size_t) mutable -> std::optional<Duration> {
    if (uniform(random) < loss_there || uniform(random) < loss_back) return std::nullopt;
    const double phase = static_cast<double>(at.count()) / 7e9;
    return noisy(kRtt, random) + times(200ms, std::pow(std::sin(phase), 2));
  };
}

SimulatedLink drifting_rtt(Duration every, std::uint64_t seed) {
  return with_queue(
      [every](Duration at) {
        const auto since = since_last(every, at);
        if (!since || *since > kDriftLasts) return Duration{};
        return times(380ms, std::min(1.0, static_cast<double>(since->count()) / 1e10));
      },
      seed);
}

SimulatedLink bufferbloat_spikes(Duration every, std::uint64_t seed) {
  return with_queue(
      [every](Duration at) {
        const auto since = since_last(every, at);
        if (!since || *since >= kSpikeLasts) return Duration{};
        // It fills within 100 ms; all of it arrives when the spike is over.
        return std::min<Duration>(kSpikeLasts - *since, *since * 10);
      },
      seed);
}

SimulatedLink with_outages(SimulatedLink link, const Outages& outages) {
  return [link = std::move(link), outages, next = std::size_t{0}](
             Duration at, std::size_t target) mutable -> std::optional<Duration> {
    const auto rtt = link(at, target);
    while (next < outages.size() && outages[next].to <= at) ++next;
    if (!rtt || next == outages.size()) return rtt;
    return at + *rtt > outages[next].from ? std::nullopt : rtt;
  };
}

Outages random_outages(Duration end, Duration pause, Duration least, Duration most, std::uint64_t seed) {
  Random random(seed);
  Outages out;
  for (Duration at{};;) {
    at += times(pause, 1 + uniform(random) / 2);
    const Duration length = least + times(most - least, uniform(random));
    if (at + length > end) return out;
    out.push_back({at, at + length});
    at += length;
  }
}

}  // namespace multilink::sim
