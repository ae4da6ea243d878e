// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_text.hpp"

#include <algorithm>

#include "multilink/core/status_summary.hpp"
#include "multilink/core/status_words.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

namespace {

constexpr std::size_t kMostText = 200;  // bytes of one untrusted text on a line
constexpr std::size_t kMostOfAWarning = 512;

std::string safe(std::string_view text) {
  return printable(text, kMostText);
}

std::string uplink_table(const StatusSnapshot& snapshot) {
  std::vector<std::vector<std::string>> rows{
      {"UPLINK", "FAMILY", "STATE", "STATUS", "TRAFFIC", "LOSS", "RTT", "JITTER", "SINCE", "REASON"}};
  for (const auto& uplink : snapshot.uplinks) {
    for (const Family family : families_shown(uplink)) {
      const UplinkWords words = describe(snapshot, uplink, family);
      const auto* health = family_health(uplink, family);
      rows.push_back({safe(uplink.name), cat("IPv", to_string(family)),
                      cat(to_string(words.state), words.order), words.status, words.traffic, words.loss,
                      words.rtt, words.jitter,
                      health != nullptr ? format_span(snapshot.at - health->since) : "-",
                      safe(remarks(uplink, family))});
    }
  }
  return align_columns(rows);
}

std::string policy_lines(const StatusSnapshot& snapshot) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [policy, family, uplink] : policies_shown(snapshot)) {
    rows.push_back({cat("  ", safe(policy)), cat("IPv", to_string(family)),
                    uplink.empty() ? "refused" : cat("by ", safe(uplink))});
  }
  return rows.empty() ? "" : cat("\nPolicies\n", align_columns(rows));
}

std::string daemon_lines(const StatusSnapshot& snapshot) {
  std::string out;
  for (const auto& daemon : snapshot.daemons) {
    out += cat("  ", safe(daemon.name), ": ");
    out += daemon.record ? cat("runs since ", format_span(snapshot.at - daemon.record->started), ", process ",
                               daemon.record->pid, ", version ", safe(daemon.record->version))
                         : cat("does not report: ", safe(daemon.record.error().message));
    out += '\n';
  }
  return out;
}

std::string event_lines(const StatusSnapshot& snapshot) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& event : snapshot.events) {
    const std::string change =
        event.from.empty() && event.to.empty() ? "" : cat(event.from, " -> ", event.to);
    rows.push_back({cat("  ", format_utc(event.at)), safe(event.kind), safe(event.uplink),
                    event.family ? cat("IPv", to_string(*event.family)) : "", safe(change),
                    safe(event.reason)});
  }
  return rows.empty() ? "  none yet\n" : align_columns(rows);
}

std::string warning_lines(const StatusSnapshot& snapshot) {
  if (!snapshot.routing || snapshot.routing->warnings.empty()) return {};
  std::string out = "\nWarnings about this host\n";
  for (const auto& warning : snapshot.routing->warnings)
    out += cat("  ", printable(warning, kMostOfAWarning), '\n');
  return out;
}

}  // namespace

std::string render_status_text(const StatusSnapshot& snapshot) {
  const StatusSummary summary = summarize(snapshot);
  std::string out = cat(to_string(summary.level), ": ", safe(summary.sentence), '\n');
  for (const auto& finding : summary.findings) out += cat("  - ", safe(finding), '\n');
  if (!snapshot.uplinks.empty()) out += cat('\n', uplink_table(snapshot));
  out += warning_lines(snapshot);
  out += policy_lines(snapshot);
  out += cat("\nDaemons\n", daemon_lines(snapshot), "\nLast events\n", event_lines(snapshot));
  if (!snapshot.problems.empty()) out += "\nRefused records\n";
  for (const auto& problem : snapshot.problems) {
    out += cat("  ", safe(problem.where), ": ", safe(problem.reason), '\n');
  }
  return out;
}

}  // namespace multilink
