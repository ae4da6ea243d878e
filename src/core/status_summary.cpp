// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_summary.hpp"

#include <algorithm>
#include <set>

#include "multilink/core/status_words.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

namespace {

std::string with_family(const UplinkStatus& uplink, Family family) {
  return families_shown(uplink).size() == 1 ? uplink.name : cat(uplink.name, " (IPv", to_string(family), ')');
}

bool is_enabled(const UplinkStatus& uplink) {
  return !uplink.health || uplink.health->enabled;
}

/// An uplink in a family that is not up and should be.
struct NotUp {
  const UplinkStatus* uplink;
  Family family;
  HealthState state;
};

std::vector<NotUp> all_not_up(const StatusSnapshot& snapshot) {
  std::vector<NotUp> all;
  for (const auto& uplink : snapshot.uplinks) {
    if (!is_enabled(uplink)) continue;
    for (const Family family : families_shown(uplink)) {
      const auto* health = family_health(uplink, family);
      const auto state = health != nullptr ? health->state : HealthState::unknown;
      if (state != HealthState::up) all.push_back({&uplink, family, state});
    }
  }
  return all;
}

std::vector<std::string> uplinks_not_up(const StatusSnapshot& snapshot) {
  std::vector<std::string> findings;
  for (const auto& [uplink, family, state] : all_not_up(snapshot)) {
    const std::string reason = reason_of(*uplink, family);
    findings.push_back(
        cat(with_family(*uplink, family), " is ", to_string(state), reason.empty() ? "" : ": ", reason));
  }
  return findings;
}

/// "fibre is down. ", in the fewest words; empty: nothing is wrong with the uplinks.
std::string wrong_sentence(const StatusSnapshot& snapshot) {
  constexpr std::size_t kMostNamed = 2;
  std::set<const UplinkStatus*> uplinks;
  std::vector<std::string> clauses;
  const auto all = all_not_up(snapshot);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [uplink, family, state] = all[i];
    uplinks.insert(uplink);
    const bool in_both = i + 1 < all.size() && all[i + 1].uplink == uplink && all[i + 1].state == state;
    clauses.push_back(cat(in_both ? uplink->name : with_family(*uplink, family), " is ", to_string(state)));
    if (in_both) ++i;
  }
  if (clauses.empty()) return {};
  return clauses.size() <= kMostNamed ? cat(join(clauses, ", "), ". ")
                                      : cat(uplinks.size(), " uplinks are not up. ");
}

/// What somebody may have forgotten that he has ordered it.
std::vector<std::string> order_findings(const StatusSnapshot& snapshot) {
  std::vector<std::string> findings;
  for (const auto& uplink : snapshot.uplinks) {
    const bool carries = std::ranges::any_of(kFamilies, [&](Family family) {
      return carries_default(snapshot, uplink.name, family).value_or(false);
    });
    const auto order = uplink.health ? order_sentence(*uplink.health, carries) : "";
    if (!order.empty()) findings.push_back(cat(uplink.name, " is ", order));
  }
  if (snapshot.routing && !snapshot.routing->drill.empty()) {
    const auto& until = snapshot.routing->drill_until;
    findings.push_back(cat("a drill makes ", snapshot.routing->drill, " a black hole",
                           until ? cat(" until ", format_utc(*until)) : ""));
  }
  return findings;
}

std::vector<std::string> daemon_findings(const StatusSnapshot& snapshot) {
  std::vector<std::string> findings;
  for (const auto& daemon : snapshot.daemons) {
    if (!daemon.record) {
      findings.push_back(cat(daemon.name, " does not report (", daemon.record.error().message, "): ",
                             daemon.name == kNotifier ? "nobody is told of what happens"
                                                      : "what is shown of its work may be old"));
    }
  }
  return findings;
}

/// The names of the uplinks that carry the default of a family, in the order of precedence.
std::vector<std::string> carrying_uplinks(const StatusSnapshot& snapshot, Family family) {
  std::vector<std::string> names;
  for (const auto& uplink : snapshot.uplinks) {
    if (carries_default(snapshot, uplink.name, family).value_or(false)) names.push_back(uplink.name);
  }
  return names;
}

bool carries_anything(const StatusSnapshot& snapshot) {
  return std::ranges::any_of(kFamilies,
                             [&](Family family) { return !carrying_uplinks(snapshot, family).empty(); });
}

std::vector<std::string> routing_findings(const StatusSnapshot& snapshot) {
  if (!snapshot.routing) return {cat("routing: ", snapshot.routing.error().message)};
  if (snapshot.routing->sync != "in_sync") return {cat("routing: ", snapshot.routing->sync)};
  if (!carries_anything(snapshot)) return {"routing: no default route of multilink is in force"};
  std::vector<std::string> findings;
  for (const auto& [policy, family, uplink] : policies_shown(snapshot)) {
    if (!uplink.empty()) continue;
    findings.push_back(cat("policy ", policy, ": no uplink of its list can carry IPv", to_string(family),
                           "; its traffic is refused"));
  }
  return findings;
}

