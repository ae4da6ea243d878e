// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/explanation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "multilink/core/link_report.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/policy_plan.hpp"
#include "multilink/core/route_decision.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/what_if.hpp"

namespace multilink {
namespace {

constexpr std::array<std::pair<DecidedBy, std::string_view>, 10> kTokens{{
    {DecidedBy::this_host, "this_host"},
    {DecidedBy::specific_route, "specific_route"},
    {DecidedBy::pin, "pin"},
    {DecidedBy::own_address, "own_address"},
    {DecidedBy::own_device, "own_device"},
    {DecidedBy::policy, "policy"},
    {DecidedBy::default_route, "default_route"},
    {DecidedBy::other_default, "other_default"},
    {DecidedBy::other_rule, "other_rule"},
    {DecidedBy::nothing, "nothing"},
}};

/// "is up", "is down: no answer for 3 s", "has no carrier": what is to be said of an uplink behind its name.
std::string state_words(const ExplainedUplink& uplink) {
  if (!uplink.enabled) return uplink.disabled_by.empty() ? "has enabled = no" : uplink.disabled_by;
  if (uplink.fact != LinkFact::ok) return std::string(describe(uplink.fact));
  if (!uplink.state) return "is of unknown health";
  return cat("is ", to_string(*uplink.state), uplink.reason.empty() ? "" : ": ", uplink.reason);
}

std::string end_words(LookupEnd end) {
  switch (end) {
    case LookupEnd::carried:
      return "carried";
    case LookupEnd::no_route:
      return "no route";
    case LookupEnd::unreachable:
      return "unreachable";
    case LookupEnd::blackhole:
      return "dropped (blackhole)";
    case LookupEnd::prohibited:
      return "prohibited";
  }
  return "";
}

class Explainer {
 public:
  explicit Explainer(const ExplainInputs& inputs)
      : in_(inputs),
        family_(inputs.flow.destination.family()),
        facts_(observe_uplinks(inputs.config, inputs.state, inputs.numbers, {})),
        answer_(look_up_route(inputs.state, inputs.flow)) {}

  Explanation run() {
    out_.flow = in_.flow;
    out_.assumed = in_.assumed;
    out_.end = answer_.end;
    describe_uplinks();
    describe_hop();
    for (const auto& step : answer_.steps) out_.rules.push_back({rule_words(*step.rule), step.outcome});
    out_.other_rules = answer_.others;
    if (answer_.rule != nullptr && answer_.rule->table != 0) out_.table = answer_.rule->table;
    if (answer_.route != nullptr) out_.route = route_words(*answer_.route, in_.state);
    judge();
    if (!out_.device.empty() && out_.uplink.empty() && out_.by != DecidedBy::this_host) {
      say(cat(out_.device, " is the device of no uplink"));
    }
    for (const Rule* rule : answer_.passed_over) {
      say(cat("a rule was taken not to fit, for it selects by what multilink does not know: ",
              rule_words(*rule)));
    }
    check();
    if (!out_.uplink.empty() && out_.by != DecidedBy::this_host)
      out_.if_it_died = alternative_to(out_, answer_, facts_, in_);
    return std::move(out_);
  }

 private:
  void say(std::string sentence) { out_.because.push_back(std::move(sentence)); }

  void describe_uplinks() {
    if (!in_.health) out_.health_problem = in_.health.error().message;
    for (std::size_t i = 0; i < in_.config.uplinks.size(); ++i) {
      const auto& uplink = in_.config.uplinks[i];
      ExplainedUplink one{uplink.name, uplink.device, uplink.precedence, uplink.enabled,
                          facts_[i].families.at(family_).fact};
      const Link* link = in_.state.link_at(facts_[i].link_index);
      if (link != nullptr) one.device = link->name;
      const HealthRecord* record = record_of(uplink.name);
      one.disabled_by = uplink.disabled_by;
      one.drained = record != nullptr && record->admin == AdminMode::drained;
      if (record != nullptr && record->families.contains(family_)) {
        one.state = record->families.at(family_).state;
        one.reason = record->families.at(family_).reason;
      }
      out_.uplinks.push_back(std::move(one));
    }
  }

  const HealthRecord* record_of(const std::string& name) const {
    if (!in_.health) return nullptr;
    const auto found = in_.health->find(name);
    return found == in_.health->end() ? nullptr : &found->second;
  }

