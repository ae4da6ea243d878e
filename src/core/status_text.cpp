// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_text.hpp"

#include <algorithm>

#include "multilink/core/event_text.hpp"
#include "multilink/core/status_words.hpp"
#include "multilink/core/terminal_text.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

namespace {

constexpr std::size_t kMostText = 200;  // bytes of one untrusted text on a line
constexpr std::size_t kMostOfAWarning = 512;

std::string safe(std::string_view text) {
  return printable(text, kMostText);
}

std::string in_colour(std::string text, TextColour colour, StatusPaint paint) {
  return paint == StatusPaint::colour ? painted(text, colour) : std::move(text);
}

TextColour colour_of(HealthState state) {
  switch (state) {
    case HealthState::up:
      return TextColour::green;
    case HealthState::suspect:
      return TextColour::yellow;
    case HealthState::down:
      return TextColour::red;
    case HealthState::unknown:
      break;
  }
  return TextColour::cyan;
}

TextColour colour_of(StatusLevel level) {
  switch (level) {
    case StatusLevel::ok:
      return TextColour::green;
    case StatusLevel::attention:
      return TextColour::yellow;
    case StatusLevel::failed:
      return TextColour::red;
    case StatusLevel::unknown:
      break;
  }
  return TextColour::cyan;
}

std::string uplink_table(const StatusSnapshot& snapshot, StatusPaint paint) {
  std::vector<std::vector<std::string>> rows{
      {"UPLINK", "FAMILY", "STATE", "STATUS", "TRAFFIC", "LOSS", "RTT", "JITTER", "SINCE", "REASON"}};
  for (const auto& uplink : snapshot.uplinks) {
    for (const Family family : families_shown(uplink)) {
      const UplinkWords words = describe(snapshot, uplink, family);
      const auto* health = family_health(uplink, family);
      rows.push_back({safe(uplink.name), cat("IPv", to_string(family)),
                      in_colour(cat(to_string(words.state), words.order), colour_of(words.state), paint),
                      words.status, words.traffic, words.loss, words.rtt, words.jitter,
                      health != nullptr ? format_span(snapshot.at - health->since) : "-",
                      safe(remarks(snapshot, uplink, family))});
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

std::string daemon_lines(const StatusSnapshot& snapshot, StatusPaint paint) {
  std::string out;
  for (const auto& daemon : snapshot.daemons) {
    out += cat("  ", safe(daemon.name), ": ");
    out += daemon.record ? cat("runs since ", format_span(snapshot.at - daemon.record->started), ", process ",
                               daemon.record->pid, ", version ", safe(daemon.record->version))
                         : cat(in_colour("does not report", TextColour::red, paint), ": ",
                               safe(daemon.record.error().message));
    out += '\n';
  }
  return out;
}

std::string event_lines(const StatusSnapshot& snapshot) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& event : snapshot.events) {
    rows.push_back({cat("  ", format_utc(event.at)), safe(event.kind), safe(event.uplink),
                    event.family ? cat("IPv", to_string(*event.family)) : "", safe(change_of(event, "->")),
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

std::string render_headline(const StatusSummary& summary, StatusPaint paint) {
  return cat(in_colour(std::string(to_string(summary.level)), colour_of(summary.level), paint), ": ",
             safe(summary.sentence), '\n');
}

std::string render_status_text(const StatusSnapshot& snapshot, StatusPaint paint) {
  const StatusSummary summary = summarize(snapshot);
  std::string out = render_headline(summary, paint);
  for (const auto& finding : summary.findings) out += cat("  - ", safe(finding), '\n');
  if (!snapshot.uplinks.empty()) out += cat('\n', uplink_table(snapshot, paint));
  out += warning_lines(snapshot);
  out += policy_lines(snapshot);
  out += cat("\nDaemons\n", daemon_lines(snapshot, paint), "\nLast events\n", event_lines(snapshot));
  if (!snapshot.problems.empty()) out += "\nRefused records\n";
  for (const auto& problem : snapshot.problems) {
    out += cat("  ", safe(problem.where), ": ", safe(problem.reason), '\n');
  }
  return out;
}

}  // namespace multilink
