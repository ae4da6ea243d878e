// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_rules.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr int kProbesForLossRule = 20;  ///< in the window, before the loss rule speaks
constexpr int kMaskBits = 32;

/// A rule between two keys, told from the side of whichever key the section sets.
struct PairRule {
  std::string_view first;
  std::string_view second;
  bool (*holds)(const Settings& settings);
  std::string_view first_breaks;   ///< completes "first: 'x' … second ('y')"
  std::string_view second_breaks;  ///< completes "second: 'y' … first ('x')"
  std::string_view remedy;
};

constexpr std::array<PairRule, 4> kPairRules{{
    {"loss_up", "loss_down", [](const Settings& s) { return s.loss_up < s.loss_down; }, "is not below",
     "is not above", "a link must lose less to come up than to go down: lower loss_up or raise loss_down"},
    {"loss_window", "probe_interval",
     [](const Settings& s) { return s.loss_window >= kProbesForLossRule * s.probe_interval; },
     "is shorter than 20 times", "is longer than a twentieth of",
     "the loss rule speaks from 20 probes on: lengthen loss_window or shorten probe_interval"},
    {"up_after", "probe_interval", [](const Settings& s) { return s.up_after >= s.probe_interval; },
     "is shorter than", "is longer than",
     "a probe must fall into the clean time: lengthen up_after or shorten probe_interval"},
    {"history", "loss_window", [](const Settings& s) { return s.history >= s.loss_window; },
     "is shorter than", "is longer than",
     "healthd rebuilds the window from the history: lengthen history or shorten loss_window"},
}};

std::string value_of(std::string_view key, const Settings& settings) {
  const auto* found = find_config_key(key);
  assert(found != nullptr);
  return found->value.write(settings);
}

class RuleCheck {
 public:
  explicit RuleCheck(const ConfigDraft& draft) : draft_(draft) {}

  std::vector<LineProblem> run() {
    check_pairs(draft_.suite);
    for (const auto& uplink : draft_.uplinks) {
      check_pairs(uplink);
      check_default_name(uplink);
    }
    check_unique();
    check_count();
    return std::move(problems_);
  }

 private:
  void problem(unsigned line, std::string message) { problems_.push_back({line, std::move(message)}); }

  void check_pairs(const SectionDraft& section) {
    for (const auto& rule : kPairRules) {
      if (!section.sets(rule.first) && !section.sets(rule.second)) continue;
      if (!draft_.is_valid(section, rule.first) || !draft_.is_valid(section, rule.second)) continue;
      if (rule.holds(section.settings)) continue;
      const bool by_first = section.sets(rule.first);
      const auto here = by_first ? rule.first : rule.second;
      const auto there = by_first ? rule.second : rule.first;
      problem(section.line_of(here), cat(here, ": '", value_of(here, section.settings), "' ",
                                         by_first ? rule.first_breaks : rule.second_breaks, ' ', there, " (",
                                         value_of(there, section.settings), "); ", rule.remedy));
    }
  }

  void check_default_name(const SectionDraft& uplink) {
    if (uplink.settings.name == kNoUplink) {
      problem(uplink.line_of("name"),
              "name: 'none' stands for no uplink in policies and events; give the uplink another name");
    }
    if (uplink.sets("name") || uplink.settings.device.empty() || is_token(uplink.settings.name)) return;
    problem(uplink.line, cat("[", printable(uplink.settings.device),
                             "]: the device's name is not usable as the uplink's; add a name of letters, "
                             "digits, '-', '_' and '.', for example name = wan1"));
  }

  void check_unique() {
    std::map<std::string, const SectionDraft*> devices;
    std::map<std::string, const SectionDraft*> macs;
    std::map<std::string, const SectionDraft*> names;
    for (const auto& uplink : draft_.uplinks) {
      const auto& mine = uplink.settings;
      if (mine.device.empty()) continue;
      if (const auto* owner = claim(devices, mine.device, uplink)) {
        problem(uplink.line, cat("[", printable(mine.device), "]: the device is given twice, first on line ",
                                 owner->line, "; merge the two sections"));
        continue;
      }
      if (const auto* owner = mine.mac ? claim(macs, *mine.mac, uplink) : nullptr) {
        problem(uplink.line_of("mac"), cat("mac: '", *mine.mac, "' is also that of ", place_of(*owner),
                                           "; give each device its own"));
      }
      if (const auto* owner = claim(names, mine.name, uplink)) {
        problem(uplink.line_of("name"), cat("name: ", quoted(mine.name), " is also the name of ",
                                            place_of(*owner), "; give each uplink a name of its own"));
      }
    }
  }

  /// Gives `what` to the uplink; who has it already, if anyone.
  static const SectionDraft* claim(std::map<std::string, const SectionDraft*>& owners,
                                   const std::string& what, const SectionDraft& uplink) {
    const auto [owner, added] = owners.emplace(what, &uplink);
    return added ? nullptr : owner->second;
  }

  static std::string place_of(const SectionDraft& uplink) {
    return cat("[", printable(uplink.settings.device), "] on line ", uplink.line);
  }

  void check_count() {
    if (draft_.uplinks.empty()) {
      return problem(
          0,
          "there is no uplink: no section is named after a network device; add one for each line to "
          "the Internet, best first, for example [eth0]");
    }
    if (!draft_.is_valid(draft_.suite, "mark_mask")) return;
    const auto count = draft_.uplinks.size();
    const auto& settings = draft_.suite.settings;
    const auto held = PacketMarks(settings.mark_mask).uplinks();
    if (count <= held) return;
    int bits = std::popcount(settings.mark_mask);
    while (count > PacketMarks::uplinks_in(bits)) ++bits;
    Settings wider;
    wider.mark_mask = ~std::uint32_t{0} << static_cast<unsigned>(kMaskBits - bits);
    const unsigned line =
        draft_.suite.sets("mark_mask") ? draft_.suite.line_of("mark_mask") : draft_.uplinks[held].line;
    problem(line, cat("mark_mask: '", value_of("mark_mask", settings), "' holds ", held,
                      " uplinks (all ones is reserved for probes) and the file has ", count,
                      "; widen it, for example mark_mask = ", value_of("mark_mask", wider)));
  }

  const ConfigDraft& draft_;
  std::vector<LineProblem> problems_;
};

}  // namespace

std::vector<LineProblem> check_rules(const ConfigDraft& draft) {
  return RuleCheck(draft).run();
}

}  // namespace multilink
