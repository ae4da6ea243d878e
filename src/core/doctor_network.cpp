// SPDX-License-Identifier: GPL-2.0-or-later
// What the doctor says of the configuration and of the kernel's networking.
#include <algorithm>

#include "multilink/core/doctor.hpp"
#include "multilink/core/link_report.hpp"
#include "multilink/core/route_operation.hpp"
#include "multilink/core/swallowing_rules.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

/// Messages hold their remedy behind the last "; ".
Check with_remedy(std::string name, Verdict verdict, std::string_view message) {
  const auto at = message.rfind("; ");
  if (at == std::string_view::npos) return {std::move(name), verdict, std::string(message)};
  return {std::move(name), verdict, std::string(message.substr(0, at)), std::string(message.substr(at + 2))};
}

std::string remedy_for(LinkFact fact, const UplinkConfig& uplink, Family family) {
  switch (fact) {
    case LinkFact::no_device:
      return "plug it in, or put the name that 'ip link' shows into the configuration";
    case LinkFact::admin_down:
      return cat("ip link set ", uplink.device, " up");
    case LinkFact::no_carrier:
      return "look at the cable and the provider's box";
    case LinkFact::no_address:
      return "look at its DHCP client or its static address";
    case LinkFact::no_gateway:
      return cat("write gateway = ADDRESS under [", uplink.device,
                 "], or have its DHCP client set a default IPv", to_string(family), " route");
    case LinkFact::ok:
      break;
  }
  return {};
}

std::string finding_for(const UplinkConfig& uplink, Family family, const UplinkFacts::PerFamily& seen) {
  LinkRecord::PerFamily record{seen.fact, {}, seen.gateway};
  for (const auto& prefix : seen.addresses) record.addresses.push_back(prefix.address);
  const auto text = describe_link(uplink, family, record);
  // Of one with a fault what helps stands apart.
  return seen.fact == LinkFact::ok ? text : text.substr(0, text.find_first_of(":("));
}

/// The families that the uplink is meant to have: IPv4, unless it has IPv6 alone, and IPv6 where it has an address.
std::vector<Family> families_meant(const UplinkFacts& facts) {
  const bool has_v6 = !facts.families.at(Family::v6).addresses.empty();
  const bool has_v4 = !facts.families.at(Family::v4).addresses.empty();
  std::vector<Family> out;
  if (has_v4 || !has_v6) out.push_back(Family::v4);
  if (has_v6) out.push_back(Family::v6);
  return out;
}

/// A mark that others set or ask for, and that has bits of ours.
bool clashes(const MarkMatch& mark, std::uint32_t mark_mask) {
  return (mark.mask & mark_mask) != 0 && (mark.value & mark_mask) != 0;
}

/// The number at the beginning of the text, as nft writes it.
std::optional<std::uint32_t> number_at(std::string_view text) {
  return parse_mark_number(text.substr(0, text.find_first_not_of("0123456789abcdefx")));
}

/// The numbers that the statement sets or adds to a mark.
std::vector<std::uint32_t> numbers_set(std::string_view statement) {
  std::vector<std::uint32_t> out;
  if (const auto first = number_at(statement)) out.push_back(*first);
  for (const std::string_view word : {" | ", " or ", " ^ ", " xor "}) {
    for (auto at = statement.find(word); at != std::string_view::npos; at = statement.find(word, at + 1)) {
      if (const auto number = number_at(statement.substr(at + word.size()))) out.push_back(*number);
    }
  }
  return out;
}

}  // namespace

Checks check_configuration(const ParsedConfig& parsed, const std::string& path,
                           const std::vector<std::string>& devices) {
  const std::string name = "configuration";
  Checks out;
  for (const auto& error : parsed.errors) {
    out.push_back(with_remedy(name, Verdict::problem, error.to_string()));
    if (error.line == 0 && error.message.find("No such file") != std::string::npos) {
      out.back().remedy = cat("'multilinkctl init' writes one for this host",
                              out.back().remedy.empty() ? "" : ", or: ", out.back().remedy);
    }
  }
  if (!parsed.config) return out;
  const auto count = parsed.config->uplinks.size();
  out.push_back({name, Verdict::ok, cat(path, " is valid: ", count, count == 1 ? " uplink" : " uplinks")});
  for (const auto& warning : parsed.warnings)
    out.push_back(with_remedy(name, Verdict::note, warning.to_string()));
  for (const auto& policy : parsed.config->policies) {
    for (const auto& device : policy.iif) {
      if (device == "lo" || std::find(devices.begin(), devices.end(), device) != devices.end()) continue;
      out.push_back({name, Verdict::note, cat("[policy ", policy.name, "]: there is no device ", device),
                     "put the name that 'ip link' shows into iif"});
    }
  }
  return out;
}

