// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/policy_checks.hpp"

#include <algorithm>
#include <string>

#include "multilink/core/ip_protocol.hpp"
#include "multilink/core/nearest.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

bool has_family(const std::vector<IpPrefix>& prefixes, Family family) {
  return prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(), [&](const IpPrefix& prefix) {
           return prefix.address.family() == family;
         });
}

std::size_t at_least_one(std::size_t count) {
  return std::max<std::size_t>(count, 1);
}

class PolicyCheck {
 public:
  explicit PolicyCheck(const ConfigDraft& draft) : draft_(draft) {}

  std::vector<LineProblem> run() {
    for (const auto& policy : draft_.policies) {
      check_selectors(policy);
      check_families(policy);
      check_ports(policy);
      check_mark(policy);
      check_use(policy);
      check_number_of_rules(policy);
    }
    if (draft_.policies.size() > kMostPolicies) {
      problem(draft_.policies[kMostPolicies].line,
              cat("[policy ", printable(draft_.policies[kMostPolicies].settings.name), "]: it is number ",
                  kMostPolicies + 1, ", and there can be ", kMostPolicies,
                  " policies; join some of them by lists in their keys"));
    }
    return std::move(problems_);
  }

 private:
  void problem(unsigned line, std::string message) { problems_.push_back({line, std::move(message)}); }

  static std::string header(const PolicyDraft& policy) {
    return cat("[policy ", printable(policy.settings.name), "]");
  }

  void check_selectors(const PolicyDraft& policy) {
    const bool selects = std::any_of(policy.uses.begin(), policy.uses.end(), [](const auto& use) {
      return use.first != "use" && find_section_key(policy_keys(), use.first) != nullptr;
    });
    if (selects) return;
    problem(policy.line, cat(header(policy),
                             ": it selects no traffic; say which by from, to, iif, proto, port or mark (what "
                             "holds for all traffic is the order of the uplinks)"));
  }

  void check_families(const PolicyDraft& policy) {
    if (!policy.is_valid("from") || !policy.is_valid("to")) return;
    const auto& mine = policy.settings;
    const bool any = std::any_of(kFamilies.begin(), kFamilies.end(), [&](Family family) {
      return has_family(mine.from, family) && has_family(mine.to, family);
    });
    if (any) return;
    problem(policy.line_of("to"), cat("to: '", find_section_key(policy_keys(), "to")->write(mine),
                                      "' is of the other address family than from ('",
                                      find_section_key(policy_keys(), "from")->write(mine),
                                      "'), so that no packet fits; make two policies of it"));
  }

  void check_ports(const PolicyDraft& policy) {
    if (!policy.sets("port") || !policy.is_valid("port") || !policy.is_valid("proto")) return;
    const auto& mine = policy.settings;
    if (!mine.protocols.empty() && std::all_of(mine.protocols.begin(), mine.protocols.end(), has_ports))
      return;
    const auto protocols = find_section_key(policy_keys(), "proto")->write(mine);
    problem(policy.line_of("port"),
            cat("port: '", find_section_key(policy_keys(), "port")->write(mine),
                "' needs proto to be tcp, udp or both, and it is ",
                protocols.empty() ? "not set" : cat("'", protocols, "'"), "; write for example proto = tcp"));
  }

  void check_mark(const PolicyDraft& policy) {
    const auto& mine = policy.settings;
    if (!mine.mark || !draft_.is_valid(draft_.suite, "mark_mask")) return;
    const std::uint32_t ours = draft_.suite.settings.mark_mask;
    if (((policy.has_mask ? mine.mark->mask : mine.mark->value) & ours) == 0) return;
    const auto text = policy.has_mask ? to_string(*mine.mark) : hexadecimal(mine.mark->value);
    problem(policy.line_of("mark"), cat("mark: '", text, "' has bits of mark_mask (", hexadecimal(ours),
                                        "), which multilink sets itself; take others, or move mark_mask"));
  }

  void check_use(const PolicyDraft& policy) {
    if (!policy.sets("use")) {
      return problem(policy.line, cat(header(policy),
                                      ": it does not say by which uplinks its traffic goes; write "
                                      "for example use = lte, none"));
    }
    std::vector<std::string_view> names;
    for (const auto& uplink : draft_.uplinks) names.push_back(uplink.settings.name);
    for (const auto& name : policy.settings.use) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const auto meant = nearest(name, names);
      problem(policy.line_of("use"),
              cat("use: '", name, "' is the name of no uplink; ",
                  meant.empty() ? cat("there is: ", printable(join({names.begin(), names.end()}, ", ")))
                                : cat("did you mean ", printable(meant), "?")));
    }
  }

  void check_number_of_rules(const PolicyDraft& policy) {
    const auto& mine = policy.settings;
    const std::size_t rules = at_least_one(mine.from.size()) * at_least_one(mine.to.size()) *
                              at_least_one(mine.iif.size()) * at_least_one(mine.protocols.size()) *
                              at_least_one(mine.ports.size());
    if (rules <= kMostRulesOfAPolicy) return;
    problem(policy.line, cat(header(policy), ": its lists make ", rules,
                             " combinations, each a rule of the kernel's, "
                             "and there can be ",
                             kMostRulesOfAPolicy, "; write networks and ranges instead of single ones"));
  }

  const ConfigDraft& draft_;
  std::vector<LineProblem> problems_;
};

}  // namespace

std::vector<LineProblem> check_policies(const ConfigDraft& draft) {
  return PolicyCheck(draft).run();
}

std::vector<LineProblem> check_policy_doubts(const ConfigDraft& draft) {
  std::vector<LineProblem> doubts;
  for (auto policy = draft.policies.begin(); policy != draft.policies.end(); ++policy) {
    const auto header = cat("[policy ", printable(policy->settings.name), "]");
    const auto same = std::find_if(draft.policies.begin(), policy, [&](const PolicyDraft& earlier) {
      PolicyConfig mine = policy->settings;
      mine.name = earlier.settings.name;
      mine.use = earlier.settings.use;
      return mine == earlier.settings;
    });
    if (same != policy) {
      doubts.push_back({policy->line, cat(header, ": it selects what [policy ",
                                          printable(same->settings.name), "] on line ", same->line,
                                          " selects already, so that nothing is left for it; take it out")});
    }
    const bool none_enabled =
        std::none_of(draft.uplinks.begin(), draft.uplinks.end(), [&](const SectionDraft& uplink) {
          const auto& use = policy->settings.use;
          return uplink.settings.enabled &&
                 std::find(use.begin(), use.end(), uplink.settings.name) != use.end();
        });
    if (none_enabled) {
      doubts.push_back({policy->line_of("use"), cat("use: every uplink that ", header,
                                                    " names has enabled = no, so its traffic is refused")});
    }
  }
  return doubts;
}

std::vector<PolicyConfig> build_policies(const ConfigDraft& draft) {
  std::vector<PolicyConfig> out;
  for (const auto& policy : draft.policies) {
    out.push_back(policy.settings);
    if (policy.settings.mark && !policy.has_mask) out.back().mark->mask = ~draft.suite.settings.mark_mask;
  }
  return out;
}

}  // namespace multilink
