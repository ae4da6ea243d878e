// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_page.hpp"

#include <algorithm>

#include "multilink/core/event_text.hpp"
#include "multilink/core/html.hpp"
#include "multilink/core/page_frame.hpp"
#include "multilink/core/status_summary.hpp"
#include "multilink/core/status_words.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {

namespace {

/// The class of a state's colour: the same four as the verdict's.
std::string_view level_class(HealthState state) {
  switch (state) {
    case HealthState::up:
      return "ok";
    case HealthState::suspect:
      return "attention";
    case HealthState::down:
      return "failed";
    case HealthState::unknown:
      break;
  }
  return "unknown";
}

std::string time_element(WallTime time, std::string_view shown) {
  const std::string utc = format_utc(time);
  if (utc.empty()) return "unknown";
  return cat("<time datetime=\"", utc, "\" title=\"", utc, "\">", shown, "</time>");
}

std::string ago(WallTime time, WallTime now) {
  return time_element(time, cat(format_span(now - time), " ago"));
}

std::string cell(std::string_view label, std::string_view html) {
  return cat("<td data-label=\"", label, "\"><span>", html, "</span></td>");
}

std::string head_row(const std::vector<std::string_view>& titles) {
  std::string out = "<thead><tr>";
  for (const auto title : titles) out += cat("<th scope=\"col\">", title, "</th>");
  return out += "</tr></thead>\n<tbody>\n";
}

std::string uplink_title(const UplinkStatus& uplink, Family family) {
  std::string out = cat("<strong>", html_text(uplink.name), "</strong>");
  if (families_shown(uplink).size() > 1) out += cat(" IPv", to_string(family));
  if (uplink.link && uplink.link->device != uplink.name) {
    out += cat(" <span class=\"faint\">", html_text(uplink.link->device), "</span>");
  }
  return out;
}

/// With the weight where another one has the same precedence: these share the traffic.
std::string place(const StatusSnapshot& snapshot, const UplinkStatus& uplink) {
  if (!uplink.health) return "-";
  const auto& own = *uplink.health;
  const auto alike = std::ranges::count_if(snapshot.uplinks, [&](const UplinkStatus& each) {
    return each.health && each.health->precedence == own.precedence;
  });
  return alike > 1 ? cat(own.precedence, ", weight ", own.weight) : cat(own.precedence);
}

std::string uplink_row(const StatusSnapshot& snapshot, const UplinkStatus& uplink, Family family) {
  const UplinkWords words = describe(snapshot, uplink, family);
  const auto* health = family_health(uplink, family);
  std::string out = cat("<tr><th scope=\"row\"><span>", uplink_title(uplink, family), "</span></th>");
  out += cell("State", cat("<span class=\"state ", level_class(words.state), "\">", to_string(words.state),
                           "</span>", words.order));
  out += cell("Status", words.status);
  out += cell("Precedence", place(snapshot, uplink));
  out += cell("Traffic", words.traffic);
  out += cell("Loss", words.loss);
  out += cell("RTT", words.rtt);
  out += cell("Jitter", words.jitter);
  out += cell("Last probe", html_text(words.last_probe));
  out += cell("Since", health != nullptr ? ago(health->since, snapshot.at) : "unknown");
  out += cell("Reason", html_text(remarks(snapshot, uplink, family)));
  return out += "</tr>\n";
}

std::string uplink_table(const StatusSnapshot& snapshot) {
  if (snapshot.uplinks.empty()) return {};
  std::string out = "<h2>Uplinks</h2>\n<table>\n<caption>Best first</caption>\n";
  out += head_row({"Uplink", "State", "Status", "Precedence", "Traffic", "Loss", "RTT", "Jitter",
                   "Last probe", "Since", "Reason"});
  for (const auto& uplink : snapshot.uplinks) {
    for (const Family family : families_shown(uplink)) out += uplink_row(snapshot, uplink, family);
  }
  return out += "</tbody>\n</table>\n";
}

/// Nothing where there is no web proxy.
std::string proxy_table(const StatusSnapshot& snapshot) {
  constexpr double kPercent = 100;
  std::string rows;
  for (const auto& uplink : snapshot.uplinks) {
    if (!uplink.proxy) continue;
    const auto& proxy = *uplink.proxy;
    rows += cat("<tr><th scope=\"row\"><span>", html_text(uplink.name), "</span></th>");
    rows += cell("Used", proxy.usable ? "yes" : "no");
    rows += cell("Share", cat(format_decimal(proxy.share * kPercent, 1), " %"));
    rows += cell("Requests", proxy.parent ? cat(proxy.parent->requests) : "it does not answer");
    rows += cell("Errors", proxy.parent ? cat(proxy.parent->errors) : "-");
    rows += "</tr>\n";
  }
  if (rows.empty()) return {};
  return cat("<h2>Web proxy</h2>\n<table>\n<caption>The parent of each uplink</caption>\n",
             head_row({"Uplink", "Used", "Share", "Requests", "Errors"}), rows, "</tbody>\n</table>\n");
}

std::string policy_table(const StatusSnapshot& snapshot) {
  const auto policies = policies_shown(snapshot);
  if (policies.empty()) return {};
  std::string out = "<h2>Policies</h2>\n<table>\n";
  out += head_row({"Policy", "Family", "Uplink"});
  for (const auto& [policy, family, uplink] : policies) {
    out += cat("<tr><th scope=\"row\"><span>", html_text(policy), "</span></th>");
    out += cell("Family", cat("IPv", to_string(family)));
    out += cell("Uplink", uplink.empty() ? "<span class=\"state failed\">refused</span>" : html_text(uplink));
    out += "</tr>\n";
  }
  return out += "</tbody>\n</table>\n";
}

/// As exact as it is of use: "0.25 ms", "148 ms", "3.1 s".
std::string measured_time(Duration time) {
  constexpr auto kWholeMilliseconds = std::chrono::milliseconds(10);
  if (time < kWholeMilliseconds) return format_milliseconds(time, 3);
  if (std::chrono::round<std::chrono::milliseconds>(time) < std::chrono::seconds(1))
    return format_milliseconds(time, 0);
  return cat(format_decimal(std::chrono::duration<double>(time).count(), 1), " s");
}

/// The event's measured times, in words.
std::string measured(const EventRecord& event) {
  const bool is_route = event.kind == "route" || event.kind == "policy";
  std::string out;
  if (event.took) {
    const auto what = is_route                 ? "route switched in "
                      : event.kind == "health" ? "noticed after "
                      : event.kind == "flows"  ? "flows moved in "
                                               : "took ";
    out = cat(what, measured_time(*event.took));
  }
  if (event.chain && is_route) {
    out += cat(out.empty() ? "" : "; ", "in the kernel ", measured_time(*event.chain),
               " after the deciding probe");
  }
  return out;
}

std::string event_row(const EventRecord& event, WallTime now) {
  std::string subject = cat(event.kind, event.uplink.empty() ? "" : " ", event.uplink);
  if (event.family) subject += cat(" IPv", to_string(*event.family));
  std::string out =
      cat("<tr><th scope=\"row\"><span>", time_element(event.at, format_utc(event.at)), "</span></th>");
  out += cell("Ago", format_span(now - event.at));
  out += cell("What", html_text(subject));
  out += cell("Change", html_text(change_of(event, "\u2192")));
  out += cell("Measured", measured(event));
  out += cell("Reason", html_text(event.reason));
  return out += "</tr>\n";
}

std::string event_table(const StatusSnapshot& snapshot) {
  std::string out = "<h2>Last events</h2>\n";
  if (snapshot.events.empty()) return out += "<p>None yet.</p>\n";
  out += "<table>\n<caption>Newest first</caption>\n";
  out += head_row({"Time", "Ago", "What", "Change", "Measured", "Reason"});
  for (const auto& event : snapshot.events) out += event_row(event, snapshot.at);
  return out += "</tbody>\n</table>\n";
}

std::string daemon_list(const StatusSnapshot& snapshot) {
  std::string out = "<h2>Daemons</h2>\n<ul>\n";
  for (const auto& daemon : snapshot.daemons) {
    out += cat("<li><strong>", html_text(daemon.name), "</strong> ");
    if (daemon.record) {
      out += cat("<span class=\"ok\">runs</span>, version ", html_text(daemon.record->version), ", process ",
                 daemon.record->pid, ", started ", ago(daemon.record->started, snapshot.at));
    } else {
      out += cat("<span class=\"failed\">does not report</span>: ", html_text(daemon.record.error().message));
    }
    out += "</li>\n";
  }
  return out += "</ul>\n";
}

std::string problem_list(const StatusSnapshot& snapshot) {
  if (snapshot.problems.empty()) return {};
  std::string out = "<h2>Refused records</h2>\n<ul>\n";
  for (const auto& problem : snapshot.problems) {
    out += cat("<li>", html_text(problem.where), ": ", html_text(problem.reason), "</li>\n");
  }
  return out += "</ul>\n";
}

std::string warning_list(const StatusSnapshot& snapshot) {
  if (!snapshot.routing || snapshot.routing->warnings.empty()) return {};
  std::string out = "<h2>Warnings about this host</h2>\n<ul>\n";
  for (const auto& warning : snapshot.routing->warnings) out += cat("<li>", html_text(warning), "</li>\n");
  return out += "</ul>\n";
}

/// A piece of the page that its script takes over when it is new.
std::string part(std::string_view id, std::string_view html) {
  return cat("<div id=\"", id, "\" data-part=\"\">", html, "</div>\n");
}

std::string range_links(ChartRange shown) {
  std::string out = "<h2>History</h2>\n<nav aria-label=\"Range of the charts\">";
  for (const auto range : kChartRanges) {
    const auto current = range == shown ? " aria-current=\"page\"" : "";
    const auto word =
        range == shown ? cat("<strong>", to_string(range), "</strong>") : std::string(to_string(range));
    out += cat("<a href=\"?range=", to_string(range), '"', current, '>', word, "</a> ");
  }
  return out += cat("<a href=\"?format=csv&amp;range=", to_string(shown), "\">as CSV</a></nav>\n");
}

std::string history_of(const StatusSnapshot& snapshot, ChartRange range) {
  std::string out;
  for (const auto& uplink : snapshot.uplinks) {
    for (const auto& [family, shown] : uplink.history) {
      out += cat("<h3>", uplink_title(uplink, family), "</h3>\n", render_state_strip(shown.day));
      out += render_charts(shown.chart.records.empty() ? shown.day : shown.chart, range);
    }
  }
  return out.empty() ? "<p>None yet.</p>\n" : out;
}

std::string verdict(const StatusSummary& summary) {
  std::string out =
      cat("<p class=\"verdict ", to_string(summary.level), "\">", html_text(summary.sentence), "</p>\n");
  if (summary.findings.empty()) return out;
  out += "<ul>\n";
  for (const auto& finding : summary.findings) out += cat("<li>", html_text(finding), "</li>\n");
  return out += "</ul>\n";
}

}  // namespace

