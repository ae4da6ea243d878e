// SPDX-License-Identifier: GPL-2.0-or-later
// compare_traces: recorded probe series (see trace_folder.hpp for the folder) against multilink's detector and the rules
// of other programs. The tables that the detector's constants are chosen by.

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/text.hpp"
#include "sim/trace_comparison.hpp"
#include "sim/trace_demands.hpp"

namespace {

using namespace multilink;
using namespace multilink::sim;
using Json = nlohmann::ordered_json;

constexpr const char* kUsage =
    "usage: compare_traces DIR [--json] [--assert] [--phases N]\n"
    "  DIR       *.csv of \"seconds,rtt_ms\" and joins.json\n"
    "  --assert  exit status 1, and a list, if multilink breaks a promise\n"
    "  --phases  how often each series is followed, at other phases of the timers (3)\n";

struct Options {
  std::string folder;
  bool json = false;
  bool demands = false;
  unsigned phases = 3;
};

std::optional<Options> parse(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    const auto argument = arguments[index];
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--assert") {
      options.demands = true;
    } else if (argument == "--phases" && index + 1 < arguments.size()) {
      const auto phases = parse_number<unsigned>(arguments[++index]);
      if (!phases || *phases == 0) return std::nullopt;
      options.phases = *phases;
    } else if (!argument.starts_with('-') && options.folder.empty()) {
      options.folder = argument;
    } else {
      return std::nullopt;
    }
  }
  return options.folder.empty() ? std::nullopt : std::optional(options);
}

double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

void print_scores(const char* title, const Scores& scores) {
  std::printf("  %-38s %11s %9s %10s %10s %9s %9s\n", title, "s/h on dead", "switch/h", "evict/h",
              "sparable/h", "avail %", "best1 %");
  for (const auto& [rule, score] : scores) {
    const double hours = score.hours();
    std::printf("  %-38s %11.1f %9.1f %10.2f %10.2f %9.3f %9.3f\n", std::string(rule).c_str(),
                seconds(score.avoidable) / hours, score.switches / hours, score.evictions / hours,
                score.sparable / hours, score.availability() * 100, score.best_link_availability() * 100);
  }
}

void print_findings(const std::vector<SeriesResult>& series) {
  std::puts("multilink on each series by itself (per hour; silences over evict_after, noticed or not)\n");
  std::printf("%-38s %6s | %9s %7s %7s %8s %9s %6s | %9s %7s %9s\n", "series", "hours", "suspect/h", "down/h",
              "switch/h", "silences", "unnoticed", "wrong", "suspect/h", "down/h", "switch/h");
  std::printf("%-38s %6s | %51s | %27s\n", "", "", "segments apart", "joined");
  for (const auto& one : series) {
    const auto rate = [](std::size_t count, const Findings& of) {
      return static_cast<double>(count) / of.hours();
    };
    const auto& apart = one.apart_scores.front().score;
    const auto& joined = one.joined_scores.front().score;
    std::printf("%-38s %6.2f | %9.1f %7.2f %8.1f %8zu %9zu %6zu | %9.1f %7.2f %9.1f\n", one.name.c_str(),
                one.apart.hours(), rate(one.apart.suspects, one.apart), rate(one.apart.downs, one.apart),
                apart.switches / apart.hours(), one.apart.long_silences, one.apart.unnoticed.size(),
                one.apart.wrong_downs.size(), rate(one.joined.suspects, one.joined),
                rate(one.joined.downs, one.joined), joined.switches / joined.hours());
  }
}

void print_tables(const Comparison& comparison) {
  print_findings(comparison.series);
  std::puts(
      "\nAll rules on the links of a gateway that were recorded side by side (mean of all precedences)");
  for (const auto& group : comparison.groups) {
    std::printf("\n%s: %zu links, %zu sessions\n", group.name.c_str(), group.links, group.sessions);
    print_scores("joined", group.joined);
    print_scores("sessions apart", group.apart);
  }
  std::puts("\nAll rules on each series, beside a second uplink that always works (joined)");
  for (const auto& one : comparison.series) {
    std::printf("\n%s (%s)\n", one.name.c_str(), one.link.c_str());
    print_scores("", one.joined_scores);
  }
}

Json to_json(const Scores& scores) {
  Json out = Json::object();
  for (const auto& [rule, score] : scores) {
    const double hours = score.hours();
    out[std::string(rule)] = {{"hours", hours},
                              {"dead_seconds_per_hour", seconds(score.avoidable) / hours},
                              {"switches_per_hour", score.switches / hours},
                              {"evictions_per_hour", score.evictions / hours},
                              {"sparable_evictions_per_hour", score.sparable / hours},
                              {"availability", score.availability()},
                              {"best_link_availability", score.best_link_availability()}};
  }
  return out;
}

Json to_json(const std::vector<Findings::Case>& cases) {
  Json out = Json::array();
  for (const auto& found : cases) {
    out.push_back({{"segment", found.segment},
                   {"from_s", seconds(found.from)},
                   {"to_s", seconds(found.to)},
                   {"what", found.what}});
  }
  return out;
}

Json to_json(const Findings& findings) {
  return {{"hours", findings.hours()},
          {"suspects", findings.suspects},
          {"downs", findings.downs},
          {"long_silences", findings.long_silences},
          {"unnoticed", to_json(findings.unnoticed)},
          {"wrong_downs", to_json(findings.wrong_downs)}};
}

Json to_json(const Comparison& comparison, const std::vector<std::string>& broken) {
  Json out{{"series", Json::array()}, {"groups", Json::array()}, {"broken", broken}};
  for (const auto& one : comparison.series) {
    out["series"].push_back({{"name", one.name},
                             {"link", one.link},
                             {"apart", to_json(one.apart)},
                             {"joined", to_json(one.joined)},
                             {"apart_scores", to_json(one.apart_scores)},
                             {"joined_scores", to_json(one.joined_scores)}});
  }
  for (const auto& group : comparison.groups) {
    out["groups"].push_back({{"name", group.name},
                             {"links", group.links},
                             {"sessions", group.sessions},
                             {"apart", to_json(group.apart)},
                             {"joined", to_json(group.joined)}});
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse({argv + 1, argv + argc});
  if (!options) {
    std::cerr << kUsage;
    return 2;
  }
  const auto folder = read_trace_folder(options->folder);
  if (!folder) {
    std::cerr << "compare_traces: " << folder.error().message << "\n";
    return 2;
  }
  const auto comparison = compare_traces(*folder, options->phases);
  const auto broken = broken_demands(comparison);
  if (options->json) {
    std::cout << to_json(comparison, broken).dump(2) << "\n";
  } else {
    print_tables(comparison);
  }
  if (!options->demands) return 0;
  for (const auto& line : broken) std::cerr << "broken: " << line << "\n";
  return broken.empty() ? 0 : 1;
}
