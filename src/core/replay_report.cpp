// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/replay_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration since_begin(const LinkReplay::Change& change) {
  return change.decided - kReplayStart;
}

std::string moment(const ReplayReport& report, const LinkReplay::Change& change) {
  const Duration since = since_begin(change);
  if (!report.begin) return cat("+", format_decimal(seconds(since), 3), " s");
  return format_utc(*report.begin + std::chrono::floor<std::chrono::milliseconds>(since));
}

Duration time_not_up(const std::vector<LinkReplay::Change>& changes, MonoTime end) {
  Duration out{};
  std::optional<MonoTime> left;
  for (const auto& [transition, decided] : changes) {
    if (transition.from == HealthState::up) left = decided;
    if (transition.to == HealthState::up && left) out += decided - *std::exchange(left, std::nullopt);
  }
  return left ? out + (end - *left) : out;
}

}  // namespace

ReplayReport describe_trace(std::string what, const LinkTrace& trace, std::optional<WallTime> begin) {
  ReplayReport report;
  report.what = std::move(what);
  report.probes = trace.size();
  report.lost = static_cast<std::size_t>(
      std::ranges::count_if(trace, [](const TraceSample& sample) { return !sample.rtt; }));
  report.length = trace.back().at;
  report.begin = begin;
  return report;
}

ReplayRun replay_trace(std::string name, const UplinkConfig& uplink, const LinkTrace& trace) {
  TracePlayer player(trace);
  LinkReplay replay(
      uplink, [&](MonoTime at, const IpAddress&) { return player.carry(at - kReplayStart); }, kReplayStart);
  const MonoTime end = kReplayStart + trace.back().at;
  replay.run_until(end);

  ReplayRun run;
  run.name = std::move(name);
  run.changes = replay.take_changes();
  for (const auto& change : run.changes) {
    run.suspects += change.transition.to == HealthState::suspect ? 1 : 0;
    run.downs += change.transition.to == HealthState::down ? 1 : 0;
  }
  run.not_up = time_not_up(run.changes, end);
  run.probes_per_second = static_cast<double>(replay.regular_probes() + replay.burst_probes()) /
                          std::max(1.0, seconds(trace.back().at));
  return run;
}

std::string render_replay_text(const ReplayReport& report) {
  const double share = 100.0 * static_cast<double>(report.lost) / static_cast<double>(report.probes);
  std::string out = cat(report.what, ": ", report.probes, " probes over ", format_span(report.length), ", ",
                        report.lost, " lost (", format_decimal(share, 1), " %)\n\n");
  std::vector<std::vector<std::string>> rows{{"SETTINGS", "SUSPECT", "DOWN", "NOT UP", "PROBES/S"}};
  for (const auto& run : report.runs) {
    rows.push_back({run.name, cat(run.suspects), cat(run.downs),
                    cat(format_decimal(seconds(run.not_up), 1), " s"),
                    format_decimal(run.probes_per_second, 2)});
  }
  out += align_columns(rows);
  for (const auto& run : report.runs) {
    out += cat("\n", run.name, ":\n");
    for (const auto& change : run.changes) {
      const auto& [transition, decided] = change;
      out += cat("  ", moment(report, change), "  ", to_string(transition.from), " -> ",
                 to_string(transition.to), ": ", transition.reason, "\n");
    }
    if (run.changes.empty()) out += "  nothing\n";
  }
  return out;
}

std::string render_replay_json(const ReplayReport& report) {
  nlohmann::ordered_json out{{"version", 1},
                             {"what", report.what},
                             {"probes", report.probes},
                             {"lost", report.lost},
                             {"seconds", seconds(report.length)},
                             {"begin", nullptr},
                             {"runs", nlohmann::ordered_json::array()}};
  if (report.begin) out["begin"] = format_utc(*report.begin);
  for (const auto& run : report.runs) {
    nlohmann::ordered_json changes = nlohmann::ordered_json::array();
    for (const auto& change : run.changes) {
      changes.push_back({{"at_seconds", seconds(since_begin(change))},
                         {"from", to_string(change.transition.from)},
                         {"to", to_string(change.transition.to)},
                         {"reason", change.transition.reason}});
    }
    out["runs"].push_back({{"settings", run.name},
                           {"suspects", run.suspects},
                           {"downs", run.downs},
                           {"not_up_seconds", seconds(run.not_up)},
                           {"probes_per_second", run.probes_per_second},
                           {"changes", std::move(changes)}});
  }
  return out.dump(2) + "\n";
}

}  // namespace multilink
