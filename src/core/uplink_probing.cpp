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
  }
}

std::optional<PreparedProbe> UplinkProbing::prepare(Family family, ProbeKind kind, std::uint64_t nonce) {
  auto& state = families_.at(family);
  const auto seen = facts_.families.find(family);
  if (seen == facts_.families.end() || seen->second.fact != LinkFact::ok || state.targets.empty()) {
    return std::nullopt;
  }
  const auto& target = state.targets[state.turn++ % state.targets.size()];
  return PreparedProbe{{identifier_, state.ledger.next_sequence(), nonce}, target, kind};
}

MonoTime UplinkProbing::note_sent(const PreparedProbe& probe, const Now& at) {
  auto& state = families_.at(probe.target.family());
  const SentProbe sent{probe.request, probe.target, probe.kind, at, state.rtts.at(probe.target).timeout()};
  state.ledger.add(sent);
  return sent.deadline();
}

Result<std::optional<SettledProbe>> UplinkProbing::on_message(const IcmpMessage& message,
                                                              const IpAddress& source, MonoTime at) {
  if (const auto* unreachable = std::get_if<Unreachable>(&message)) {
    return families_.at(unreachable->target.family()).ledger.on_unreachable(*unreachable);
  }
  auto& state = families_.at(source.family());
  auto settled = state.ledger.on_reply(std::get<EchoReply>(message), source, at);
  if (settled && *settled) {
    const auto rtt = state.rtts.find(source);
    if (rtt != state.rtts.end()) rtt->second.add((*settled)->rtt);
  }
  return settled;
}

std::vector<SettledProbe> UplinkProbing::expire(MonoTime now) {
  std::vector<SettledProbe> out;
  for (auto& [family, state] : families_) {
    const auto lost = state.ledger.expire(now);
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

}  // namespace multilink