std::string render_status_page(const StatusSnapshot& snapshot, ChartRange range) {
  const StatusSummary summary = summarize(snapshot);
  std::string out = cat("<header>\n<h1>multilink \u00b7 ", html_text(snapshot.site), "</h1>\n");
  out +=
      "<p id=\"stale\" class=\"verdict failed\" role=\"alert\" hidden=\"\">No answer: what is shown is "
      "old.</p>\n";
  out += cat("<div id=\"verdict\" data-part=\"\" aria-live=\"polite\">", verdict(summary),
             "</div>\n</header>\n<main>\n");
  out += part("now", cat(uplink_table(snapshot), proxy_table(snapshot), policy_table(snapshot),
                         warning_list(snapshot)));
  out += cat(range_links(range), part("history", history_of(snapshot, range)));
  out += part("events", event_table(snapshot));
  out += part("suite", cat(daemon_list(snapshot), problem_list(snapshot)));
  out += cat("</main>\n<footer>",
             part("read", cat("Read at ", time_element(snapshot.at, format_utc(snapshot.at)), ".")),
             "<noscript>This page loads itself anew every ", kRefreshSeconds, " s.</noscript></footer>\n");
  return page_frame(cat(to_string(summary.level), ": multilink ", snapshot.site), out, PageLife::live);
}

