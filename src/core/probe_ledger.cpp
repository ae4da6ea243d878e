// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/probe_ledger.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace multilink {

namespace {

/// Zero would read as "not known" in a record of whole microseconds.
Duration since_sending(const SentProbe& probe, MonoTime at) {
  return std::max<Duration>(at - probe.sent.mono, std::chrono::microseconds(1));
}

}  // namespace

ProbeRecord SettledProbe::record(const std::string& boot) const {
  const bool is_lost = outcome == Outcome::lost;
  return ProbeRecord{
      boot,       probe.request.sequence, outcome,         rtt,         is_lost ? waited : Duration::zero(),
      probe.kind, probe.sent.mono,        probe.sent.wall, probe.target};
}

ProbeRecord SettledProbe::corrected_record(const std::string& boot) const {
  return SettledProbe{probe, Outcome::lost, {}, false, waited}.record(boot);
}

void ProbeLedger::add(SentProbe probe) {
  assert(probe.request.sequence == next_sequence_);
  forget(probe.sent.mono);
  pending_.push_back(next_sequence_++);
  entries_.push_back({probe});
}

Result<std::optional<SettledProbe>> ProbeLedger::on_reply(const EchoReply& reply, const IpAddress& source,
                                                          MonoTime at) {
  Entry* entry = find(reply.echoed.sequence);
  if (entry == nullptr) return fail("answers no probe that is remembered");
  if (entry->probe.request != reply.echoed) return fail("does not carry the probe's random payload");
  if (entry->probe.target != source) return fail("does not come from the probe's target");
  if (entry->state == State::answered) return std::nullopt;
  const bool corrects = entry->state == State::lost;
  settle(*entry, State::answered);
  return SettledProbe{entry->probe, Outcome::answered, since_sending(entry->probe, at), corrects,
                      entry->waited};
}

Result<std::optional<SettledProbe>> ProbeLedger::on_unreachable(const Unreachable& unreachable, MonoTime at) {
  // The quote has the low 16 bits only. They name one probe, since fewer than 65536 are remembered.
  const auto offset =
      static_cast<std::uint16_t>(unreachable.sequence - static_cast<std::uint16_t>(first_sequence()));
  Entry* entry = find(first_sequence() + offset);
  if (entry == nullptr) return fail("quotes no probe that is remembered");
  if (!unreachable.quotes(entry->probe.request, entry->probe.target)) {
    return fail("does not quote the probe exactly");
  }
  if (entry->state != State::pending) return std::nullopt;
  settle(*entry, State::lost);
  entry->waited = since_sending(entry->probe, at);
  return SettledProbe{entry->probe, Outcome::lost, {}, false, entry->waited};
}

std::vector<SettledProbe> ProbeLedger::expire(MonoTime now) {
  std::vector<SettledProbe> out;
  for (const std::uint64_t sequence : std::vector(pending_)) {
    Entry& entry = *find(sequence);
    if (entry.probe.deadline() > now) continue;
    settle(entry, State::lost);
    entry.waited = entry.probe.timeout;  // the lateness of the timer is not the link's
    out.push_back({entry.probe, Outcome::lost, {}, false, entry.waited});
  }
  std::stable_sort(out.begin(), out.end(), [](const SettledProbe& a, const SettledProbe& b) {
    return a.probe.deadline() < b.probe.deadline();
  });
  forget(now);
  return out;
}

std::optional<MonoTime> ProbeLedger::next_deadline() const {
  std::optional<MonoTime> first;
  for (const std::uint64_t sequence : pending_) {
    const MonoTime deadline =
        entries_[static_cast<std::size_t>(sequence - first_sequence())].probe.deadline();
    if (!first || deadline < *first) first = deadline;
  }
  return first;
}

std::size_t ProbeLedger::pending_until(MonoTime deadline) const {
  return static_cast<std::size_t>(std::ranges::count_if(pending_, [&](std::uint64_t sequence) {
    return entries_[static_cast<std::size_t>(sequence - first_sequence())].probe.deadline() <= deadline;
  }));
}

ProbeLedger::Entry* ProbeLedger::find(std::uint64_t sequence) {
  const std::uint64_t offset = sequence - first_sequence();
  return offset < entries_.size() ? &entries_[static_cast<std::size_t>(offset)] : nullptr;
}

void ProbeLedger::settle(Entry& entry, State state) {
  entry.state = state;
  std::erase(pending_, entry.probe.request.sequence);
}

void ProbeLedger::forget(MonoTime now) {
  const auto is_over = [&](const Entry& entry) {
    return entry.state != State::pending && entry.probe.sent.mono + kMemory <= now;
  };
  while (!entries_.empty() && (entries_.size() >= kMostRemembered || is_over(entries_.front()))) {
    std::erase(pending_, first_sequence());
    entries_.pop_front();
  }
}

}  // namespace multilink
