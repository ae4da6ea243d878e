// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_report.hpp"

#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {

LinkRecord make_link_record(const UplinkConfig& uplink, const UplinkFacts& facts, std::string boot,
                            WallTime since) {
  LinkRecord record;
  record.device = uplink.device;
  record.boot = std::move(boot);
  record.carrier = facts.carrier;
  record.since = since;
  for (const auto& [family, seen] : facts.families) {
    auto& out = record.families[family];
    out.fact = seen.fact;
    out.gateway = seen.gateway;
    for (const auto& prefix : seen.addresses) out.addresses.push_back(prefix.address);
  }
  return record;
}

std::string_view describe(LinkFact fact) {
  switch (fact) {
    case LinkFact::no_device:
      return "has no device";
    case LinkFact::admin_down:
      return "is set down";
    case LinkFact::no_carrier:
      return "has no carrier";
    case LinkFact::no_address:
      return "has no address of this family";
    case LinkFact::no_gateway:
      return "has no gateway";
    case LinkFact::ok:
      break;
  }
  return "is ok";
}

std::string describe_link(const UplinkConfig& uplink, Family family, const LinkRecord::PerFamily& seen) {
  const auto& device = uplink.device;
  const auto ip = cat("IPv", to_string(family));
  switch (seen.fact) {
    case LinkFact::no_device:
      return cat("there is no device ", device);
    case LinkFact::admin_down:
      return cat(device, " is set down (ip link set ", device, " up)");
    case LinkFact::no_carrier:
      return cat(device, " has no carrier");
    case LinkFact::no_address:
      return cat(device, " has no usable ", ip, " address");
    case LinkFact::no_gateway:
      return cat("no ", ip, " gateway is known on ", device, ": write gateway = ADDRESS under [", device,
                 "]");
    case LinkFact::ok:
      break;
  }
  std::vector<std::string> addresses;
  for (const auto& address : seen.addresses) addresses.push_back(address.to_string());
  return cat(device, " has ", join(addresses, ", "),
             seen.gateway ? cat(" and the gateway ", seen.gateway->to_string()) : "");
}

std::string describe_missing_gateway(const UplinkConfig& uplink, Family family) {
  return cat("no IPv", to_string(family), " gateway is known on ", uplink.device,
             ": no default route leads through it",
             family == Family::v4 ? " and no lease of a DHCP client names one" : "",
             "; write gateway = ADDRESS under [", uplink.device, "]");
}

}  // namespace multilink
