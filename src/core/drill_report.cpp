// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/drill_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "multilink/core/drill.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

using Json = nlohmann::ordered_json;

/// "fibre, lte" as events name the uplinks of a route.
bool names(std::string_view list, std::string_view uplink) {
  const auto words = split(list, ',');
  return std::ranges::any_of(words, [&](std::string_view word) { return trim(word) == uplink; });
}

void take_first(std::optional<Duration>& place, Duration value) {
  if (!place) place = std::max(value, Duration{});
}

/// Reads the events of one drill, oldest first.
class Reading {
 public:
  Reading(const DrillBefore& before, const std::string& id) {
    out_.uplink = before.uplink;
    out_.id = id;
    out_.waits_at_return = before.waits_at_return;
    for (const Family family : before.up) out_.families[family].carried = before.carried.contains(family);
  }

  void read(const EventRecord& event) {
    if (event.kind == "drill" && event.id == out_.id) return of_drill(event);
    if (out_.begun && event.uplink == out_.uplink) of_others(event);
    if (!out_.begun || !event.family || !out_.families.contains(*event.family)) return;
    auto& family = out_.families.at(*event.family);
    if (event.kind == "health" && event.uplink == out_.uplink) of_health(event, family);
    if (event.kind == "route") of_route(event, family);
    if (event.kind == "flows" && event.uplink == out_.uplink && !out_.ended)
      out_.moved.push_back({*event.family, event.at - *out_.begun, event.reason});
  }

  DrillReport take() { return std::move(out_); }

 private:
  void of_drill(const EventRecord& event) {
    if (event.to == "refused") {
      if (!out_.begun) out_.refused = event.reason;
    } else if (event.to == "drilled") {
      if (!out_.begun) out_.begun = event.at;
    } else if (!out_.ended) {
      out_.ended = event.at;
      out_.end_reason = event.reason;
      if (event.reason != kDrillLasted) cut_short(event.reason);
    }
  }

  /// Once it is back, what becomes of it is no business of the drill's.
  void of_others(const EventRecord& event) {
    if (out_.came_back()) return;
    if (event.kind == "admin" && event.to != "in use") cut_short(event.reason);
    if (event.kind == "link" && event.to != "ok") cut_short(cat("it failed in earnest: ", event.reason));
  }

  void cut_short(const std::string& why) {
    if (out_.cut_short.empty()) out_.cut_short = why;
  }

  void of_health(const EventRecord& event, DrillReport::PerFamily& family) const {
    if (event.from == "up") take_first(family.noticed, event.at - *out_.begun);
    family.up_again.reset();
    if (event.to == "up" && out_.ended) family.up_again = std::max(event.at - *out_.ended, {});
  }

  void of_route(const EventRecord& event, DrillReport::PerFamily& family) const {
    const bool was = names(event.from, out_.uplink);
    const bool is = names(event.to, out_.uplink);
    if (was && !is) {
      if (!family.switched) family.to = event.to;
      take_first(family.switched, event.at - *out_.begun);
      family.returned.reset();
    } else if (is && !was && out_.ended) {
      family.returned = std::max(event.at - *out_.ended, {});
    }
  }

  DrillReport out_;
};

std::string span(const std::optional<Duration>& length, std::string_view otherwise) {
  return length ? format_milliseconds(*length, 0) : std::string(otherwise);
}

