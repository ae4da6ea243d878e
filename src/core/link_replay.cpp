// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_replay.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/probe_pace.hpp"

namespace multilink {
namespace {

constexpr Duration kSweep = std::chrono::seconds(1);  // as healthd's

}  // namespace

LinkReplay::LinkReplay(const UplinkConfig& uplink, Link link, MonoTime start, std::uint64_t seed)
    : family_(uplink.targets.at(0).family()),
      interval_(uplink.probe_interval),
      link_(std::move(link)),
      random_(seed),
      probing_(uplink, 1, 1),
      machine_(uplink, family_),
      now_(start),
      tick_(start),
      sweep_(start + kSweep) {
  UplinkFacts facts;
  facts.link_index = 1;
  facts.carrier = true;
  facts.families[family_].fact = LinkFact::ok;
  probing_.set_facts(std::move(facts), start);
  machine_.report_fact(LinkFact::ok, start);
}

void LinkReplay::run_until(MonoTime end) {
  for (MonoTime next = next_event(); next <= end; next = next_event()) handle(next);
}

MonoTime LinkReplay::next_event() const {
  MonoTime next = std::min(tick_, sweep_);
  if (!arrivals_.empty()) next = std::min(next, arrivals_.top().at);
  if (const auto deadline = probing_.next_deadline()) next = std::min(next, *deadline);
  if (const auto burst = probing_.next_burst(family_, now_)) next = std::min(next, *burst);
  return std::max(next, now_);  // what is overdue is due now
}

void LinkReplay::handle(MonoTime now) {
  now_ = now;
  while (!arrivals_.empty() && arrivals_.top().at <= now) {
    const Arrival arrival = arrivals_.top();
    arrivals_.pop();
    const auto settled = probing_.on_message(EchoReply{arrival.request}, arrival.source, arrival.at);
    if (settled && *settled) show(**settled);
  }
  for (const auto& lost : probing_.expire(now)) show(lost);
  if (tick_ <= now) {
    tick_ += pause_to_next_probe(interval_, random_());
    send(probing_.prepare(family_, ProbeKind::regular, 0), now);
    send(probing_.prepare_revisit(family_, 0, now), now);
  }
  const auto burst = probing_.next_burst(family_, now);
  if (burst && *burst <= now) {
    probing_.begin_burst_probe(family_, now);
    send(probing_.prepare(family_, probing_.inquiry(family_).kind(), 0), now);
  }
  if (sweep_ <= now) sweep_ += kSweep;
  machine_.advance(now);
  for (auto& transition : machine_.take_transitions()) changes_.push_back({std::move(transition), now});
  if (machine_.answers() == answers_) return;
  answers_ = machine_.answers();
  answering_.emplace_back(now, answers_);
}

/// The wall clock is not looked at by any decision, and the nonce only keeps strangers away.
void LinkReplay::send(const std::optional<PreparedProbe>& probe, MonoTime now) {
  if (!probe) return;
  probing_.note_sent(*probe, Now{now, WallTime{}});
  ++(probe->kind == ProbeKind::regular ? regular_probes_ : burst_probes_);
  if (const auto rtt = link_(now, probe->target)) arrivals_.push({now + *rtt, probe->request, probe->target});
}

void LinkReplay::show(const SettledProbe& settled) {
  machine_.observe(settled.record({}));
}

}  // namespace multilink
