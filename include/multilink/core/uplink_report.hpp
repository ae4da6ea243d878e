// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multilink/core/history_series.hpp"
#include "multilink/core/records.hpp"

namespace multilink {

/// How good an uplink was over a time, to be shown to its ISP.

/// A time in which traffic could not use it. Begin and end are known to the minute that they are in; what lies in one
/// minute, or in successive ones, is one outage.
struct ReportedOutage {
  WallTime begin;
  Duration length{};            ///< the time out, in quarters of a second
  Duration down{};              ///< of it, `down` (the rest: `suspect`)
  bool is_to_the_hour = false;  ///< only the hours are left of that time
  std::string cause;            ///< from the events; empty where these do not reach back. Untrusted text

  bool operator==(const ReportedOutage&) const = default;
};

/// Of the minutes (or hours, where only these are left, weighed by the length that was watched) that have a figure.
template <class Value>
struct Percentiles {
  Value half{};  ///< median
  Value p95{};
  Value p99{};

  bool operator==(const Percentiles&) const = default;
};

struct UplinkReport {
  std::string uplink;
  Family family = Family::v4;
  WallTime begin;
  WallTime end;                                 ///< not in the future
  HistoryRecord all;                            ///< of the whole time
  std::optional<Percentiles<Duration>> rtt;     ///< none: no answer
  std::optional<Percentiles<Duration>> jitter;  ///< likewise
  std::optional<Percentiles<double>> loss;      ///< [0,1]; none: no probe
  std::vector<ReportedOutage> outages;          ///< in order
  Duration longest{};                           ///< of them

  Duration unknown() const { return end - begin - all.watched(); }
};

/// From the minutes and the hours of one time, which begins and ends with an hour (the last may be in course: `until`
/// then ends it). Hours speak where their minutes are gone. `events`: in any order.
UplinkReport make_report(std::string uplink, Family family, const HistorySeries& minutes,
                         const HistorySeries& hours, WallTime until, const std::vector<EventRecord>& events);

/// The reports of one uplink and time, by family.
struct ReportPaper {
  std::string site;
  std::string uplink;
  std::string title;  ///< the time: "2026-11"
  WallTime written;
  std::vector<UplinkReport> reports;
};
std::string render_report_text(const ReportPaper& paper);
std::string render_report_json(const ReportPaper& paper);
/// One document that needs nothing else and can be printed.
std::string render_report_html(const ReportPaper& paper);

}  // namespace multilink
