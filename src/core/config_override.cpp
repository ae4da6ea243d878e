// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_override.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::array<std::string_view, 8> kChangeable{"probe_interval", "loss_window",  "loss_down",
                                                      "loss_up",        "latency_down", "jitter_down",
                                                      "up_after",       "evict_after"};

using Changes = std::map<std::string, std::string, std::less<>>;

/// The uplink as a file, so that the file's own rules judge it.
std::string as_file(const UplinkConfig& uplink, const Changes& changes) {
  Settings settings = default_settings();
  static_cast<UplinkConfig&>(settings) = uplink;
  // How long probes are kept is another question.
  std::string out = cat("[multilink]\nhistory = 1d\n[", uplink.device, "]\n");
  for (const auto& known : config_keys()) {
    const auto change = changes.find(known.name);
    const auto text = change != changes.end() ? change->second : known.value.write(settings);
    if (known.place != KeyPlace::suite && !text.empty()) out += cat(known.name, " = ", text, '\n');
  }
  return out;
}

}  // namespace

Result<UplinkConfig> with_settings(const UplinkConfig& uplink, const std::vector<std::string>& assignments) {
  Changes changes;
  for (const std::string_view assignment : assignments) {
    const auto equals = assignment.find('=');
    const auto key = trim(assignment.substr(0, equals));
    const auto value = equals == std::string_view::npos ? "" : trim(assignment.substr(equals + 1));
    if (value.empty()) return fail(cat(quoted(assignment), " is not key=value"));
    if (std::ranges::find(kChangeable, key) == kChangeable.end()) {
      std::vector<std::string> known(kChangeable.begin(), kChangeable.end());
      return fail(cat(quoted(key), " cannot be changed here; there is: ", join(known, ", ")));
    }
    changes[std::string(key)] = value;
  }
  auto parsed = parse_config(as_file(uplink, changes), "");
  if (!parsed.config) return fail(parsed.errors.front().message);
  return parsed.config->uplinks.front();
}

}  // namespace multilink
