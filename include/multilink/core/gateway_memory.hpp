// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <utility>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {

/// Keeps what was known of a gateway while nobody tells it. systemd-networkd, when it sets a device up, deletes the
/// routes of others, ours among them, before it makes its own: for some milliseconds no route at all leads through
/// the device, and to act on that would move the traffic and cut connections. Goes before GatewayGrace, which bounds
/// that for gateways from router advertisements.
///
/// A gateway is kept as long as the device is the same and an address of it reaches the gateway on the link, as
/// for one that our own route names; one that is `onlink`, as long as the addresses stay as they were. Without an
/// address it is forgotten: the next address may be another network's.
class GatewayMemory {
 public:
  /// Notes the gateways in `facts` of the uplink with this device (as configured), and fills in those that are missing.
  void apply(const std::string& device, const KernelState& state, UplinkFacts& facts);

 private:
  struct Known {
    unsigned link_index = 0;
    UplinkFacts::PerFamily seen{};
  };
  std::map<std::pair<std::string, Family>, Known> known_;
};

}  // namespace multilink
