// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/what_if.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/quantity.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string words_of(const Alternative& other, const Explanation& said, const RouteAnswer& answer,
                     const ExplainInputs& inputs) {
  if (other.end != LookupEnd::carried) {
    return cat("it is refused",
               said.policy.empty() ? "" : ": the policy names no other uplink that can carry it");
  }
  if (other.uplink == said.uplink) {
    if (said.by == DecidedBy::own_device) return "it stays there: the socket is bound to it";
    const auto ours = inputs.numbers.protocol;
    const bool is_ours = (answer.rule != nullptr && answer.rule->protocol == ours) ||
                         (answer.route != nullptr && answer.route->protocol == ours);
    const bool is_to_a_network = answer.route != nullptr && !answer.route->destination.is_default();
    return is_ours && !is_to_a_network ? "it stays there: no other uplink is better"
                                       : "it stays there: what decides is not multilink's to change";
  }
  const auto& dead = *inputs.config.uplink_named(said.uplink);
  return cat("it goes by ", device_words(other.uplink, other.device),
             other.gateway ? cat(" via ", other.gateway->to_string()) : "",
             other.is_shared ? ", or another of its precedence" : "",
             dead.suspect_moves == SuspectMoves::udp ? "; UDP moves there at once, " : "; ",
             "TCP that is open is cut when the silence has lasted ", format_duration(dead.evict_after));
}

}  // namespace

KernelState with_owned(KernelState state, const OwnedState& wanted, const RoutingNumbers& numbers) {
  std::erase_if(state.routes, [&](const Route& route) { return route.protocol == numbers.protocol; });
  std::erase_if(state.rules, [&](const Rule& rule) { return rule.protocol == numbers.protocol; });
  state.routes.insert(state.routes.begin(), wanted.routes.begin(), wanted.routes.end());
  std::stable_sort(state.routes.begin(), state.routes.end(),
                   [](const Route& a, const Route& b) { return a.metric < b.metric; });
  state.rules.insert(state.rules.end(), wanted.rules.begin(), wanted.rules.end());
  std::stable_sort(state.rules.begin(), state.rules.end(),
                   [](const Rule& a, const Rule& b) { return a.priority < b.priority; });
  return state;
}

KernelState state_if_silent(std::string_view uplink, const Config& config, const KernelState& state,
                            const RoutingNumbers& numbers, const std::vector<UplinkFacts>& facts,
                            const std::map<std::string, HealthRecord>& health) {
  std::vector<HealthByFamily> believed;
  for (const auto& each : config.uplinks) {
    auto& own = believed.emplace_back();
    const auto record = health.find(each.name);
    for (const Family family : kRoutedFamilies) {
      if (each.name == uplink) {
        own[family] = HealthState::down;
      } else if (record != health.end() && record->second.families.contains(family)) {
        const auto& said = record->second.families.at(family);
        own[family] = {said.state, said.answers, record->second.admin == AdminMode::drained};
      }
    }
  }
  const UplinkIndices known;
  const CarryingDevices carried;
  const auto decision = decide_routes({config, state, numbers, known, facts, believed, carried});
  return with_owned(state, decision.wanted, numbers);
}

Alternative alternative_to(const Explanation& said, const RouteAnswer& answer,
                           const std::vector<UplinkFacts>& facts, const ExplainInputs& inputs) {
  const std::map<std::string, HealthRecord> nothing_known;
  const KernelState after = state_if_silent(said.uplink, inputs.config, inputs.state, inputs.numbers, facts,
                                            inputs.health ? *inputs.health : nothing_known);
  Flow flow = inputs.flow;
  flow.mark &= ~inputs.config.suite.mark_mask;
  const auto then = look_up_route(after, flow);
  Alternative out;
  out.end = then.end;
  out.is_shared = then.route != nullptr && then.route->next_hops.size() > 1;
  if (then.hop) {
    const Link* link = inputs.state.link_at(then.hop->link_index);
    if (link != nullptr) out.device = link->name;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      if (facts[i].link_index == then.hop->link_index) out.uplink = inputs.config.uplinks[i].name;
    }
    out.gateway = then.hop->gateway;
  }
  out.text = words_of(out, said, answer, inputs);
  return out;
}

}  // namespace multilink
