// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_recorder.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace multilink {
namespace {

using namespace std::chrono;

/// The clocks may part by so much between two readings without a step: slewing, and readings one after the other.
constexpr Duration kSlewing = milliseconds(500);

HistoryTime minute_of(WallTime time) {
  return history_time(HistoryStep::minute, time);
}

std::size_t index_of(HistoryTime minute) {
  return static_cast<std::size_t>((minute - floor<hours>(minute)).count());
}

/// Two pieces of one minute. Time adds up to its length, what is grave first. Of the probes the piece with more of them
/// speaks: after a restart the stored ones are shown again.
HistoryRecord combine(HistoryRecord stored, const HistoryRecord& seen) {
  Duration room = length_of(HistoryStep::minute) - stored.watched();
  const auto add = [&](Duration& to, Duration more) {
    more = std::clamp(more, Duration{}, std::max(room, Duration{}));
    to += more;
    room -= more;
  };
  add(stored.down, seen.down);
  add(stored.suspect, seen.suspect);
  add(stored.up, seen.up);
  if (seen.probes < stored.probes) return stored;
  stored.probes = seen.probes;
  stored.lost = seen.lost;
  stored.rtt = seen.rtt;
  stored.rtt_most = seen.rtt_most;
  stored.jitter = seen.jitter;
  return stored;
}

}  // namespace

void HistoryRecorder::enter(HealthState state, MonoTime at) {
  changes_.emplace_back(at, state);
}

void HistoryRecorder::observe(const ProbeRecord& probe, const Now& now) {
  if (probe.kind != ProbeKind::regular) return;
  has_probes_ = true;
  const auto minute = minute_of(probe.sent_wall);
  const auto present = minute_of(now.wall);
  if (minute < present - kOpen || minute > present) return;
  Open& open = opened(minute);
  open.probes.record(probe);
  if (probe.outcome != Outcome::answered) return;
  auto& most = open.most[probe.target];
  most = std::max(most, probe.rtt);
}

void HistoryRecorder::forget_target(const IpAddress& target) {
  for (const auto time : open_) {
    Minute& minute = minute_at(time);
    const auto before = minute.open->probes.probes();
    minute.open->probes.forget_target(target);
    minute.open->most.erase(target);
    minute.is_dirty |= minute.open->probes.probes() != before;
  }
}

void HistoryRecorder::advance(const Now& now) {
  const auto changes = std::exchange(changes_, {});
  const auto before = std::exchange(last_, now);
  auto state = std::exchange(state_, changes.empty() ? state_ : changes.back().second);
  close_old(now.wall);
  forget_old_hours(now.wall);
  if (!before) return;
  const Duration passed = now.mono - before->mono;
  if (passed <= Duration{} || passed > kMostGap) return;
  const bool is_step = abs((now.wall - before->wall) - passed) > kSlewing;
  const WallTime begin = is_step ? now.wall - floor<milliseconds>(passed) : before->wall;
  WallTime from = begin;
  for (const auto& [at, next] : changes) {
    const auto since = std::clamp(at, before->mono, now.mono) - before->mono;
    const auto until = std::clamp(begin + floor<milliseconds>(since), from, std::max(from, now.wall));
    spend(state, from, until);
    from = until;
    state = next;
  }
  spend(state, from, now.wall);
}

void HistoryRecorder::spend(HealthState state, WallTime from, WallTime to) {
  if (state == HealthState::unknown) return;
  const std::size_t which = state == HealthState::up ? 0 : state == HealthState::suspect ? 1 : 2;
  while (from < to) {
    const auto minute = minute_of(from);
    const auto until = std::min<WallTime>(to, minute + minutes(1));
    auto& spent = opened(minute).spent;
    const Duration room = minutes(1) - (spent[0] + spent[1] + spent[2]);
    spent.at(which) += std::clamp<Duration>(until - from, Duration{}, room);
    from = until;
  }
}

HistoryRecorder::Minute& HistoryRecorder::minute_at(HistoryTime time) {
  return hours_[floor<hours>(time)].minutes.at(index_of(time));
}

/// For a change.
HistoryRecorder::Open& HistoryRecorder::opened(HistoryTime time) {
  Minute& minute = minute_at(time);
  if (!minute.open) {
    minute.stored = combine(minute.stored, std::exchange(minute.seen, {}));
    minute.open = std::make_unique<Open>();
    open_.insert(time);
  }
  minute.is_dirty = true;
  return *minute.open;
}