Json span(const std::optional<Duration>& length) {
  if (!length) return {};
  return std::chrono::duration_cast<std::chrono::milliseconds>(*length).count();
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

/// Of connections that could not go by the new route: empty where none was open for longer.
std::string open_until(Family family, Duration switched, const DrillReport& report) {
  Duration last = switched;
  for (const auto& moved : report.moved) {
    if (moved.family == family) last = std::max(last, moved.after);
  }
  return last > switched ? cat("; what was open then, up to ", format_milliseconds(last, 0)) : std::string();
}

std::string family_lines(Family family, const DrillReport::PerFamily& one, const DrillReport& report) {
  std::string out =
      cat("IPv", to_string(family), one.carried ? "" : " (the default route was on another)", '\n');
  out += cat("  noticed after         ", span(one.noticed, "- (not while it lasted)"), '\n');
  if (one.carried) {
    out += cat("  route switched after  ", span(one.switched, "- (it did not)"),
               one.to.empty() ? "" : cat(", to ", printable(one.to)), '\n');
  }
  if (const auto felt = one.felt())
    out += cat("  users felt            ", format_milliseconds(*felt, 0), " without an answer",
               open_until(family, *felt, report), '\n');
  for (const auto& moved : report.moved) {
    if (moved.family != family) continue;
    out += cat("  flows moved after     ", format_milliseconds(moved.after, 0), ": ", printable(moved.reason),
               '\n');
  }
  out += cat("  up again              ",
             one.up_again ? cat(format_milliseconds(*one.up_again, 0), " after the end") : "-", '\n');
  if (one.carried) {
    const auto otherwise = report.waits_at_return ? "- (failback = manual)" : "-";
    out += cat("  traffic back          ",
               one.returned ? cat(format_milliseconds(*one.returned, 0), " after the end") : otherwise, '\n');
  }
  return out;
}

/// TrafficRhythm sees no silence in a drill.
constexpr std::string_view kSoonerInEarnest =
    "Under users' traffic a real failure may be noticed sooner: the device's counters see what a drill "
    "drops.\n";

std::string verdict(const DrillReport& report) {
  if (!report.refused.empty()) return "refused";
  if (!report.cut_short.empty()) return cat("cut short: ", printable(report.cut_short));
  if (report.families.empty()) return "it was not up: there was nothing to notice";
  if (std::ranges::none_of(report.families, [](const auto& entry) { return entry.second.carried; })) {
    if (!report.failed_over()) return "the default route was on another; it was not noticed to be silent";
    return report.came_back() ? "the default route was on another; it was noticed and came back"
                              : "the default route was on another; it was noticed and did not come back";
  }
  if (!report.failed_over()) return "it did not fail over";
  return report.came_back() ? "it failed over and came back" : "it failed over and did not come back";
}

}  // namespace

std::optional<Duration> DrillReport::PerFamily::felt() const {
  return carried ? switched : std::nullopt;
}

bool DrillReport::failed_over() const {
  return begun && std::ranges::all_of(families, [](const auto& entry) {
           return entry.second.noticed && (!entry.second.carried || entry.second.switched);
         });
}

bool DrillReport::came_back() const {
  return ended && std::ranges::all_of(families, [&](const auto& entry) {
           const auto& one = entry.second;
           const bool is_up = !one.noticed || one.up_again;
           return is_up && (!one.carried || !one.switched || one.returned || waits_at_return);
         });
}

DrillReport make_drill_report(const DrillBefore& before, const std::string& id,
                              const std::vector<EventRecord>& events) {
  Reading reading(before, id);
  std::for_each(events.rbegin(), events.rend(), [&](const EventRecord& event) { reading.read(event); });
  return reading.take();
}

std::string render_drill_text(const DrillReport& report) {
  std::string out = cat("Drill of ", report.uplink, ": ", verdict(report), '\n');
  if (!report.refused.empty()) return out + cat("  ", printable(report.refused), '\n');
  if (report.begun) out += cat("  from ", format_utc(*report.begun), '\n');
  if (report.ended)
    out += cat("  to   ", format_utc(*report.ended), " (", printable(report.end_reason), ")\n");
  for (const auto& [family, one] : report.families) out += family_lines(family, one, report);
  if (std::ranges::any_of(report.families, [](const auto& entry) { return entry.second.felt().has_value(); }))
    out += kSoonerInEarnest;
  return out;
}

std::string render_drill_json(const DrillReport& report) {
  Json families = Json::object();
  for (const auto& [family, one] : report.families) {
    families[std::string(to_string(family))] = {{"carried", one.carried},
                                                {"noticed_ms", span(one.noticed)},
                                                {"switched_ms", span(one.switched)},
                                                {"felt_ms", span(one.felt())},
                                                {"to", text_or_null(one.to)},
                                                {"up_again_ms", span(one.up_again)},
                                                {"returned_ms", span(one.returned)}};
  }
  Json moved = Json::array();
  for (const auto& one : report.moved) {
    moved.push_back(
        {{"family", to_string(one.family)}, {"after_ms", span(one.after)}, {"reason", one.reason}});
  }
  const auto at = [](const std::optional<WallTime>& time) { return time ? Json(format_utc(*time)) : Json(); };
  const Json out{{"version", 1},
                 {"uplink", report.uplink},
                 {"id", report.id},
                 {"refused", text_or_null(report.refused)},
                 {"begun", at(report.begun)},
                 {"ended", at(report.ended)},
                 {"end_reason", text_or_null(report.end_reason)},
                 {"cut_short", text_or_null(report.cut_short)},
                 {"failed_over", report.failed_over()},
                 {"came_back", report.came_back()},
                 {"families", families},
                 {"moved", moved}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace multilink
