// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_report.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

namespace multilink {
namespace {

using namespace std::chrono;

constexpr std::size_t kMinutes = 60;

/// One record of the time, as fine as it is kept.
struct Sample {
  HistoryTime begin;
  HistoryStep step = HistoryStep::minute;
  HistoryRecord record;

  HistoryTime end() const { return begin + length_of(step); }
};

std::vector<Sample> samples_of(const HistorySeries& minutes, const HistorySeries& hours) {
  std::vector<Sample> out;
  const std::span<const HistoryRecord> all(minutes.records);
  for (std::size_t i = 0; i < hours.records.size(); ++i) {
    const auto own = all.subspan(std::min(i * kMinutes, all.size()));
    const auto of_hour = own.first(std::min(kMinutes, own.size()));
    const bool has_minutes = !std::ranges::all_of(of_hour, &HistoryRecord::is_empty);
    if (!has_minutes) {
      out.push_back({hours.time_of(i), HistoryStep::hour, hours.records[i]});
      continue;
    }
    for (std::size_t j = 0; j < of_hour.size(); ++j) {
      out.push_back({minutes.time_of(i * kMinutes + j), HistoryStep::minute, of_hour[j]});
    }
  }
  return out;
}

template <class Value>
using Weighed = std::vector<std::pair<Value, std::int64_t>>;

/// The least value that at least `part` of the weight does not exceed.
template <class Value>
Value quantile(const Weighed<Value>& sorted, std::int64_t total, double part) {
  std::int64_t weight = 0;
  for (const auto& [value, own] : sorted) {
    weight += own;
    if (static_cast<double>(weight) >= part * static_cast<double>(total)) return value;
  }
  return sorted.back().first;
}

template <class Value>
std::optional<Percentiles<Value>> percentiles(Weighed<Value> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  std::int64_t total = 0;
  for (const auto& value : values) total += value.second;
  return Percentiles<Value>{quantile(values, total, 0.5), quantile(values, total, 0.95),
                            quantile(values, total, 0.99)};
}

/// What `value` gives of the samples that fit.
template <class Value, class Fits, class Get>
std::optional<Percentiles<Value>> percentiles_of(const std::vector<Sample>& samples, Fits fits, Get get) {
  Weighed<Value> values;
  for (const auto& sample : samples) {
    if (!fits(sample.record)) continue;
    values.emplace_back(get(sample.record), length_of(sample.step).count());
  }
  return percentiles(std::move(values));
}

/// An outage goes on to the end of its first minute if it goes on in the next.
WallTime begin_of(const Sample& first, bool goes_on) {
  return goes_on ? first.end() - floor<milliseconds>(first.record.out()) : WallTime(first.begin);
}

std::vector<ReportedOutage> outages_of(const std::vector<Sample>& samples) {
  std::vector<ReportedOutage> out;
  bool was_out = false;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& [begin, step, record] = samples[i];
    const bool is_out = record.out() > Duration{};
    const bool same = was_out && out.back().is_to_the_hour == (step == HistoryStep::hour);
    if (is_out && !same) {
      const bool goes_on = i + 1 < samples.size() && samples[i + 1].record.out() > Duration{};
      out.push_back({begin_of(samples[i], goes_on && step == HistoryStep::minute),
                     {},
                     {},
                     step == HistoryStep::hour,
                     {}});
    }
    if (is_out) {
      out.back().length += record.out();
      out.back().down += record.down;
    }
    was_out = is_out;
  }
  return out;
}

bool is_drill(const EventRecord& event) {
  return event.kind == "drill" && event.to == "drilled";
}

bool is_about(const EventRecord& event, const UplinkReport& report) {
  if (event.uplink != report.uplink) return false;
  return is_drill(event) || (event.kind == "health" && event.family == report.family &&
                             (event.to == "suspect" || event.to == "down"));
}

/// How well the event tells the cause of an outage. What was made by hand is nobody else's fault.
int rank_of(const EventRecord& event) {
  return is_drill(event) ? 2 : event.to == "down" ? 1 : 0;
}

/// The first one of those that tell it best.
void tell_causes(const std::vector<EventRecord>& events, UplinkReport& report) {
  constexpr auto kMargin = minutes(1);  // what is known to the minute; an event tells when it was noticed
  std::vector<const EventRecord*> own;
  for (const auto& event : events) {
    if (is_about(event, report)) own.push_back(&event);
  }
  const auto at = [](const EventRecord* event) { return event->at; };
  std::ranges::sort(own, {}, at);
  for (auto& outage : report.outages) {
    if (outage.is_to_the_hour) continue;
    const auto end = outage.begin + ceil<milliseconds>(outage.length) + kMargin;
    const EventRecord* best = nullptr;
    for (auto event = std::ranges::lower_bound(own, outage.begin - kMargin, {}, at);
         event != own.end() && (*event)->at <= end; ++event) {
      if (best == nullptr || rank_of(*best) < rank_of(**event)) best = *event;
    }
    if (best != nullptr) outage.cause = best->reason;
  }
}

}  // namespace

UplinkReport make_report(std::string uplink, Family family, const HistorySeries& minutes,
                         const HistorySeries& hours, WallTime until, const std::vector<EventRecord>& events) {
  assert(minutes.step == HistoryStep::minute && hours.step == HistoryStep::hour &&
         minutes.begin == hours.begin);
  const auto samples = samples_of(minutes, hours);
  UplinkReport report;
  report.uplink = std::move(uplink);
  report.family = family;
  report.begin = hours.begin;
  report.end = std::clamp<WallTime>(until, hours.begin, std::max<WallTime>(hours.begin, hours.end()));
  std::vector<HistoryRecord> records;
  records.reserve(samples.size());
  for (const auto& sample : samples) records.push_back(sample.record);
  report.all = merge_history(records);
  const auto has_answers = [](const HistoryRecord& record) { return record.answers() > 0; };
  const auto has_probes = [](const HistoryRecord& record) { return record.probes > 0; };
  report.rtt = percentiles_of<Duration>(samples, has_answers, [](const auto& record) { return record.rtt; });
  report.jitter =
      percentiles_of<Duration>(samples, has_answers, [](const auto& record) { return record.jitter; });
  report.loss = percentiles_of<double>(samples, has_probes, [](const auto& record) { return record.loss(); });
  report.outages = outages_of(samples);
  for (const auto& outage : report.outages) report.longest = std::max(report.longest, outage.length);
  tell_causes(events, report);
  return report;
}

}  // namespace multilink
