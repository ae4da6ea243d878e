// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_text.hpp"

#include "multilink/core/config_hash.hpp"
#include "multilink/core/config_keys.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/squid_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// "key = value" of what differs from `usual`.
std::string differing(const Settings& settings, const Settings& usual, bool of_suite) {
  std::string out;
  for (const auto& key : config_keys()) {
    if ((key.place == KeyPlace::suite) != of_suite) continue;
    const auto value = key.value.write(settings);
    if (value != key.value.write(usual)) out += cat(key.name, " = ", value, '\n');
  }
  return out;
}

}  // namespace

std::string config_text(const Config& config) {
  Settings settings = default_settings();
  static_cast<SuiteConfig&>(settings) = config.suite;
  std::string out;
  if (const auto keys = differing(settings, default_settings(), true); !keys.empty())
    out += cat("[multilink]\n", keys);
  unsigned place = 0;
  for (const auto& uplink : config.uplinks) {
    Settings usual = default_settings();
    usual.device = usual.name = uplink.device;
    usual.precedence = ++place;
    Settings own;
    static_cast<UplinkConfig&>(own) = uplink;
    out += cat('[', uplink.device, "]\n", differing(own, usual, false));
  }
  std::string squid;
  const auto usual = default_squid();
  for (const auto& key : squid_keys()) {
    const auto value = key.write(config.squid);
    if (value != key.write(usual)) squid += cat(key.name, " = ", value, '\n');
  }
  if (!squid.empty()) out += cat("[squid]\n", squid);
  for (const auto& policy : config.policies) {
    out += cat("[policy ", policy.name, "]\n");
    for (const auto& key : policy_keys()) {
      if (const auto value = key.write(policy); !value.empty()) out += cat(key.name, " = ", value, '\n');
    }
  }
  return out;
}

std::string notify_digest(const Config& config) {
  Config only;
  only.notify = config.notify;
  return config_hash(only);
}

}  // namespace multilink
