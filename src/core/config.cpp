// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "multilink/core/config_doubts.hpp"
#include "multilink/core/config_keys.hpp"
#include "multilink/core/config_lists.hpp"
#include "multilink/core/config_rules.hpp"
#include "multilink/core/nearest.hpp"
#include "multilink/core/notify_keys.hpp"
#include "multilink/core/packet_filter.hpp"
#include "multilink/core/policy_checks.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/squid_checks.hpp"
#include "multilink/core/squid_keys.hpp"

namespace multilink {
namespace {

constexpr std::string_view kSuiteSection = "multilink";
constexpr std::string_view kSquidSection = "squid";
constexpr std::string_view kNotifySection = "notify";
constexpr std::string_view kPolicySection = "policy";

/// Why the kernel has no device of this name that could be an uplink; empty when it can have one.
std::string_view why_no_device(std::string_view name) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ without its NUL
  if (name.empty()) return "the section has no name";
  if (name.size() > kLongest) return "a device's name has at most 15 bytes";
  if (name == "." || name == ".." || name == "all" || name == "default")
    return "the kernel reserves the name";
  if (name == "lo") return "the loopback device leads nowhere";
  const auto bad = [](char c) { return c <= ' ' || c == '\x7f' || c == '/' || c == ':'; };
  const bool has_bad = std::any_of(name.begin(), name.end(),
                                   [&](char c) { return bad(c) && static_cast<unsigned char>(c) < 0x80; });
  return has_bad ? "a device's name has no blank, '/' or ':'" : why_not_filterable(name);
}

/// The section of another kind that the name is a misspelling of; empty: of none.
std::string_view meant_section(std::string_view name) {
  constexpr std::array kOthers{kSuiteSection, kSquidSection, kNotifySection, kPolicySection};
  const auto is_alike = [&](std::string_view other) {
    return std::ranges::equal(name, other, [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  };
  const auto found = std::ranges::find_if(kOthers, is_alike);
  return found != kOthers.end() ? *found : std::string_view();
}

bool is_policy(const IniSection& section) {
  return section.name.substr(0, section.name.find_first_of(" \t")) == kPolicySection;
}

std::vector<ConfigProblem> in_file_order(std::vector<LineProblem> problems, std::string_view file) {
  const auto rank = [](const LineProblem& problem) {
    return problem.line == 0 ? std::numeric_limits<unsigned>::max() : problem.line;
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const LineProblem& a, const LineProblem& b) { return rank(a) < rank(b); });
  std::vector<ConfigProblem> out;
  for (auto& problem : problems) out.push_back({std::string(file), problem.line, std::move(problem.message)});
  return out;
}

/// From sections of text to a draft, noting every problem on the way.
class ConfigReader {
 public:
  explicit ConfigReader(const IniFile& ini) : errors_(ini.problems) {
    draft_.suite.settings = default_settings();
    draft_.squid.settings = default_squid();
    for (const auto& section : ini.sections) {
      if (section.name == kSuiteSection) read_suite(section);
    }
    for (const auto& section : ini.sections) {
      if (section.name == kNotifySection) {
        read_own_section(section, notify_keys(), draft_.notify);
      } else if (section.name == kSquidSection) {
        read_own_section(section, squid_keys(), draft_.squid);
      } else if (is_policy(section)) {
        read_policy(section);
      } else if (section.name != kSuiteSection) {
        read_uplink(section);
      }
    }
    for (auto& problem : check_rules(draft_)) errors_.push_back(std::move(problem));
    for (auto& problem : check_policies(draft_)) errors_.push_back(std::move(problem));
    for (auto& problem : check_squid(draft_)) errors_.push_back(std::move(problem));
  }

  ParsedConfig result(std::string_view file) {
    ParsedConfig parsed;
    parsed.errors = in_file_order(std::move(errors_), file);
    if (draft_.is_valid(draft_.suite, "redis") && draft_.is_valid(draft_.suite, "site")) {
      parsed.records = RecordsPlace{draft_.suite.settings.redis, draft_.suite.settings.site};
    }
    if (!parsed.errors.empty()) return parsed;
    auto doubts = check_doubts(draft_);
    for (auto& doubt : check_policy_doubts(draft_)) doubts.push_back(std::move(doubt));
    if (draft_.notify.line != 0 && !draft_.notify.settings.has_receiver()) {
      doubts.push_back({draft_.notify.line, "[notify]: nobody is told; name a command, a webhook or mail"});
    }
    parsed.warnings = in_file_order(std::move(doubts), file);
    parsed.config = build();
    return parsed;
  }

 private:
  /// Each line of the message is an error.
  void error(unsigned line, std::string_view message) {
    for (const auto one : split(message, kBetweenProblems.front()))
      errors_.push_back({line, std::string(one)});
  }

  /// Whether a section that may stand once stands here for the first time.
  bool is_first(const IniSection& section) { return is_first(section.name, section.line); }
  bool is_first(const std::string& name, unsigned line) {
    const auto [first, added] = once_.emplace(name, line);
    if (!added) {
      error(line, cat("[", printable(name), "]: the section is given twice, first on line ", first->second,
                      "; merge the two"));
    }
    return added;
  }

  void read_suite(const IniSection& section) {
    if (is_first(section)) draft_.suite.line = section.line;
    for (const auto& entry : section.entries) read_key(entry, draft_.suite, true);
  }

  void read_uplink(const IniSection& section) {
    SectionDraft uplink;
    uplink.line = section.line;
    uplink.settings = draft_.suite.settings;
    uplink.settings.device = section.name;
    uplink.settings.name = section.name;
    uplink.settings.precedence = static_cast<unsigned>(draft_.uplinks.size()) + 1;
    const auto flaw = why_no_device(section.name);
    if (const auto meant = meant_section(section.name); !meant.empty()) {
      error(section.line, cat("[", printable(section.name),
                              "]: is no device that there would be; did you mean [", meant, "]?"));
      uplink.settings.device.clear();
    } else if (!flaw.empty()) {
      const std::string_view remedy =
          flaw == why_not_filterable(section.name)
              ? "rename the device, for example with a .link file of systemd"
              : "write the name of the uplink's device as `ip link` shows it, for example [eth0]";
      error(section.line, cat("[", printable(section.name), "]: ", flaw, "; ", remedy));
      uplink.settings.device.clear();
    }
    for (const auto& entry : section.entries) read_key(entry, uplink, false);
    draft_.uplinks.push_back(std::move(uplink));
  }

  /// A section that may stand once and has keys of its own.
  template <class Key, class Draft>
  void read_own_section(const IniSection& section, const std::vector<Key>& table, Draft& draft) {
    if (is_first(section)) draft.line = section.line;
    for (const auto& entry : section.entries) read_own_key(entry, cat('[', section.name, ']'), table, draft);
  }

  template <class Key, class Draft>
  void read_own_key(const IniEntry& entry, std::string_view header, const std::vector<Key>& table,
                    Draft& draft) {
    const Key* key = find_section_key(table, entry.key);
    if (key == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& known : table) names.push_back(known.name);
      return refuse_unknown(entry, header, names, names);
    }
    if (!is_first_use(entry, key->name, draft)) return;
    const auto done = read_section_value(*key, entry.value, draft.settings);
    if (!done) error(entry.line, done.error().message);
    draft.uses[entry.key] = {entry.line, done.has_value()};
  }

  void read_policy(const IniSection& section) {
    PolicyDraft policy;
    policy.line = section.line;
    policy.settings.name = trim(std::string_view(section.name).substr(kPolicySection.size()));
    const auto& name = policy.settings.name;
    const auto header = cat("[policy ", printable(name), "]");
    if (name.empty()) {
      error(section.line, "[policy]: a policy has a name; write for example [policy voice]");
    } else if (!is_token(name)) {
      error(section.line,
            cat(header, ": ", quoted(name),
                " is not a name of at most 32 letters, digits, '-', '_' and '.' that begins with a "
                "letter or digit; write for example [policy voice]"));
    } else {
      is_first(cat(kPolicySection, ' ', name), section.line);
    }
    for (const auto& entry : section.entries) read_policy_key(entry, header, policy);
    draft_.policies.push_back(std::move(policy));
  }

  void read_policy_key(const IniEntry& entry, std::string_view header, PolicyDraft& policy) {
    const bool is_first_mark = entry.key == "mark" && !policy.sets("mark");
    read_own_key(entry, header, policy_keys(), policy);
    if (is_first_mark) policy.has_mask = entry.value.find('/') != std::string::npos;
  }

  bool is_first_use(const IniEntry& entry, std::string_view key, const SectionLines& section) {
    const auto earlier = section.uses.find(entry.key);
    if (earlier == section.uses.end()) return true;
    error(entry.line,
          cat(key, ": is given twice in this section, first on line ", earlier->second.line, "; keep one"));
    return false;
  }

  void read_key(const IniEntry& entry, SectionDraft& section, bool in_suite) {
    const auto* key = find_config_key(entry.key);
    if (key == nullptr) return refuse_key(entry, in_suite);
    if (in_suite ? key->place == KeyPlace::uplink : key->place == KeyPlace::suite) {
      return error(entry.line,
                   cat(key->name, in_suite ? ": belongs to one uplink; move it into the section of its device"
                                           : ": holds for the whole suite; move it into [multilink]"));
    }
    if (!is_first_use(entry, key->name, section)) return;
    const auto done = read_config_value(*key, entry.value, section.settings);
    if (!done) error(entry.line, done.error().message);
    section.uses[entry.key] = {entry.line, done.has_value()};
  }

  void refuse_key(const IniEntry& entry, bool in_suite) {
    std::vector<std::string_view> here;
    std::vector<std::string_view> all;
    for (const auto& key : config_keys()) {
      all.push_back(key.name);
      if (key.place != (in_suite ? KeyPlace::uplink : KeyPlace::suite)) here.push_back(key.name);
    }
    refuse_unknown(entry, in_suite ? "[multilink]" : "an uplink's section", here, all);
  }

  /// The value is not shown: under a name we do not know there may be a password.
  void refuse_unknown(const IniEntry& entry, std::string_view where,
                      const std::vector<std::string_view>& here, const std::vector<std::string_view>& all) {
    const auto meant = nearest(entry.key, all);
    const auto remedy = meant.empty()
                            ? cat("take it out; the keys here are ", join({here.begin(), here.end()}, ", "))
                            : cat("did you mean ", meant, "?");
    error(entry.line, cat(printable(entry.key), ": is no key of ", where, "; ", remedy));
  }

  Config build() const {
    Config config;
    config.suite = static_cast<const SuiteConfig&>(draft_.suite.settings);
    for (const auto& uplink : draft_.uplinks) config.uplinks.push_back(uplink.settings);
    std::stable_sort(
        config.uplinks.begin(), config.uplinks.end(),
        [](const UplinkConfig& a, const UplinkConfig& b) { return a.precedence < b.precedence; });
    config.policies = build_policies(draft_);
    config.squid = draft_.squid.settings;
    config.notify = draft_.notify.settings;
    return config;
  }

  ConfigDraft draft_;
  std::vector<LineProblem> errors_;
  std::map<std::string, unsigned> once_;  ///< lines of the sections that may stand once
};

}  // namespace

std::vector<IpAddress> UplinkConfig::targets_of(Family family) const {
  std::vector<IpAddress> out;
  std::copy_if(targets.begin(), targets.end(), std::back_inserter(out),
               [&](const IpAddress& target) { return target.family() == family; });
  return out;
}

std::string ConfigProblem::to_string() const {
  return line == 0 ? cat(file, ": ", message) : cat(file, ':', line, ": ", message);
}

const UplinkConfig* Config::uplink_named(std::string_view name) const {
  const auto found =
      std::find_if(uplinks.begin(), uplinks.end(), [&](const UplinkConfig& u) { return u.name == name; });
  return found == uplinks.end() ? nullptr : &*found;
}

ParsedConfig parse_config(std::string_view text, std::string_view file) {
  return ConfigReader(parse_ini(text)).result(file);
}

}  // namespace multilink
