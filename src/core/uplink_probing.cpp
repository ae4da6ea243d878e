// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/uplink_probing.hpp"

#include <algorithm>
#include <utility>

namespace multilink {

UplinkProbing::UplinkProbing(UplinkConfig config, std::uint16_t identifier, std::uint64_t first_sequence)
    : identifier_(identifier) {
  for (const Family family : kFamilies) families_.emplace(family, first_sequence);
  configure(std::move(config));
}

void UplinkProbing::configure(UplinkConfig config) {
  config_ = std::move(config);
  for (auto& [family, state] : families_) {
    state.targets = config_.targets_of(family);
    std::map<IpAddress, RttEstimator> rtts;
    for (const auto& target : state.targets) rtts[target] = state.rtts[target];
    state.rtts = std::move(rtts);
    state.inquiry.retain_targets(state.targets);
  }
}

void UplinkProbing::set_facts(UplinkFacts facts, MonoTime now) {
  facts_ = std::move(facts);
  for (auto& [family, state] : families_) {
    if (!can_ask(family)) state.inquiry.reset(now);
  }
}

bool UplinkProbing::can_ask(Family family) const {
  const auto seen = facts_.families.find(family);
  return seen != facts_.families.end() && seen->second.fact == LinkFact::ok &&
         !families_.at(family).targets.empty();
}

const IpAddress& UplinkProbing::next_target(PerFamily& state) {
  const auto& watch = state.inquiry.detector().targets();
  for (std::size_t tried = 0; tried < state.targets.size(); ++tried) {
    const auto& target = state.targets[state.turn++ % state.targets.size()];
    if (!watch.is_set_aside(target)) return target;
  }
  return state.targets[state.turn++ % state.targets.size()];
}

std::optional<PreparedProbe> UplinkProbing::prepare(Family family, ProbeKind kind, std::uint64_t nonce) {
  if (!can_ask(family)) return std::nullopt;
  auto& state = families_.at(family);
  const auto& target = next_target(state);
  return PreparedProbe{{identifier_, state.ledger.next_sequence(), nonce}, target, kind};
}

std::optional<PreparedProbe> UplinkProbing::prepare_revisit(Family family, std::uint64_t nonce,
                                                            MonoTime now) {
  if (!can_ask(family)) return std::nullopt;
  const auto& state = families_.at(family);
  for (const auto& target : state.inquiry.detector().targets().set_aside()) {
    const auto asked = state.asked.find(target);
    if (asked != state.asked.end() && now - asked->second < kAsidePause) continue;
    return PreparedProbe{{identifier_, state.ledger.next_sequence(), nonce}, target, ProbeKind::burst};
  }
  return std::nullopt;
}

MonoTime UplinkProbing::note_sent(const PreparedProbe& probe, const Now& at) {
  auto& state = families_.at(probe.target.family());
  const SentProbe sent{probe.request, probe.target, probe.kind, at, state.rtts.at(probe.target).timeout()};
  state.ledger.add(sent);
  state.asked[probe.target] = at.mono;
  return sent.deadline();
}

Result<std::optional<SettledProbe>> UplinkProbing::on_message(const IcmpMessage& message,
                                                              const IpAddress& source, MonoTime at) {
  if (const auto* unreachable = std::get_if<Unreachable>(&message)) {
    auto& state = families_.at(unreachable->target.family());
    auto refused = state.ledger.on_unreachable(*unreachable, at);
    if (refused && *refused) state.inquiry.on_settled((*refused)->record({}), at);
    return refused;
  }
  auto& state = families_.at(source.family());
  auto settled = state.ledger.on_reply(std::get<EchoReply>(message), source, at);
  if (settled && *settled) {
    const auto rtt = state.rtts.find(source);
    if (rtt != state.rtts.end()) rtt->second.add((*settled)->rtt);
    state.inquiry.on_settled((*settled)->record({}), at);
  }
  return settled;
}

std::vector<SettledProbe> UplinkProbing::expire(MonoTime now) {
  std::vector<SettledProbe> out;
  for (auto& [family, state] : families_) {
    const auto lost = state.ledger.expire(now);
    for (const auto& probe : lost) state.inquiry.on_settled(probe.record({}), now);
    out.insert(out.end(), lost.begin(), lost.end());
  }
  return out;
}

std::optional<MonoTime> UplinkProbing::next_deadline() const {
  std::optional<MonoTime> first;
  for (const auto& [family, state] : families_) {
    const auto deadline = state.ledger.next_deadline();
    if (deadline && (!first || *deadline < *first)) first = deadline;
  }
  return first;
}

bool UplinkProbing::enough_on_their_way(const PerFamily& state, MonoTime now) {
  const auto& detector = state.inquiry.detector();
  const auto needed = detector.losses_to_dead();
  if (needed == 0) return false;  // it is dead: what is sent now looks for its return
  Duration timeout = RttEstimator::kMostTimeout;
  for (const auto& [target, rtt] : state.rtts) {
    if (!detector.targets().is_set_aside(target)) timeout = std::min(timeout, rtt.timeout());
  }
  return state.ledger.pending_until(now + timeout) >= needed;
}

std::optional<MonoTime> UplinkProbing::next_burst(Family family, MonoTime now) const {
  if (!can_ask(family)) return std::nullopt;
  const auto& state = families_.at(family);
  const auto next = state.inquiry.next_probe();
  return next && enough_on_their_way(state, std::max(now, *next)) ? std::nullopt : next;
}

void UplinkProbing::on_silence(MonoTime now) {
  for (auto& [family, state] : families_) {
    if (can_ask(family)) state.inquiry.on_silence(now);
  }
}

}  // namespace multilink