std::string carrying_clause(const std::vector<std::string>& names, std::string_view what) {
  return cat(join(names, ", "), names.size() == 1 ? " carries " : " carry ", what);
}

/// One word for both families where the same uplinks carry them, or where only one is carried at all.
std::string carrying_sentence(const StatusSnapshot& snapshot) {
  const auto v4 = carrying_uplinks(snapshot, Family::v4);
  const auto v6 = carrying_uplinks(snapshot, Family::v6);
  if (!snapshot.routing) return "Which uplink carries the traffic is not known.";
  if (v4.empty() && v6.empty()) return "No uplink of multilink carries the default route.";
  if (v4.empty() || v6.empty() || v4 == v6)
    return cat(carrying_clause(v4.empty() ? v6 : v4, "the traffic"), '.');
  return cat(carrying_clause(v4, "IPv4"), "; ", carrying_clause(v6, "IPv6"), '.');
}

/// Where all are dead, nothing is carried: the route is there.
std::string left_sentence(const StatusSnapshot& snapshot) {
  std::vector<std::string> names;
  for (const auto& uplink : snapshot.uplinks) {
    if (std::ranges::any_of(kFamilies, [&](Family family) {
          return carries_default(snapshot, uplink.name, family).value_or(false);
        })) {
      names.push_back(uplink.name);
    }
  }
  return names.empty() ? carrying_sentence(snapshot)
                       : cat("The default route stays on ", join(names, ", "), '.');
}

/// FALSE stands for "unknown" as well.
bool is_known(const UplinkStatus& uplink) {
  if (!uplink.usable || *uplink.usable || !uplink.health || !is_enabled(uplink))
    return uplink.usable.has_value();
  return std::ranges::any_of(families_shown(uplink), [&](Family family) {
    const auto* health = family_health(uplink, family);
    return health != nullptr && health->state != HealthState::unknown;
  });
}

StatusLevel level_of(const StatusSnapshot& snapshot, bool findings) {
  const auto usable = [](const UplinkStatus& uplink) { return uplink.usable && *uplink.usable; };
  const auto told = is_known;
  if (std::ranges::none_of(snapshot.uplinks, told)) return StatusLevel::unknown;
  if (std::ranges::none_of(snapshot.uplinks, usable)) {
    return std::ranges::all_of(snapshot.uplinks, told) ? StatusLevel::failed : StatusLevel::unknown;
  }
  return findings ? StatusLevel::attention : StatusLevel::ok;
}

std::string sentence_of(const StatusSnapshot& snapshot, StatusLevel level) {
  if (snapshot.uplinks.empty()) return "No uplink is known: healthd has not reported to this Redis.";
  std::string carrying = carrying_sentence(snapshot);
  switch (level) {
    case StatusLevel::ok:
      return cat("All uplinks are up. ", carrying);
    case StatusLevel::attention:
      return cat(wrong_sentence(snapshot), carrying);
    case StatusLevel::failed:
      return cat("No uplink is usable. ", left_sentence(snapshot));
    case StatusLevel::unknown:
      break;
  }
  return cat("Whether the uplinks are usable is not known. ", carrying);
}

}  // namespace

std::string_view to_string(StatusLevel level) {
  switch (level) {
    case StatusLevel::ok:
      return "ok";
    case StatusLevel::attention:
      return "attention";
    case StatusLevel::failed:
      return "failed";
    case StatusLevel::unknown:
      break;
  }
  return "unknown";
}

StatusSummary summarize(const StatusSnapshot& snapshot) {
  StatusSummary summary;
  if (const auto& refused = snapshot.config_problems; !refused.empty()) {
    summary.findings.push_back(
        cat("the configuration file is refused, daemons that run keep to what they have read before: ",
            refused.front(), refused.size() > 1 ? cat(" (and ", refused.size() - 1, " more)") : ""));
  }
  for (const auto& part : {uplinks_not_up(snapshot), order_findings(snapshot), daemon_findings(snapshot),
                           routing_findings(snapshot)}) {
    summary.findings.insert(summary.findings.end(), part.begin(), part.end());
  }
  if (!snapshot.problems.empty()) {
    summary.findings.push_back(cat("records in Redis that were refused: ", snapshot.problems.size()));
  }
  summary.level = level_of(snapshot, !summary.findings.empty());
  summary.sentence = sentence_of(snapshot, summary.level);
  return summary;
}

}  // namespace multilink