std::string render_unavailable_page(std::string_view reason) {
  std::string out =
      "<header>\n<h1>multilink</h1>\n<p class=\"verdict unknown\">The status cannot be read.</p>\n";
  out += cat("</header>\n<main>\n<p>", html_text(reason), "</p>\n<h2>What still works</h2>\n<ul>\n");
  out += "<li>Traffic: the kernel keeps the routes that were in force, also without any daemon.</li>\n";
  out += "<li>routed, if it runs: it still reacts to a lost carrier, address or gateway.</li>\n";
  out += "<li>All daemons join again by themselves within a second once Redis is back.</li>\n</ul>\n";
  out += "<p>On the host: <code>ip route</code> shows the route in force, ";
  out += "<code>systemctl status multilink.target multilink-redis</code> what runs.</p>\n</main>\n";
  out += "<footer>This page tries again by itself.</footer>\n";
  return page_frame("unknown: multilink", out, PageLife::retried);
}

std::string render_message_page(std::string_view title, std::string_view text) {
  return page_frame(title, cat("<main>\n<h1>multilink</h1>\n<p class=\"verdict\">", html_text(title),
                               "</p>\n<p>", html_text(text), "</p>\n</main>\n"));
}

std::string_view page_security_policy() {
  static const std::string policy =
      cat("default-src 'none'; style-src ", page_style_hash(), "; script-src ", page_script_hashes(),
          "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return policy;
}

}  // namespace multilink
