// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "multilink/core/text.hpp"
#include "sim/measure.hpp"

namespace multilink::sim {
namespace {

constexpr auto kUsage = R"(Usage: simulate [--hours N] [--seed N] [--json]

What the suite at its default settings makes of simulated links: per kind of link, false suspects and false downs per
hour and probes per second while the link works (N hours each, default 10), and how long a failure takes to be noticed,
without users' traffic and at 1000 packets a second.
)";

struct Row {
  Calm calm;
  Detection idle;
  Detection busy;
};

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

Row measure(const LinkKind& kind, double hours, std::uint64_t seed) {
  const auto outages = static_cast<unsigned>(std::clamp(hours, 20.0, 200.0));
  return {measure_calm({.link = kind.make(seed)}, hours, seed, Depth::cores),
          measure_detection(kind.make, outages, seed, Depth::cores),
          measure_detection(kind.make, outages, seed,
                            [](const Outages& all, std::uint64_t) { return even_traffic(1000, all); })};
}

std::vector<Row> measure_all(double hours, std::uint64_t seed) {
  const auto& kinds = link_kinds();
  std::vector<Row> rows(kinds.size());
  std::atomic<std::size_t> next{0};
  std::mutex printing;
  const auto work = [&] {
    for (std::size_t i = next++; i < kinds.size(); i = next++) {
      rows[i] = measure(kinds[i], hours, seed);
      const std::lock_guard lock(printing);
      std::cerr << "  " << kinds[i].name << ": done\n";
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
  threads.clear();
  return rows;
}

void print_delay(const Detection& detection) {
  std::printf(" %5.0f / %5.0f", milliseconds(detection.quantile(0.5)),
              milliseconds(detection.quantile(0.99)));
}

void print_table(const std::vector<Row>& rows) {
  std::puts(
      "link                              suspects/h  downs/h  probes/s  noticed after, ms: idle p50/p99  "
      "1000/s p50/p99  "
      "missed");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [calm, idle, busy] = rows[i];
    std::printf("%-33s %10.4f %8.4f %9.2f                ", link_kinds()[i].name.c_str(),
                calm.suspects / calm.hours, calm.downs / calm.hours, calm.probes_per_second);
    print_delay(idle);
    std::printf("  ");
    print_delay(busy);
    std::printf("  %u of %u\n", idle.missed + busy.missed, idle.outages + busy.outages);
  }
}

nlohmann::json to_json(const Detection& detection) {
  return {{"outages", detection.outages},
          {"missed", detection.missed},
          {"p50_ms", milliseconds(detection.quantile(0.5))},
          {"p99_ms", milliseconds(detection.quantile(0.99))}};
}

void print_json(const std::vector<Row>& rows) {
  auto out = nlohmann::json::array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [calm, idle, busy] = rows[i];
    out.push_back({{"link", link_kinds()[i].name},
                   {"hours", calm.hours},
                   {"suspects", calm.suspects},
                   {"downs", calm.downs},
                   {"probes_per_second", calm.probes_per_second},
                   {"idle", to_json(idle)},
                   {"busy", to_json(busy)}});
  }
  std::cout << out.dump(2) << "\n";
}

int run(const std::vector<std::string_view>& arguments) {
  double hours = 10;
  std::uint64_t seed = 1;
  bool json = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto value = i + 1 < arguments.size() ? parse_decimal(arguments[i + 1]) : std::nullopt;
    if (arguments[i] == "--help") {
      std::cout << kUsage;
      return 0;
    }
    if (arguments[i] == "--json") {
      json = true;
    } else if (arguments[i] == "--hours" && value && *value > 0 && *value <= 1e5) {
      hours = *value;
      ++i;
    } else if (arguments[i] == "--seed" && value && *value >= 0 && *value <= 1e9) {
      seed = static_cast<std::uint64_t>(*value);
      ++i;
    } else {
      std::cerr << "simulate: cannot make sense of '" << arguments[i] << "'\n" << kUsage;
      return 64;
    }
  }
  const auto rows = measure_all(hours, seed);
  json ? print_json(rows) : print_table(rows);
  return 0;
}

}  // namespace
}  // namespace multilink::sim

int main(int argc, char** argv) {
  return multilink::sim::run({argv + 1, argv + argc});
}
