// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/config.hpp"

namespace multilink {

/// One difference between two configurations.
struct ConfigChange {
  std::string place;   ///< "uplink fibre", "multilink", "policy voice", "squid", "notify"
  std::string key;     ///< empty: the section as a whole
  std::string before;  ///< as one would write it; empty with `after`: it is not shown
  std::string after;
  std::string effect;  ///< what a reload makes of it, for people
  bool needs_restart = false;

  bool operator==(const ConfigChange&) const = default;
};

/// What a reload changes that has `before` in force and reads `after`. Uplinks are the same where their devices are.
std::vector<ConfigChange> diff_configs(const Config& before, const Config& after);

/// What a change of the key does, for people; empty: there is no such key.
std::string_view effect_of(std::string_view section, std::string_view key);

/// "uplink fibre: weight 1 -> 3 (new flows ...)", with a newline.
std::string render_change(const ConfigChange& change);

}  // namespace multilink
