// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_override.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::array<std::string_view, 8> kChangeable{"probe_interval", "loss_window",  "loss_down",
                                                      "loss_up",        "latency_down", "jitter_down",
                                                      "up_after",       "evict_after"};

/// The uplink as a file, so that the file's own rules judge it.
std::string as_file(const UplinkConfig& uplink, std::string_view key, std::string_view value) {
  Settings settings = default_settings();
  static_cast<UplinkConfig&>(settings) = uplink;
  // How long probes are kept is another question.
  std::string out = cat("[multilink]\nhistory = 1d\n[", uplink.device, "]\n");
  for (const auto& known : config_keys()) {
    const auto text = known.name == key ? std::string(value) : known.value.write(settings);
    if (known.place != KeyPlace::suite && !text.empty()) out += cat(known.name, " = ", text, '\n');
  }
  return out;
}

}  // namespace

Result<UplinkConfig> with_setting(const UplinkConfig& uplink, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos) return fail(cat(quoted(assignment), " is not key=value"));
  const auto key = trim(assignment.substr(0, equals));
  const auto value = trim(assignment.substr(equals + 1));
  if (std::ranges::find(kChangeable, key) == kChangeable.end()) {
    std::vector<std::string> known(kChangeable.begin(), kChangeable.end());
    return fail(cat(quoted(key), " cannot be changed here; there is: ", join(known, ", ")));
  }
  // An empty value takes a threshold away.
  auto parsed = parse_config(as_file(uplink, key, value), "");
  if (!parsed.config) return fail(parsed.errors.front().message);
  return parsed.config->uplinks.front();
}

}  // namespace multilink
