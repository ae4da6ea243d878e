// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/measure.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace multilink::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWarmUp = 2min;  // a full loss window, and more
constexpr Duration kFailsWithin =
    6min;  // of the warm-up: longer than the slowest kind of link takes to repeat
constexpr Duration kOutage = 10s;

using Traffic = std::function<SimulatedTraffic(const Outages&, std::uint64_t seed)>;

Detection detect(const LinkKind::Make& link, unsigned outages, std::uint64_t seed, Depth depth,
                 const Traffic& traffic) {
  std::mt19937_64 random(seed);
  Detection out;
  for (unsigned run = 0; run < outages; ++run) {
    const Duration from = kWarmUp + Duration(random() % kFailsWithin.count());
    const Outages outage{{from, from + kOutage}};
    const auto one = random();
    const auto simulation =
        simulate({.link = link(one), .outages = outage, .traffic = traffic(outage, one)}, one, depth);
    simulation->run_until(from);
    if (simulation->state(0) != HealthState::up) continue;
    ++out.outages;
    const auto known = simulation->changes().size();
    simulation->run_until(from + kOutage);
    if (simulation->changes().size() == known) {
      ++out.missed;
    } else {
      out.delays.push_back(simulation->changes()[known].when - from);
    }
  }
  std::ranges::sort(out.delays);
  return out;
}

}  // namespace

const std::vector<LinkKind>& link_kinds() {
  static const auto loses = [](double loss) {
    return [loss](std::uint64_t seed) { return random_loss(loss, seed); };
  };
  static const std::vector<LinkKind> all{
      {"no loss", loses(0)},
      {"random loss 1 %", loses(0.01)},
      {"random loss 5 %", loses(0.05)},
      {"random loss 10 %", loses(0.10)},
      {"random loss 20 %", loses(0.20)},
      {"random loss 30 %", loses(0.30)},
      {"bursty: 100 ms each 20 s", [](auto seed) { return gilbert_elliott(20s, 100ms, 0.9, seed); }},
      {"bursty: 1 s each 5 min", [](auto seed) { return gilbert_elliott(5min, 1s, 0.9, seed); }},
      {"periodic: 60 ms each 1.037 s", [](auto seed) { return periodic_loss(1037ms, 60ms, seed); }},
      {"periodic: 100 ms each second", [](auto seed) { return periodic_loss(1s, 100ms, seed); }},
      {"periodic: 200 ms each 15.21 s", [](auto seed) { return periodic_loss(15210ms, 200ms, seed); }},
      {"one of 3 targets dead", [](auto seed) { return dead_target(random_loss(0, seed)); }},
      {"one of 3 answers each 5 s", [](auto seed) { return rate_limited_target(random_loss(0, seed), 5s); }},
      {"echoes policed: 1/s, 5 at once", [](auto seed) { return policed_path(random_loss(0, seed), 1, 5); }},
      {"echoes policed: 2/s, 5 at once", [](auto seed) { return policed_path(random_loss(0, seed), 2, 5); }},
      {"echoes policed: 5/s, 10 at once",
       [](auto seed) { return policed_path(random_loss(0, seed), 5, 10); }},
      {"targets 5, 150 and 150 ms away",
       [](auto seed) { return other_rtt_of_first_target(random_loss(0.01, seed, 150ms), 5ms); }},
      {"targets 150, 5 and 5 ms away",
       [](auto seed) { return other_rtt_of_first_target(random_loss(0.01, seed, 5ms), 150ms); }},
      {"asymmetric, 1 % there, 4 % back", [](auto seed) { return asymmetric(0.01, 0.04, seed); }},
      {"RTT 20 to 400 ms in 10 s", [](auto seed) { return drifting_rtt(311700ms, seed); }},
      {"bufferbloat, 1 s each minute", [](auto seed) { return bufferbloat_spikes(61700ms, seed); }},
      {"RTT 600 ms, loss 2 %", [](auto seed) { return random_loss(0.02, seed, 600ms); }},
  };
  return all;
}

Calm measure_calm(const SimulatedUplink& uplink, double hours, std::uint64_t seed, Depth depth) {
  const auto simulation = simulate(uplink, seed, depth);
  const Duration end = sim::hours(hours);
  simulation->run_until(kWarmUp);
  const auto before = simulation->probes(0);
  const auto asked = simulation->questions(0);
  simulation->run_until(end);
  Calm out;
  out.hours = hours;
  for (const auto& change : simulation->changes()) {
    out.suspects += change.to == HealthState::suspect ? 1 : 0;
    out.downs += change.to == HealthState::down ? 1 : 0;
  }
  out.probes_per_second = static_cast<double>(simulation->probes(0) - before) /
                          std::chrono::duration<double>(end - kWarmUp).count();
  out.questions_per_hour = static_cast<double>(simulation->questions(0) - asked) / hours;
  return out;
}

Detection measure_detection(const LinkKind::Make& link, unsigned outages, std::uint64_t seed, Depth depth) {
  return detect(link, outages, seed, depth, [](const Outages&, std::uint64_t) { return even_traffic(0); });
}

Detection measure_detection(const LinkKind::Make& link, unsigned outages, std::uint64_t seed,
                            const Traffic& traffic) {
  return detect(link, outages, seed, Depth::daemons, traffic);
}

Duration Detection::quantile(double p) const {
  if (delays.empty()) return {};
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(delays.size())));
  return delays[std::clamp<std::size_t>(rank, 1, delays.size()) - 1];
}

Duration hours(double number) {
  return Duration(std::llround(number * 3.6e12));
}

}  // namespace multilink::sim