  const ExplainedUplink* uplink_on(unsigned link_index) const {
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      if (link_index != 0 && facts_[i].link_index == link_index) return &out_.uplinks[i];
    }
    return nullptr;
  }
  const ExplainedUplink* uplink_named(std::string_view name) const {
    const auto found = std::find_if(out_.uplinks.begin(), out_.uplinks.end(),
                                    [&](const ExplainedUplink& uplink) { return uplink.name == name; });
    return found == out_.uplinks.end() ? nullptr : &*found;
  }
  const ExplainedUplink* uplink_with_index(unsigned index) const {
    const auto indices = assign_indices(in_.config, in_.state, in_.numbers, {});
    for (std::size_t i = 0; i < in_.config.uplinks.size(); ++i) {
      if (indices.at(in_.config.uplinks[i].device) == index) return &out_.uplinks[i];
    }
    return nullptr;
  }
  const ExplainedUplink* uplink_with_address(const IpAddress& address) const {
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      const auto& seen = facts_[i].families.at(family_);
      if (std::any_of(seen.addresses.begin(), seen.addresses.end(),
                      [&](const IpPrefix& own) { return own.address == address; }) ||
          std::find(seen.retired.begin(), seen.retired.end(), address) != seen.retired.end()) {
        return &out_.uplinks[i];
      }
    }
    return nullptr;
  }

  /// Of several hops the kernel's own choice, where it was asked: it goes by a hash.
  void describe_hop() {
    if (!answer_.hop || (answer_.route != nullptr && answer_.route->type == RouteType::local)) return;
    NextHop hop = *answer_.hop;
    if (answer_.route != nullptr && in_.kernel) {
      for (const auto& each : answer_.route->next_hops) {
        if (is_of_kernel(each)) hop = each;
      }
    }
    const Link* link = in_.state.link_at(hop.link_index);
    if (link != nullptr) out_.device = link->name;
    out_.gateway = hop.gateway;
    const auto* uplink = uplink_on(hop.link_index);
    if (uplink != nullptr) out_.uplink = uplink->name;
  }

  bool is_of_kernel(const NextHop& hop) const {
    const Link* link = in_.state.link_at(hop.link_index);
    return link != nullptr && link->name == in_.kernel->device && hop.gateway == in_.kernel->gateway;
  }

  void judge() {
    if (answer_.rule == nullptr) {
      if (answer_.hop) {
        out_.by = DecidedBy::own_device;
        return say("no route leads there; the kernel takes it to be on the link of the device named");
      }
      return say("no rule leads to a route");
    }
    if (answer_.rule->protocol == in_.numbers.protocol) return judge_own(*answer_.rule);
    if (answer_.rule->table == kLocalTable) {
      out_.by = DecidedBy::this_host;
      const bool local = answer_.route != nullptr && answer_.route->type == RouteType::local;
      return say(local ? "the destination is this host itself"
                       : "the destination is a broadcast address, or another that is this host's too");
    }
    if (answer_.route != nullptr && answer_.rule->table == kMainTable) return judge_main();
    out_.by = DecidedBy::other_rule;
    say(cat("a rule of another program decides (protocol ", unsigned{answer_.rule->protocol},
            "), a VPN for example; multilink leaves that traffic to it"));
  }

  void judge_own(const Rule& rule) {
    if (rule.table == in_.numbers.table_base) return judge_default();
    if (is_policy_table(rule.table)) return judge_policy();
    const PacketMarks marks(in_.config.suite.mark_mask);
    if (rule.mark && rule.mark->mask == marks.mask()) {
      out_.by = DecidedBy::pin;
      const auto index = marks.uplink_of(rule.mark->value);
      const auto* uplink = index ? uplink_with_index(*index) : nullptr;
      say(cat("the mark ", hexadecimal(rule.mark->value), " pins the packet to ",
              uplink == nullptr ? "an uplink that is not configured any more" : uplink->name,
              ", on which its connection began"));
      return judge_own_end(uplink);
    }
    if (rule.oif) {
      out_.by = DecidedBy::own_device;
      say(cat("the socket is bound to ", *rule.oif));
      return judge_own_end(nullptr);
    }
    if (rule.from) {
      out_.by = DecidedBy::own_address;
      const auto* uplink = uplink_with_address(rule.from->address);
      say(cat(rule.from->address.to_string(), " is an address of ",
              uplink == nullptr ? "an uplink" : uplink->name, ": what bears it leaves by that uplink"));
      return judge_own_end(uplink);
    }
    judge_specific();
  }

