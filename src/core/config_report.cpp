// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_report.hpp"

#include <algorithm>

#include "multilink/core/policy_keys.hpp"
#include "multilink/core/quantity.hpp"
#include "multilink/core/squid_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string describe_targets(const UplinkConfig& uplink, Family family) {
  const auto count = uplink.targets_of(family).size();
  const auto name = cat("IPv", to_string(family));
  if (count == 0) return cat(name, " not probed");
  return cat(name, " probed at ", count, count == 1 ? " target" : " targets");
}

std::string describe_uplink(const UplinkConfig& uplink) {
  std::vector<std::string> facts;
  facts.push_back(uplink.mac ? cat("device with mac ", *uplink.mac) : cat("device ", uplink.device));
  std::vector<std::string> gateways;
  for (const auto& [family, gateway] : uplink.gateways) gateways.push_back(gateway.to_string());
  facts.push_back(gateways.empty() ? "gateway learned" : cat("gateway ", join(gateways, " and ")));
  facts.push_back(cat("weight ", uplink.weight));
  for (const Family family : kFamilies) facts.push_back(describe_targets(uplink, family));
  facts.push_back(cat("every ", format_duration(uplink.probe_interval)));
  if (!uplink.enabled) facts.push_back("not enabled");
  return cat("  ", uplink.precedence, ". ", uplink.name, ": ", join(facts, ", "), '\n');
}

std::string describe_policy(const PolicyConfig& policy) {
  std::vector<std::string> selectors;
  for (const auto& key : policy_keys()) {
    const auto value = key.write(policy);
    if (key.name != "use" && !value.empty()) selectors.push_back(cat(key.name, ' ', value));
  }
  return cat("  policy ", policy.name, ": ", join(selectors, "; "), " by ", join(policy.use, ", else "),
             ", else refused\n");
}

std::string describe_squid(const SquidConfig& squid) {
  std::vector<std::string> facts;
  for (const auto& key : squid_keys()) {
    if (key.name != "enabled") facts.push_back(cat(key.name, ' ', key.write(squid)));
  }
  return squid.enabled ? cat("  squid: ", join(facts, "; "), '\n') : std::string();
}

/// Addresses may hold a secret: they are not shown.
std::string describe_notify(const NotifyConfig& notify) {
  if (!notify.has_receiver()) return {};
  std::vector<std::string> told;
  if (!notify.command.empty()) told.emplace_back(notify.command);
  if (!notify.webhook.empty()) told.emplace_back("a web address");
  if (!notify.mail.empty()) told.push_back(join(notify.mail, ", "));
  std::vector<std::string> about;
  for (const auto on : notify.on) about.emplace_back(to_string(on));
  return cat("  told of ", join(about, ", "), ": ", join(told, "; "), '\n');
}

std::string describe_absent(const Config& config, const std::vector<std::string>& existing_devices) {
  std::string out;
  for (const auto& uplink : config.uplinks) {
    const bool exists =
        std::find(existing_devices.begin(), existing_devices.end(), uplink.device) != existing_devices.end();
    if (exists || uplink.mac) continue;
    out += cat("warning: [", printable(uplink.device),
               "]: there is no such device at present; the uplink is down until it appears\n");
  }
  return out;
}

std::string describe_errors(const std::vector<ConfigProblem>& errors) {
  std::string out;
  for (const auto& error : errors) out += cat(error.to_string(), '\n');
  return out +
         cat(errors.size(), errors.size() == 1 ? " error" : " errors", ": the configuration is refused\n");
}

}  // namespace

std::string describe_check(const ParsedConfig& parsed, const std::vector<std::string>& existing_devices) {
  if (!parsed.config) return describe_errors(parsed.errors);
  const auto& config = *parsed.config;
  std::string out = cat("The configuration is valid. Site ", config.suite.site, ", Redis at ",
                        config.suite.redis.to_string(), ", ", config.uplinks.size(),
                        config.uplinks.size() == 1 ? " uplink" : " uplinks", ", by precedence:\n");
  for (const auto& uplink : config.uplinks) out += describe_uplink(uplink);
  for (const auto& policy : config.policies) out += describe_policy(policy);
  out += describe_squid(config.squid);
  out += describe_notify(config.notify);
  for (const auto& warning : parsed.warnings) out += cat("warning: ", warning.to_string(), '\n');
  out += describe_absent(config, existing_devices);
  return out;
}

}  // namespace multilink
