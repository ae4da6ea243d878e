// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_keys.hpp"

#include <cassert>

#include "multilink/core/config_lists.hpp"

namespace multilink {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using U = UplinkConfig;
using S = SuiteConfig;

constexpr KeyPlace kSuite = KeyPlace::suite;
constexpr KeyPlace kAny = KeyPlace::anywhere;
constexpr KeyPlace kUplink = KeyPlace::uplink;
constexpr std::string_view kRedis = "unix:/run/multilink/redis.sock";
constexpr std::string_view kTargets = "1.1.1.1, 8.8.8.8, 9.9.9.9, 2606:4700:4700::1111, 2001:4860:4860::8888";

std::vector<ConfigKey> make_table() {
  return {
      {"redis", kSuite, kRedis, kRedis, redis_value()},
      {"site", kSuite, "local", "office", token_value(&S::site)},
      {"history", kSuite, "1h", "1h", duration_value(&S::history, minutes(1), hours(24))},
      {"hash", kSuite, "flow", "flow",
       word_value(&S::hash, {{"flow", Hash::flow}, {"address", Hash::address}})},
      {"mark_mask", kSuite, "0x3f000000", "0x3f000000", mark_mask_value()},

      {"targets", kAny, kTargets, kTargets, targets_value()},
      {"probe_interval", kAny, "1s", "1s", duration_value(&U::probe_interval, milliseconds(100), minutes(1))},
      {"loss_window", kAny, "60s", "60s", duration_value(&U::loss_window, seconds(2), hours(1))},
      {"loss_down", kAny, "20%", "20%", ratio_value(&U::loss_down, 0.01, 0.99)},
      {"loss_up", kAny, "5%", "5%", ratio_value(&U::loss_up, 0.001, 0.98)},
      {"up_after", kAny, "10s", "10s", duration_value(&U::up_after, seconds(1), hours(1))},
      {"evict_after", kAny, "3s", "3s", duration_value(&U::evict_after, milliseconds(100), minutes(10))},
      {"suspect_moves", kAny, "udp", "udp",
       word_value(&U::suspect_moves, {{"udp", SuspectMoves::udp}, {"none", SuspectMoves::none}})},
      {"latency_down", kAny, "off", "400ms", threshold_value(&U::latency_down, milliseconds(1), seconds(10))},
      {"jitter_down", kAny, "off", "100ms", threshold_value(&U::jitter_down, milliseconds(1), seconds(10))},
      {"failback", kAny, "graceful", "graceful",
       word_value(
           &U::failback,
           {{"graceful", Failback::graceful}, {"flush", Failback::flush}, {"manual", Failback::manual}})},
      {"failback_udp_after", kAny, "2min", "2min",
       duration_value(&U::failback_udp_after, seconds(0), hours(24))},
      {"metered", kAny, "no", "yes", metered_value()},
      {"enabled", kAny, "yes", "no", yes_no_value(&U::enabled)},

      {"name", kUplink, "", "fibre", token_value(&U::name)},
      {"mac", kUplink, "", "02:00:5e:10:00:01", mac_value()},
      {"gateway", kUplink, "auto", "192.0.2.1, fe80::1", gateway_value()},
      {"weight", kUplink, "1", "2", number_value(&U::weight, 1, 256)},
      {"precedence", kUplink, "", "1", number_value(&U::precedence, 1, 65535)},
      {"masquerade", kUplink, "no", "yes",
       word_value(
           &U::masquerade,
           {{"no", {}}, {"yes", {Family::v4, Family::v6}}, {"ipv4", {Family::v4}}, {"ipv6", {Family::v6}}})},
      {"translate_prefix", kUplink, "no", "fd00:1::/56 > 2001:db8:1::/56", prefix_translation_value()},
  };
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> table = make_table();
  return table;
}

const ConfigKey* find_config_key(std::string_view name) {
  const auto& table = config_keys();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const ConfigKey& key) { return key.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Result<void> read_config_value(const ConfigKey& key, std::string_view text, Settings& settings) {
  const auto done = key.value.read(text, settings);
  if (done) return {};
  if (!done.error().message.empty()) return fail(problems_of_key(key.name, done.error().message));
  return fail(cat(key.name, ": ", quoted(text), " is not ", key.value.rule, "; write for example ", key.name,
                  " = ", key.example));
}

Settings default_settings() {
  Settings settings;
  for (const auto& key : config_keys()) {
    if (key.fallback.empty()) continue;
    const auto done = read_config_value(key, key.fallback, settings);
    assert(done && "a default of the table breaks its own rule");
  }
  return settings;
}

}  // namespace multilink