  /// What belongs to an uplink may still find the LAN, or nothing.
  void judge_own_end(const ExplainedUplink* uplink) {
    if (answer_.rule->unreachable) {
      return say(
          cat(uplink == nullptr ? "that uplink has no way out" : cat(uplink->name, ' ', state_words(*uplink)),
              ": the packet is refused rather than sent out by another one"));
    }
    if (answer_.route == nullptr || answer_.route->destination.is_default()) return;
    say(uplink == nullptr || uplink->name == out_.uplink
            ? "a route to just that network leads there"
            : cat("but a route to just that network comes first, and leads by ",
                  device_words(out_.uplink, out_.device)));
  }

  bool is_policy_table(std::uint32_t table) const {
    return table > in_.numbers.policy_table_base && table < in_.numbers.table_base;
  }

  void judge_policy() {
    out_.by = DecidedBy::policy;
    const auto indices = assign_policy_indices(in_.config, in_.state, in_.numbers, {});
    const auto policy =
        std::find_if(in_.config.policies.begin(), in_.config.policies.end(), [&](const PolicyConfig& each) {
          return indices.at(identity_of(each)) + in_.numbers.policy_table_base == answer_.rule->table;
        });
    if (policy == in_.config.policies.end()) {
      return say("a policy decides that the configuration does not have; has routed been reloaded?");
    }
    out_.policy = policy->name;
    say(cat("policy ", policy->name, " takes it: by ", join(policy->use, ", else "), ", else refused"));
    for (const auto& name : policy->use) {
      const auto* uplink = uplink_named(name);
      if (uplink == nullptr) continue;
      say(cat(name, ' ', state_words(*uplink)));
      if (name == out_.uplink) return;
    }
    if (answer_.end != LookupEnd::carried) say("none of them can carry it, so it is refused");
  }

  void judge_main() {
    if (!answer_.route->destination.is_default()) return judge_specific();
    if (answer_.route->protocol == in_.numbers.protocol) return judge_default();
    out_.by = DecidedBy::other_default;
    say(cat("the default route of another program decides (protocol ", unsigned{answer_.route->protocol},
            "); multilink has none before it: no uplink was up yet, or routed does not run"));
  }

  void judge_specific() {
    out_.by = DecidedBy::specific_route;
    if (answer_.end != LookupEnd::carried) return say("a route of another program refuses it");
    const auto* uplink = answer_.hop ? uplink_on(answer_.hop->link_index) : nullptr;
    if (uplink == nullptr || !answer_.hop->gateway) {
      return say("a route to just that network decides, whichever uplink carries the default");
    }
    say(cat("a route to just that network decides, set up by another program (protocol ",
            unsigned{answer_.route->protocol}, "): it stays on ", uplink->name, " whatever becomes of it"));
  }

  /// Why the uplinks before the one that carries do not.
  void judge_default() {
    out_.by = DecidedBy::default_route;
    const auto* carrier = uplink_named(out_.uplink);
    if (carrier == nullptr) return;
    if (in_.flow.from && in_.flow.iif.empty()) say_why_not_by_its_own(*in_.flow.from, *carrier);
    for (std::size_t i = 0; i < out_.uplinks.size(); ++i) {
      if (out_.uplinks[i].precedence < carrier->precedence) say_why_not(i);
    }
    say(cat(carrier->name, " (precedence ", carrier->precedence, ") carries the default route; it ",
            state_words(*carrier)));
    if (answer_.route == nullptr || answer_.route->next_hops.size() < 2) return;
    std::vector<std::string> shares;
    for (const auto& hop : answer_.route->next_hops) {
      const auto* sharing = uplink_on(hop.link_index);
      shares.push_back(cat(sharing == nullptr ? "another device" : sharing->name, ' ', hop.weight));
    }
    say(cat("the uplinks of that precedence share by weight (", join(shares, ", "),
            "), connection by connection"));
  }

  /// Why what bears an address of another uplink does not leave by that.
  void say_why_not_by_its_own(const IpAddress& from, const ExplainedUplink& carrier) {
    const auto* owner = uplink_with_address(from);
    if (owner == nullptr || owner == &carrier) return;
    const bool is_well = owner->enabled && owner->fact == LinkFact::ok && owner->state == HealthState::up;
    say(cat(
        from.to_string(), " is an address of ", owner->name, ", ",
        is_well
            ? "whose rules are away, as for half a minute after UDP of this host has left it for a better one"
            : cat("which ", state_words(*owner)),
        "; meanwhile what bears it leaves by the default, translated"));
  }

