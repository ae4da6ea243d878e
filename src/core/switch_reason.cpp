// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/switch_reason.hpp"

#include <algorithm>

#include "multilink/core/link_report.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

SwitchReason from_health(const SwitchParty& party) {
  const auto detail = party.health_reason.empty() ? "" : cat(": ", party.health_reason);
  return {cat(party.uplink, ' ', to_string(party.health), detail), party.health_event, party.decided};
}

}  // namespace

SwitchReason explain_switch(const std::vector<SwitchParty>& parties) {
  const auto find = [&](auto which) { return std::find_if(parties.begin(), parties.end(), which); };
  const auto left = [](const SwitchParty& party) { return party.carried && !party.carries; };
  const auto lost = find([&](const SwitchParty& party) { return left(party) && party.fact != LinkFact::ok; });
  if (lost != parties.end()) return {cat(lost->uplink, ' ', describe(lost->fact)), ""};
  const auto sick = find([&](const SwitchParty& party) {
    return left(party) && (party.health == HealthState::suspect || party.health == HealthState::down);
  });
  if (sick != parties.end()) return from_health(*sick);
  const auto drained = find([&](const SwitchParty& party) { return left(party) && party.drained; });
  if (drained != parties.end()) return {cat(drained->uplink, " is drained by its administrator"), ""};
  const auto back =
      find([](const SwitchParty& party) { return party.carries && !party.carried && party.undrained; });
  if (back != parties.end()) return {cat(back->uplink, " is no longer drained"), ""};
  const auto well = find([](const SwitchParty& party) {
    return party.carries && !party.carried && party.health == HealthState::up;
  });
  return well == parties.end() ? SwitchReason{} : from_health(*well);
}

}  // namespace multilink