void HistoryRecorder::close_old(WallTime now) {
  const auto present = minute_of(now);
  std::erase_if(open_, [&](HistoryTime time) {
    if (time >= present - kOpen && time <= present) return false;
    Minute& minute = minute_at(time);
    minute.seen = seen_of(minute);
    minute.open.reset();
    return true;
  });
}

/// Those that are over as soon as they are written; others when there are too many, the farthest first.
void HistoryRecorder::forget_old_hours(WallTime now) {
  const auto oldest = floor<hours>(minute_of(now) - kOpen);
  std::erase_if(hours_, [&](const auto& entry) {
    const bool is_present = entry.first >= oldest && entry.first <= floor<hours>(now);
    return !is_present && std::ranges::none_of(entry.second.minutes, &Minute::is_dirty);
  });
  while (hours_.size() > kMostHours) {
    const auto first = hours_.begin();
    const auto last = std::prev(hours_.end());
    hours_.erase(now - first->first > last->first - now ? first : last);
  }
}

HistoryRecord HistoryRecorder::seen_of(const Minute& minute) {
  if (!minute.open) return minute.seen;
  const Open& open = *minute.open;
  HistoryRecord out;
  std::tie(out.up, out.suspect, out.down) = std::tie(open.spent[0], open.spent[1], open.spent[2]);
  out.probes = static_cast<std::uint32_t>(open.probes.probes());
  out.lost = static_cast<std::uint32_t>(open.probes.lost());
  out.rtt = floor<microseconds>(open.probes.rtt());
  out.jitter = floor<microseconds>(open.probes.jitter());
  for (const auto& [target, most] : open.most) out.rtt_most = std::max(out.rtt_most, most);
  return out;
}

HistoryRecord HistoryRecorder::record_of(const Minute& minute) {
  return combine(minute.stored, seen_of(minute));
}

std::vector<HistoryTime> HistoryRecorder::unknown_hours() const {
  std::vector<HistoryTime> out;
  for (const auto& [time, hour] : hours_) {
    if (!hour.is_known) out.push_back(time);
  }
  return out;
}

void HistoryRecorder::take_up(HistoryTime hour, std::span<const HistoryRecord> minutes) {
  const auto found = hours_.find(hour);
  if (found == hours_.end() || std::exchange(found->second.is_known, true)) return;
  assert(minutes.size() == found->second.minutes.size());
  for (std::size_t i = 0; i < minutes.size(); ++i) {
    auto& stored = found->second.minutes.at(i).stored;
    stored = combine(minutes[i], stored);
    has_probes_ |= stored.probes > 0;
  }
}

std::vector<HistoryWrite> HistoryRecorder::take_writes(bool unfinished) {
  std::vector<HistoryWrite> out;
  if (!last_) return out;
  const auto is_over = [&](HistoryTime time, const Minute& minute) {
    return unfinished || !minute.open || time + minutes(1) + kSettling <= last_->wall;
  };
  for (auto& [time, hour] : hours_) {
    // One write from the first of them to the last.
    std::size_t first = hour.minutes.size();
    std::size_t end = 0;
    for (std::size_t i = 0; hour.is_known && i < hour.minutes.size(); ++i) {
      Minute& minute = hour.minutes.at(i);
      if (!minute.is_dirty || !is_over(time + minutes(i), minute)) continue;
      minute.is_dirty = false;
      first = std::min(first, i);
      end = i + 1;
    }
    if (first >= end) continue;
    std::vector<HistoryRecord> all;
    for (const auto& minute : hour.minutes) {
      all.push_back(is_over(time + minutes(all.size()), minute) ? record_of(minute) : minute.stored);
    }
    const auto at = [&](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
    out.push_back({HistoryStep::minute, time + minutes(first), {at(first), at(end)}});
    out.push_back({HistoryStep::hour, time, {merge_history(all)}});
  }
  return out;
}

void HistoryRecorder::forget_writes() {
  for (auto& [time, hour] : hours_) {
    for (auto& minute : hour.minutes) minute.is_dirty = minute.open || !record_of(minute).is_empty();
  }
}

}  // namespace multilink