  void say_why_not(std::size_t i) {
    const auto& uplink = out_.uplinks[i];
    const bool is_well = uplink.enabled && uplink.fact == LinkFact::ok && uplink.state == HealthState::up;
    std::string_view but;
    if (is_well && uplink.drained) {
      but = ", but is drained by its administrator: nothing new goes by it";
    } else if (is_well && in_.config.uplinks[i].failback == Failback::manual) {
      but = ", but waits for the administrator (failback = manual)";
    } else if (is_well) {
      but = ", but the traffic is not there: 'routed --plan' tells what routed would do";
    }
    say(cat(uplink.name, " (precedence ", uplink.precedence, ") would come first; it ", state_words(uplink),
            but));
  }

  void check() {
    if (!in_.kernel) {
      out_.kernel = in_.kernel.error().message;
      return;
    }
    const KernelAnswer& kernel = *in_.kernel;
    if (!kernel.objection.empty()) {
      out_.kernel = kernel.objection;
    } else if (kernel.end != LookupEnd::carried) {
      out_.kernel = end_words(kernel.end);
    } else if (kernel.local || kernel.special) {
      out_.kernel = kernel.local ? "to this host itself" : "a broadcast or the like";
    } else {
      out_.kernel = cat(kernel.gateway ? cat("via ", kernel.gateway->to_string(), ' ') : "", "dev ",
                        kernel.device, kernel.table == 0 ? "" : cat(" table ", kernel.table));
    }
    out_.checked = is_as_expected(kernel) ? Checked::agrees : Checked::differs;
    if (kernel.end == LookupEnd::unreachable && answer_.end == LookupEnd::carried && !in_.flow.iif.empty()) {
      out_.kernel = cat("it drops such a packet: this host passes nothing on that comes in by ", in_.flow.iif,
                        " (is forwarding on? sysctl net.ipv4.ip_forward)");
      out_.checked = Checked::drops;
    }
    // Of a blackhole the kernel says the same as of a source that it does not believe.
    if (!kernel.objection.empty() && answer_.end != LookupEnd::blackhole) out_.checked = Checked::drops;
  }

  bool is_as_expected(const KernelAnswer& kernel) const {
    if (kernel.end != answer_.end) return false;
    if (!kernel.objection.empty()) return kernel.end == LookupEnd::blackhole;
    if (kernel.end != LookupEnd::carried) return true;
    const RouteType type = answer_.route == nullptr ? RouteType::unicast : answer_.route->type;
    if (kernel.local != (type == RouteType::local) || kernel.special != (type == RouteType::other))
      return false;
    if (kernel.local || kernel.special) return true;
    if (answer_.route == nullptr) return kernel.device == out_.device;
    if (kernel.table != 0 && kernel.table != answer_.route->table) return false;
    return std::any_of(answer_.route->next_hops.begin(), answer_.route->next_hops.end(),
                       [&](const NextHop& hop) { return is_of_kernel(hop); });
  }

  const ExplainInputs& in_;
  Family family_;
  std::vector<UplinkFacts> facts_;
  RouteAnswer answer_;
  Explanation out_;
};

}  // namespace

std::string_view to_string(DecidedBy by) {
  return std::find_if(kTokens.begin(), kTokens.end(), [&](const auto& row) { return row.first == by; })
      ->second;
}

std::string_view to_string(RuleStep::Outcome outcome) {
  switch (outcome) {
    case RuleStep::Outcome::no_route:
      return "no_route";
    case RuleStep::Outcome::suppressed:
      return "suppressed";
    case RuleStep::Outcome::decided:
      break;
  }
  return "decided";
}

std::string_view to_string(Checked checked) {
  switch (checked) {
    case Checked::agrees:
      return "agrees";
    case Checked::differs:
      return "differs";
    case Checked::drops:
      return "drops";
    case Checked::not_asked:
      break;
  }
  return "not_asked";
}

std::string device_words(const std::string& uplink, const std::string& device) {
  return uplink.empty() || uplink == device ? device : cat(uplink, " (", device, ")");
}

Explanation explain(const ExplainInputs& inputs) {
  return Explainer(inputs).run();
}

}  // namespace multilink
