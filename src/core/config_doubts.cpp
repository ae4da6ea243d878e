// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_doubts.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

class DoubtCheck {
 public:
  explicit DoubtCheck(const ConfigDraft& draft) : draft_(draft) {}

  std::vector<LineProblem> run() {
    check_single_targets(draft_.suite);
    check_probed_family();
    for (const auto& uplink : draft_.uplinks) ++tiers_[uplink.settings.precedence];
    for (const auto& uplink : draft_.uplinks) {
      check_single_targets(uplink);
      check_gateway_as_target(uplink);
      check_weight(uplink);
    }
    check_choice();
    return std::move(doubts_);
  }

 private:
  void doubt(unsigned line, std::string message) { doubts_.push_back({line, std::move(message)}); }

  void check_single_targets(const SectionDraft& section) {
    if (!section.sets("targets")) return;
    for (const Family family : kFamilies) {
      const auto targets = section.settings.targets_of(family);
      if (targets.size() != 1) continue;
      doubt(section.line_of("targets"),
            cat("targets: '", targets.front().to_string(), "' is the only IPv", to_string(family),
                " target and decides alone: when it is dead, the link counts as dead; give two or more"));
    }
  }

  /// Once for each list of targets, however many uplinks go by it. Whether there is IPv6 at all is seen at run time.
  void check_probed_family() {
    std::set<std::pair<Family, unsigned>> named;
    for (const auto& uplink : draft_.uplinks) {
      const auto line = (uplink.sets("targets") ? uplink : draft_.suite).line_of("targets");
      for (const Family family : kFamilies) {
        const bool is_meant = family == Family::v4 || uplink.settings.gateways.contains(family);
        if (!is_meant || !uplink.settings.targets_of(family).empty() ||
            !named.insert({family, line}).second) {
          continue;
        }
        const auto ip = cat("IPv", to_string(family));
        doubt(line,
              cat("targets: there is no ", ip, " target for [", printable(uplink.settings.device),
                  "]: without one its ", ip,
                  " is not probed, never comes up and carries nothing; add two or more ", ip, " addresses"));
      }
    }
  }

  void check_gateway_as_target(const SectionDraft& uplink) {
    for (const auto& [family, gateway] : uplink.settings.gateways) {
      const auto targets = uplink.settings.targets_of(family);
      if (std::find(targets.begin(), targets.end(), gateway) == targets.end()) continue;
      doubt(uplink.line_of("gateway"),
            cat("gateway: '", gateway.to_string(),
                "' is also a target: it answers although the Internet behind it may be gone; take it out of "
                "targets"));
    }
  }

  void check_weight(const SectionDraft& uplink) {
    const auto& mine = uplink.settings;
    const bool is_alone = tiers_[mine.precedence] == 1 && !draft_.squid.settings.enabled;
    if (mine.weight == 1 || !is_alone) return;
    doubt(uplink.line_of("weight"),
          cat("weight: '", mine.weight, "' has no effect: no other uplink has precedence ", mine.precedence,
              "; give uplinks that shall share the traffic the same precedence"));
  }

  void check_choice() {
    const auto& uplinks = draft_.uplinks;
    if (uplinks.size() == 1) {
      doubt(uplinks.front().line, cat("[", printable(uplinks.front().settings.device),
                                      "]: it is the only uplink, so there is nothing to fail over to"));
    }
    const auto is_on = [](const SectionDraft& uplink) { return uplink.settings.enabled; };
    if (std::none_of(uplinks.begin(), uplinks.end(), is_on)) {
      doubt(0, "every uplink has enabled = no, so multilink will choose none");
    }
  }

  const ConfigDraft& draft_;
  std::map<unsigned, std::size_t> tiers_;  ///< uplinks of each precedence
  std::vector<LineProblem> doubts_;
};

}  // namespace

std::vector<LineProblem> check_doubts(const ConfigDraft& draft) {
  return DoubtCheck(draft).run();
}

}  // namespace multilink