Checks check_uplinks(const Config& config, const KernelState& state, const std::vector<DhcpLease>& leases,
                     const RoutingNumbers& numbers) {
  Checks out;
  bool any = false;
  for (const auto& uplink : config.uplinks) {
    const auto facts = observe_uplink(uplink, state, numbers, leases);
    for (const Family family : families_meant(facts)) {
      const auto& seen = facts.families.at(family);
      any |= seen.fact == LinkFact::ok && uplink.enabled;
      Verdict verdict = seen.fact == LinkFact::ok ? Verdict::ok : Verdict::note;
      if (seen.fact == LinkFact::no_gateway) verdict = Verdict::problem;
      out.push_back({cat("uplink ", uplink.name, " IPv", to_string(family)), verdict,
                     finding_for(uplink, family, seen), remedy_for(seen.fact, uplink, family)});
      if (!uplink.enabled) out.back().finding += " (enabled = no: it carries nothing)";
    }
  }
  if (!any) {
    out.push_back({"uplinks", Verdict::problem, "none of them could carry traffic now",
                   "mend what stands above for at least one"});
  }
  return out;
}

Checks check_settings(const HostFindings& findings) {
  Checks out;
  for (const auto& wanted : findings.wanted) {
    out.push_back({"kernel settings", Verdict::note, wanted.reason,
                   cat("routed sets ", sysctl_name(wanted.path()), " to ", wanted.value)});
  }
  for (const auto& warning : findings.warnings) {
    out.push_back(with_remedy("kernel settings", Verdict::note, warning));
  }
  if (out.empty())
    out.push_back({"kernel settings", Verdict::ok, "nothing of them is in the way of traffic"});
  return out;
}

Checks check_foreign_rules(const Config& config, const KernelState& state, const RoutingNumbers& numbers) {
  const std::string name = "rules of others";
  std::vector<unsigned> uplinks;
  for (const auto& uplink : config.uplinks) {
    if (const Link* link = find_uplink_link(uplink, state)) uplinks.push_back(link->index);
  }
  Checks out;
  for (const auto& swallowing : swallowing_rules(state, uplinks, numbers)) {
    const bool is_meant = swallowing.by == SwallowedBy::tunnel;
    out.push_back(with_remedy(name, is_meant ? Verdict::note : Verdict::problem, describe(swallowing)));
  }
  for (const auto& rule : state.rules) {
    if (rule.protocol == numbers.protocol || !rule.mark || !clashes(*rule.mark, config.suite.mark_mask))
      continue;
    out.push_back({name, Verdict::problem,
                   cat("the rule ", rule_words(rule), " goes by a mark with bits of mark_mask (",
                       hexadecimal(config.suite.mark_mask), "), which multilink sets itself"),
                   "move mark_mask in [multilink], or that rule's mark, to other bits"});
  }
  if (out.empty())
    out.push_back({name, Verdict::ok, "none takes all packets, or goes by marks of multilink's"});
  return out;
}

Checks check_foreign_marks(std::string_view ruleset, std::uint32_t mark_mask) {
  const std::string name = "marks of others";
  constexpr std::string_view kSets = "mark set ";
  constexpr std::size_t kMost = 5;
  Checks out;
  std::string table;
  for (const auto raw : split(ruleset, '\n')) {
    const auto line = trim(raw);
    if (line.starts_with("table ")) table = line.substr(0, line.find(" {"));
    const auto at = line.find(kSets);
    if (at == std::string_view::npos || table == "table inet multilink") continue;
    const auto numbers = numbers_set(line.substr(at + kSets.size()));
    const bool is_ours = std::any_of(numbers.begin(), numbers.end(),
                                     [&](std::uint32_t number) { return (number & mark_mask) != 0; });
    if (!is_ours || out.size() == kMost) continue;
    out.push_back({name, Verdict::problem,
                   cat("the nftables ", table, " sets bits of mark_mask (", hexadecimal(mark_mask),
                       "): ", printable(line, 120)),
                   "move mark_mask in [multilink], or that mark, to other bits"});
  }
  if (out.empty()) out.push_back({name, Verdict::ok, "no nftables rule sets bits of mark_mask"});
  return out;
}

}  // namespace multilink
