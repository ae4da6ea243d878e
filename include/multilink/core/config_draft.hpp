// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config_values.hpp"
#include "multilink/core/ini.hpp"

namespace multilink {

/// Where a section sets a key, and whether its value was accepted.
struct KeyUse {
  unsigned line = 0;
  bool valid = false;
};

/// Where a section and its settings come from.
struct SectionLines {
  unsigned line = 0;  ///< of the header; 0: the file has no such section
  std::map<std::string, KeyUse, std::less<>> uses;

  bool sets(std::string_view key) const { return uses.find(key) != uses.end(); }
  /// The line that sets the key, else that of the header.
  unsigned line_of(std::string_view key) const {
    const auto found = uses.find(key);
    return found == uses.end() ? line : found->second.line;
  }
};

/// One section on its way to a configuration: its settings (over the defaults), and where they come from.
struct SectionDraft : SectionLines {
  Settings settings;
};

struct PolicyDraft : SectionLines {
  PolicyConfig settings;  ///< its mark as it was written
  bool has_mask = false;  ///< the mark was written with a mask

  /// Whether no value of these keys was refused.
  bool is_valid(std::string_view key) const {
    const auto found = uses.find(key);
    return found == uses.end() || found->second.valid;
  }
};

struct SquidDraft : SectionLines {
  SquidConfig settings;  ///< over the defaults
};

struct NotifyDraft : SectionLines {
  NotifyConfig settings;  ///< over the defaults
};

/// A whole file whose keys have been read one by one, before the rules that look at several of them.
struct ConfigDraft {
  SectionDraft suite;                 ///< [multilink]; what it sets is the default of every uplink
  std::vector<SectionDraft> uplinks;  ///< in file order
  std::vector<PolicyDraft> policies;  ///< in file order
  SquidDraft squid;
  NotifyDraft notify;

  /// Whether the value in force for the uplink (or the suite itself) is the one the file asks for: no rule
  /// should be judged by a default that stands in for a refused value.
  bool is_valid(const SectionDraft& section, std::string_view key) const {
    const auto own = section.uses.find(key);
    if (own != section.uses.end()) return own->second.valid;
    const auto inherited = suite.uses.find(key);
    return inherited == suite.uses.end() || inherited->second.valid;
  }
};

}  // namespace multilink
