// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_hash.hpp"

#include <cstdint>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/notify_keys.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/squid_keys.hpp"

namespace multilink {
namespace {

/// Every key of the suite, or of an uplink, as "key=value" lines in the table's order: a key that is added to
/// the table is hashed.
std::string canonical_text(const Settings& settings, bool of_suite) {
  std::string out;
  for (const auto& key : config_keys()) {
    if ((key.place == KeyPlace::suite) == of_suite)
      out += cat(key.name, '=', key.value.write(settings), '\n');
  }
  return out;
}

std::string canonical_text(const Config& config) {
  Settings settings;
  static_cast<SuiteConfig&>(settings) = config.suite;
  std::string out = canonical_text(settings, true);
  for (const auto& uplink : config.uplinks) {
    static_cast<UplinkConfig&>(settings) = uplink;
    out += cat('[', uplink.device, "]\n", canonical_text(settings, false));
  }
  if (config.notify != NotifyConfig{}) {
    out += "[notify]\n";
    for (const auto& key : notify_keys()) out += cat(key.name, '=', key.write(config.notify), '\n');
  }
  for (const auto& policy : config.policies) {
    out += cat("[policy ", policy.name, "]\n");
    for (const auto& key : policy_keys()) out += cat(key.name, '=', key.write(policy), '\n');
  }
  for (const auto& key : squid_keys()) out += cat("squid ", key.name, '=', key.write(config.squid), '\n');
  return out;
}

}  // namespace

std::string config_hash(const Config& config) {
  constexpr std::uint64_t kOffset = 0xcbf29ce484222325U;
  constexpr std::uint64_t kPrime = 0x100000001b3U;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t hash = kOffset;
  for (const char c : canonical_text(config)) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  std::string out(16, '0');
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, hash >>= 4U) *digit = kHex[hash & 0xfU];
  return out;
}

}  // namespace multilink
